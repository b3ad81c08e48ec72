"""Classifiers beside scikit-learn's that are known by name, and the packages that bring them."""

from __future__ import annotations

BOOSTERS = {
    "LGBMClassifier": "lightgbm",
    "XGBClassifier": "xgboost",
    "XGBRFClassifier": "xgboost",
}
"""Reviewed: allowed where their package is installed."""

ELSEWHERE = {
    "CatBoostClassifier": "catboost",
    "CatBoostRegressor": "catboost",
    "LGBMRegressor": "lightgbm",
    "XGBRegressor": "xgboost",
    "XGBRFRegressor": "xgboost",
    "BalancedRandomForestClassifier": "imblearn.ensemble",
    "BalancedBaggingClassifier": "imblearn.ensemble",
    "EasyEnsembleClassifier": "imblearn.ensemble",
    "RUSBoostClassifier": "imblearn.ensemble",
}
"""Well known, but for an operator to allow."""

KEYWORDS = {
    "lightgbm.LGBMClassifier": (
        "bagging_fraction",
        "bagging_freq",
        "bagging_seed",
        "cat_l2",
        "cat_smooth",
        "deterministic",
        "drop_rate",
        "extra_trees",
        "feature_fraction",
        "feature_fraction_bynode",
        "force_col_wise",
        "force_row_wise",
        "is_unbalance",
        "lambda_l1",
        "lambda_l2",
        "linear_tree",
        "max_bin",
        "max_cat_threshold",
        "max_delta_step",
        "max_drop",
        "min_data_in_leaf",
        "min_gain_to_split",
        "other_rate",
        "path_smooth",
        "scale_pos_weight",
        "seed",
        "skip_drop",
        "top_rate",
        "verbose",
        "verbosity",
    ),
}
"""Parameters that only ``**kwargs`` takes. None names a file, a host or a device, as others do."""
