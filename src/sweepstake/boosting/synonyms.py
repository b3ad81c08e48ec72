"""Synonyms: other names that the libraries have for their parameters, and the ones used here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SYNONYMS: Mapping[str, Mapping[str, str]] = {
    "catboost": {
        "colsample_bylevel": "rsm",
        "eta": "learning_rate",
        "max_bin": "border_count",
        "max_depth": "depth",
        "min_child_samples": "min_data_in_leaf",
        "n_estimators": "iterations",
        "num_boost_round": "iterations",
        "num_leaves": "max_leaves",
        "num_trees": "iterations",
        "objective": "loss_function",
        "random_seed": "random_state",
        "reg_lambda": "l2_leaf_reg",
    },
    "lightgbm": {
        "bagging_fraction": "subsample",
        "bagging_freq": "subsample_freq",
        "boosting": "boosting_type",
        "early_stopping_round": "early_stopping_rounds",
        "eta": "learning_rate",
        "feature_fraction": "colsample_bytree",
        "lambda_l1": "reg_alpha",
        "lambda_l2": "reg_lambda",
        "min_data_in_leaf": "min_child_samples",
        "min_gain_to_split": "min_split_gain",
        "min_sum_hessian_in_leaf": "min_child_weight",
        "num_boost_round": "n_estimators",
        "num_iterations": "n_estimators",
        "seed": "random_state",
    },
    "xgboost": {
        "alpha": "reg_alpha",
        "eta": "learning_rate",
        "min_split_loss": "gamma",
        "num_boost_round": "n_estimators",
        "seed": "random_state",
    },
}
"""By package: a synonym, and the name that parameters have on a run."""
