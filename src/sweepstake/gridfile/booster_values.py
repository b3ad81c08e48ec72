"""What boosters allow as values, in the words that scikit-learn has for its own constraints."""

from __future__ import annotations

from functools import cache
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from sweepstake.boosting.synonyms import SYNONYMS
from sweepstake.gridfile.boosters import STOP
from sweepstake.gridfile.sklearn_internals import interval, options

if TYPE_CHECKING:
    from collections.abc import Mapping

OFF, ON = (False,), (True,)
LOSSES_OF_CLASSES = ("Logloss", "MultiClass", "MultiClassOneVsAll")
LOSSES_OF_NUMBERS = (
    *("Expectile", "Huber", "LogLinQuantile", "Lq", "MAE", "MAPE", "Poisson", "Quantile", "RMSE"),
    "Tweedie",
)
OBJECTIVES: Mapping[str, tuple[str, ...]] = {
    "LGBMClassifier": ("binary", "multiclass", "multiclassova"),
    "LGBMRegressor": (
        *("fair", "gamma", "huber", "mape", "poisson", "quantile", "regression"),
        *("regression_l1", "tweedie"),
    ),
    "XGBClassifier": ("binary:logistic", "multi:softmax", "multi:softprob"),
    "XGBRegressor": (
        *("count:poisson", "reg:absoluteerror", "reg:gamma", "reg:logistic"),
        *("reg:pseudohubererror", "reg:squarederror", "reg:squaredlogerror", "reg:tweedie"),
    ),
}
"""What models with one answer to a row may be fitted for."""


class Beginnings:
    """Texts such as ``Quantile:alpha=0.9``: one of some names, and figures after a colon."""

    hidden = False
    type = str

    def __init__(self, names: tuple[str, ...]) -> None:
        self.options, self.deprecated = frozenset(names), frozenset[str]()

    def is_satisfied_by(self, value: Any) -> bool:
        """Whether a value is such a text."""
        return isinstance(value, str) and value.partition(":")[0] in self.options


@cache
def constraints(kind: str, package: str) -> Mapping[str, list[Any]]:
    """The constraints on a booster's parameters, one of which must hold, synonyms included."""
    known = {**_common(), **_OF[package](), **_objectives(kind, package)}
    synonyms = {name: known[own] for name, own in SYNONYMS[package].items() if own in known}
    return {**known, **synonyms}


def _objectives(kind: str, package: str) -> dict[str, list[Any]]:
    if package == "catboost":
        of_classes = kind.endswith("Classifier")
        return {
            "loss_function": [Beginnings(LOSSES_OF_CLASSES if of_classes else LOSSES_OF_NUMBERS)]
        }
    return {"objective": [options(str, *OBJECTIVES[kind.replace("RF", "")]), None]}


def _common() -> dict[str, list[Any]]:
    """Parameters that mean the same to each library."""
    count, whole = _whole(1), _whole(0)
    share, least = _real(0, 1, closed="right"), _real(0, None)
    return {
        STOP: [count, None],
        "n_estimators": [count, None],
        "learning_rate": [_real(0, None, closed="neither"), None],
        "max_bin": [_whole(2), None],
        "subsample": [share, None],
        "random_state": [whole, None],
        "n_jobs": [Integral, None],
        "scale_pos_weight": [_real(0, None, closed="neither"), None],
        **_each(("reg_alpha", "reg_lambda", "min_child_weight"), [least, None]),
        **_each(("max_delta_step", "l2_leaf_reg"), [least, None]),
        **_each(("colsample_bylevel", "colsample_bynode", "colsample_bytree"), [share, None]),
        **_each(("drop_rate", "rate_drop", "skip_drop"), [_real(0, 1), None]),
        "tweedie_variance_power": [_real(1, 2), None],
    }


def _of_xgboost() -> dict[str, list[Any]]:
    return {
        "booster": [options(str, "gbtree", "dart"), None],
        "gamma": [_real(0, None), None],
        "grow_policy": [options(str, "depthwise", "lossguide"), None],
        "max_depth": [_whole(0), None],
        "max_leaves": [_whole(0), None],
        "num_parallel_tree": [_whole(1), None],
        "sampling_method": [options(str, "uniform"), None],
        "tree_method": [options(str, "auto", "exact", "approx", "hist"), None],
        "base_score": [Real, None],
        "eval_metric": [str, list, None],
        "verbosity": [options(Integral, 0), None],
        "monotone_constraints": [list, None],
        "interaction_constraints": [list, None],
    }


def _of_lightgbm() -> dict[str, list[Any]]:
    quiet = [_whole(None, 0), None]
    return {
        "boosting_type": [options(str, "gbdt", "dart", "rf")],
        "class_weight": [dict, options(str, "balanced"), None],
        "data_sample_strategy": [options(str, "bagging", "goss")],
        "max_depth": [Integral],
        "metric": [str, list, None],
        "min_child_samples": [_whole(0)],
        "min_split_gain": [_real(0, None)],
        "num_leaves": [_whole(2, 131072)],
        "subsample_freq": [Integral],
        "subsample_for_bin": [_whole(1)],
        "verbose": quiet,
        "verbosity": quiet,
        "monotone_constraints": [list, None],
        "interaction_constraints": [list, None],
    }


def _of_catboost() -> dict[str, list[Any]]:
    return {
        "allow_writing_files": [options(bool, *OFF)],
        "silent": [options(bool, *ON)],
        "verbose": [options(bool, *OFF), options(Integral, 0)],
        "logging_level": [options(str, "Silent")],
        "thread_count": [Integral, None],
        "iterations": [_whole(1), None],
        "depth": [_whole(1, 16), None],
        "border_count": [_whole(1, 65535), None],
        "rsm": [_real(0, 1, closed="right"), None],
        "min_data_in_leaf": [_whole(1), None],
        "max_leaves": [_whole(2, 64), None],
        "bagging_temperature": [_real(0, None), None],
        "random_strength": [_real(0, None), None],
        "auto_class_weights": [options(str, "Balanced", "SqrtBalanced"), None],
        "bootstrap_type": [options(str, "Bayesian", "Bernoulli", "MVS", "No"), None],
        "boosting_type": [options(str, "Ordered", "Plain"), None],
        "class_weights": [dict, list, None],
        "eval_metric": [str, None],
        "grow_policy": [options(str, "SymmetricTree", "Depthwise", "Lossguide"), None],
        "nan_mode": [options(str, "Min", "Max", "Forbidden"), None],
        "score_function": [options(str, "Cosine", "L2"), None],
        "leaf_estimation_method": [options(str, "Newton", "Gradient", "Exact", "Simple"), None],
        "monotone_constraints": [list, None],
        "feature_weights": [list, None],
    }


_OF = {"catboost": _of_catboost, "lightgbm": _of_lightgbm, "xgboost": _of_xgboost}


def _each(names: tuple[str, ...], allowed: list[Any]) -> dict[str, list[Any]]:
    return {name: [*allowed] for name in names}


def _whole(low: int | None, high: int | None = None) -> Any:
    closed = "both" if high is not None and low is not None else "right" if low is None else "left"
    return interval(Integral, low, high, closed)


def _real(low: float | None, high: float | None, closed: str = "") -> Any:
    return interval(Real, low, high, closed or ("left" if high is None else "both"))
