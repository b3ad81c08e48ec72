"""Boosters: classes that sweepstake's extras bring, and what a grid file may write of each.

Reviewed for XGBoost 3.2, LightGBM 4.7 and CatBoost 1.2: no parameter here names a file, a host, a
device or code. A name that is not here is not handed on.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from sweepstake.boosting.synonyms import SYNONYMS
from sweepstake.errors import SettingsError
from sweepstake.gridfile.booster_reasons import REASONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

BOOSTERS: Mapping[str, str] = {
    "CatBoostClassifier": "catboost",
    "CatBoostRegressor": "catboost",
    "LGBMClassifier": "lightgbm",
    "LGBMRegressor": "lightgbm",
    "XGBClassifier": "xgboost",
    "XGBRFClassifier": "xgboost",
    "XGBRFRegressor": "xgboost",
    "XGBRegressor": "xgboost",
}
"""The packages that bring them; each is the name of an extra too."""
ELSEWHERE = {
    "BalancedRandomForestClassifier": "imblearn.ensemble",
    "BalancedBaggingClassifier": "imblearn.ensemble",
    "EasyEnsembleClassifier": "imblearn.ensemble",
    "RUSBoostClassifier": "imblearn.ensemble",
}
"""Well known, but for an operator to allow."""
STOP = "early_stopping_rounds"
SEEDS = frozenset({"random_state", "random_seed", "seed"})

PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "catboost": (
        *("allow_writing_files", "approx_on_full_history", "auto_class_weights"),
        *("bagging_temperature", "best_model_min_trees", "boost_from_average", "boosting_type"),
        *("bootstrap_type", "border_count", "class_weights", "depth", "diffusion_temperature"),
        *(STOP, "eval_metric", "feature_border_type", "feature_weights", "fold_len_multiplier"),
        *("fold_permutation_block", "grow_policy", "has_time", "iterations", "l2_leaf_reg"),
        *("langevin", "leaf_estimation_backtracking", "leaf_estimation_iterations"),
        *("leaf_estimation_method", "learning_rate", "logging_level", "loss_function"),
        *("max_leaves", "min_data_in_leaf", "model_shrink_mode", "model_shrink_rate"),
        *("monotone_constraints", "mvs_reg", "nan_mode", "posterior_sampling", "random_state"),
        *("random_strength", "rsm", "sampling_frequency", "scale_pos_weight", "score_function"),
        *("silent", "subsample", "thread_count", "verbose"),
    ),
    "lightgbm": (
        *("alpha", "bagging_seed", "boost_from_average", "boosting_type", "class_weight"),
        *("colsample_bytree", "data_sample_strategy", "drop_rate", "drop_seed", STOP),
        *("extra_seed", "extra_trees", "fair_c", "feature_fraction_bynode"),
        *("feature_fraction_seed", "importance_type", "interaction_constraints"),
        *("is_unbalance", "learning_rate", "max_bin", "max_delta_step", "max_depth", "max_drop"),
        *("metric", "min_child_samples", "min_child_weight", "min_data_in_bin"),
        *("min_split_gain", "monotone_constraints", "monotone_constraints_method"),
        *("monotone_penalty", "n_estimators", "n_jobs", "neg_bagging_fraction", "num_leaves"),
        *("objective", "other_rate", "path_smooth", "poisson_max_delta_step"),
        *("pos_bagging_fraction", "random_state", "reg_alpha", "reg_lambda"),
        *("scale_pos_weight", "skip_drop", "subsample", "subsample_for_bin", "subsample_freq"),
        *("top_rate", "tweedie_variance_power", "uniform_drop", "verbose", "verbosity"),
        "xgboost_dart_mode",
    ),
    "xgboost": (
        *("base_score", "booster", "colsample_bylevel", "colsample_bynode", "colsample_bytree"),
        *(STOP, "eval_metric", "gamma", "grow_policy", "huber_slope", "importance_type"),
        *("interaction_constraints", "learning_rate", "max_bin", "max_delta_step", "max_depth"),
        *("max_leaves", "min_child_weight", "monotone_constraints", "n_estimators", "n_jobs"),
        *("normalize_type", "num_parallel_tree", "objective", "one_drop", "random_state"),
        *("rate_drop", "reg_alpha", "reg_lambda", "sample_type", "sampling_method"),
        *("scale_pos_weight", "skip_drop", "subsample", "tree_method"),
        *("tweedie_variance_power", "verbosity"),
    ),
}
"""By package, under the names that a run has."""
OF_CLASSES = frozenset(
    {"auto_class_weights", "class_weight", "class_weights", "is_unbalance", "scale_pos_weight"}
)
"""Those that only classifiers have."""
OF_NUMBERS = frozenset(
    {"alpha", "fair_c", "huber_slope", "poisson_max_delta_step", "tweedie_variance_power"}
)
"""Those that only regressors have."""
OF_ROUNDS = frozenset(
    {STOP, "booster", "normalize_type", "num_parallel_tree", "one_drop", "rate_drop"}
    | {"sample_type", "skip_drop"}
)
"""Those that a forest, which has one round, does not have."""


@cache
def installed() -> Mapping[str, str]:
    """Bare and dotted names of the boosters whose packages are installed, and the dotted ones."""
    found = {short: f"{home}.{short}" for short, home in BOOSTERS.items() if find_spec(home)}
    return found | {name: name for name in found.values()}


def package_of(name: str) -> str:
    """The package of a booster by its bare or dotted name; empty for what is none.

    >>> package_of("xgboost.XGBClassifier"), package_of("sklearn.svm.SVC")
    ('xgboost', '')
    """
    short = name.rpartition(".")[2]
    home = BOOSTERS.get(short, "")
    return home if name in {short, f"{home}.{short}"} else ""


def is_known(name: str) -> bool:
    """Whether a name is that of a booster, installed or not."""
    return bool(package_of(name))


@cache
def parameters(name: str) -> tuple[str, ...]:
    """What a grid file may write of a booster, synonyms included."""
    short, package = name.rpartition(".")[2], package_of(name)
    lacking = OF_CLASSES if short.endswith("Regressor") else OF_NUMBERS
    if short.startswith("XGBRF"):
        lacking |= OF_ROUNDS
    known = (*PARAMETERS[package], *SYNONYMS[package])
    return tuple(each for each in known if SYNONYMS[package].get(each, each) not in lacking)


def reason(name: str, param: str) -> str:
    """Why a booster's parameter is not taken, with what to do; empty where that is not known."""
    short, package = name.rpartition(".")[2], package_of(name)
    found = REASONS[package].get(param, "") if package else ""
    if short.startswith("XGBRF") and param in OF_ROUNDS:
        found = "a forest has one round. Leave it out."
    return f"{short} does not take '{param}' here: {found}" if found else ""


def doubled(name: str, given: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Parameters that are given under a second name, each with the first."""
    synonyms = SYNONYMS.get(package_of(name), {})
    seen: dict[str, str] = {}
    for param in given:
        first = seen.setdefault(synonyms.get(param, param), param)
        if first != param:
            yield param, first


def load_libraries(names: Iterable[str]) -> None:
    """Import the packages of boosters among these names, before a fork: see `model_folders`.

    Raises:
        SettingsError: one is installed, but cannot be imported here.
    """
    for package in sorted({package_of(name) for name in names} - {""}):
        try:
            import_module(package)
        except (ImportError, OSError) as error:
            message = f"{package}: must be importable, but got: {error}. "
            raise SettingsError(message + "docs/how-to/boosters.md says what it needs.") from error


def stops(name: str, params: Iterable[str]) -> bool:
    """Whether one of these parameters has a booster stop early."""
    synonyms = SYNONYMS.get(package_of(name), {})
    return is_known(name) and STOP in {synonyms.get(param, param) for param in params}
