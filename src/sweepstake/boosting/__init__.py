"""Boosting: XGBoost, LightGBM and CatBoost as estimators of scikit-learn's kind.

A model's folder holds a copy of this package: it needs nothing else of Sweepstake, so neither does
who loads the model. Stored models name the classes as ``sweepstake.boosting.XGBClassifier``.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "CatBoostClassifier",
    "CatBoostRegressor",
    "LGBMClassifier",
    "LGBMRegressor",
    "XGBClassifier",
    "XGBRFClassifier",
    "XGBRFRegressor",
    "XGBRegressor",
]


def __getattr__(name: str) -> Any:
    """Import a class, and with it scikit-learn, when somebody asks for it."""
    if name in __all__:
        from sweepstake.boosting import estimators

        return getattr(estimators, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
