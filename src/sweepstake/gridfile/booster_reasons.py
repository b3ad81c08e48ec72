"""Reasons: parameters of boosters that a grid file may not write, and what to do instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CODE = "no code runs from a grid file. Leave it out."
CORE = "a trial has one core of its host. Leave it out."
COUNT_OF_CORES = "a trial has one core of its host, whatever 'n_jobs' says. Leave it out."
FILES = "no file is opened or written because a grid file says so. Leave it out."
HOSTS = "trials run in parallel by themselves. Leave it out."
LABELS = "labels of any kind are taken as they are. Leave it out."
TEXT = "columns of text are encoded before it. Leave it out."
GAPS = "gaps are known as such. Leave it out."
REPEATABLE = "it is set, so that a trial can be repeated. Leave it out."
ROWS = "rows are chosen by the grid file: 'cv', and 'early_stopping_rounds' for those kept back."
STOPPING = "write 'early_stopping_rounds' instead."
ONE_TARGET = "it has one target. Leave it out."
LINEAR = "a model file has trees with numbers in their leaves. Leave it out."
SPACE = "'limits.trial_memory' bounds a trial. Leave it out."

REASONS: Mapping[str, Mapping[str, str]] = {
    "catboost": {
        **dict.fromkeys(("callback", "callbacks", "custom_loss", "custom_metric"), CODE),
        **dict.fromkeys(("task_type", "devices", "device_config", "data_partition"), CORE),
        **dict.fromkeys(("gpu_ram_part", "gpu_cat_features_storage", "pinned_memory_size"), CORE),
        **dict.fromkeys(("train_dir", "snapshot_file", "save_snapshot"), FILES),
        **dict.fromkeys(("snapshot_interval", "input_borders", "output_borders"), FILES),
        **dict.fromkeys(("name", "metadata"), "a run has its own name and tags. Leave it out."),
        **dict.fromkeys(("class_names", "classes_count", "target_border"), LABELS),
        **dict.fromkeys(("cat_features", "text_features", "embedding_features"), TEXT),
        **dict.fromkeys(("tokenizers", "dictionaries", "feature_calcers", "text_processing"), TEXT),
        **dict.fromkeys(("od_wait", "od_type", "od_pval", "use_best_model"), STOPPING),
        "eval_fraction": ROWS,
        "used_ram_limit": SPACE,
        "n_jobs": COUNT_OF_CORES,
    },
    "lightgbm": {
        **dict.fromkeys(("device", "device_type", "gpu_platform_id", "gpu_device_id"), CORE),
        **dict.fromkeys(("gpu_use_dp", "num_gpu"), CORE),
        **dict.fromkeys(("num_threads", "num_thread", "nthread", "nthreads"), COUNT_OF_CORES),
        **dict.fromkeys(("machines", "machine_list_filename", "machine_list_file"), HOSTS),
        **dict.fromkeys(("num_machines", "local_listen_port", "tree_learner", "time_out"), HOSTS),
        **dict.fromkeys(("forcedsplits_filename", "forcedbins_filename", "input_model"), FILES),
        **dict.fromkeys(("output_model", "output_result", "config", "config_file"), FILES),
        **dict.fromkeys(("data", "valid", "save_binary", "snapshot_freq"), FILES),
        **dict.fromkeys(("parser_config_file", "convert_model"), FILES),
        **dict.fromkeys(("categorical_feature", "cat_feature"), TEXT),
        **dict.fromkeys(("deterministic", "force_row_wise", "force_col_wise"), REPEATABLE),
        **dict.fromkeys(("linear_tree", "linear_lambda"), LINEAR),
        **dict.fromkeys(("use_missing", "zero_as_missing"), GAPS),
        **dict.fromkeys(("callbacks", "feval", "fobj"), CODE),
        "num_class": LABELS,
    },
    "xgboost": {
        **dict.fromkeys(("callbacks", "feval", "obj"), CODE),
        **dict.fromkeys(("device", "gpu_id", "predictor"), CORE),
        **dict.fromkeys(("nthread", "nthreads"), COUNT_OF_CORES),
        **dict.fromkeys(("use_label_encoder", "num_class"), LABELS),
        **dict.fromkeys(("enable_categorical", "feature_types"), TEXT),
        **dict.fromkeys(("max_cat_to_onehot", "max_cat_threshold"), TEXT),
        **dict.fromkeys(("feature_weights",), "no feature is drawn more often. Leave it out."),
        "lambda": "it is called 'reg_lambda'. Rename it.",
        "missing": GAPS,
        "multi_strategy": ONE_TARGET,
        "validate_parameters": "parameters are checked by this file's rules. Leave it out.",
        "xgb_model": FILES,
        "model_in": FILES,
    },
}
"""By package and parameter."""
