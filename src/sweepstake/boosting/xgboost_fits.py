"""XGBoost: fits on one thread, and models as its JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np  # noqa: TID253 - whoever fits or asks a booster has it

from sweepstake.boosting.library import Fitted, first_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweepstake.boosting.library import Rows

ENDING = "json"
QUIET = {"n_jobs": 1, "verbosity": 0}
OWN = frozenset({"early_stopping_rounds", *QUIET})
"""Parameters that are not handed on."""
KINDS = {"Classifier": "XGBClassifier", "Regressor": "XGBRegressor"}


def fit(kind: str, params: Mapping[str, Any], rows: Rows, kept: Rows | None, stop: int) -> Fitted:
    """Fit an estimator: see `library`."""
    import xgboost

    given = _given(params)
    stopping = {"early_stopping_rounds": stop} if kept else {}
    model = getattr(xgboost, kind)(**given, **QUIET, **stopping)
    sets = [rows, kept] if kept else [rows]
    try:
        model.fit(
            rows.X,
            rows.y,
            sample_weight=rows.weights,
            eval_set=[(each.X, each.y) for each in sets],
            sample_weight_eval_set=None
            if rows.weights is None
            else [each.weights for each in sets],
            verbose=False,
        )
    except xgboost.core.XGBoostError as error:
        raise ValueError(first_line(error)) from None
    told = [list(each.values())[-1] for each in model.evals_result().values()]
    if not kept:
        return Fitted(model, model.get_num_boosting_rounds(), told[0])
    best = int(model.best_iteration) + 1
    sliced = model.get_booster()[:best]
    sliced.set_attr(best_iteration=None, best_score=None)
    return Fitted(read(kind, bytes(sliced.save_raw("json"))), best, *told)


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as XGBoost takes them: it knows constraints by place as tuples and as text."""
    given = {name: value for name, value in params.items() if name not in OWN and value is not None}
    if isinstance(given.get("monotone_constraints"), list):
        given["monotone_constraints"] = tuple(given["monotone_constraints"])
    if isinstance(given.get("interaction_constraints"), list):
        given["interaction_constraints"] = json.dumps(given["interaction_constraints"])
    return given


def defaults(kind: str) -> Mapping[str, Any]:
    """The parameters of a class: see `library`."""
    import xgboost

    found: dict[str, Any] = getattr(xgboost, kind)().get_params()
    return found


def written(model: Any) -> bytes:
    """The model as JSON, whose numbers are read again to the last bit."""
    return bytes(model.get_booster().save_raw("json"))


def read(kind: str, content: bytes) -> Any:
    """The model of JSON."""
    import xgboost

    last = next(ending for ending in KINDS if kind.endswith(ending))
    model = getattr(xgboost, KINDS[last])(**QUIET)
    try:
        model.load_model(bytearray(content))
    except xgboost.core.XGBoostError as error:
        raise ValueError(first_line(error)) from None
    return model


def numbers(model: Any, X: Any) -> np.ndarray:  # noqa: N803 - scikit-learn's names
    """Numbers of shape (n,)."""
    return np.asarray(model.predict(X))


def codes(model: Any, X: Any) -> np.ndarray:  # noqa: N803
    """Classes as 0 to k - 1."""
    return np.asarray(model.predict(X))


def probabilities(model: Any, X: Any) -> np.ndarray:  # noqa: N803
    """Probabilities of shape (n, k)."""
    return np.asarray(model.predict_proba(X))


def importances(model: Any) -> np.ndarray:
    """What each feature gains, as XGBoost has it."""
    return np.asarray(model.feature_importances_)
