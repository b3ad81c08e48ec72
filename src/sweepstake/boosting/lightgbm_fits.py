"""LightGBM: fits on one thread, and models as its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np  # noqa: TID253 - whoever fits or asks a booster has it

from sweepstake.boosting.library import Fitted, first_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweepstake.boosting.library import Rows

ENDING = "txt"
QUIET = {"n_jobs": 1, "verbose": -1}
REPEATABLE = {"deterministic": True, "force_row_wise": True}
"""Else LightGBM measures which of two ways is quicker, which may end sums otherwise."""
OWN = frozenset({"early_stopping_rounds", "verbosity", *QUIET})
"""Parameters that are not handed on."""
UNSTOPPED = {"dart", "rf"}
ASKED = {"num_threads": 1, "verbose": -1}


def fit(kind: str, params: Mapping[str, Any], rows: Rows, kept: Rows | None, stop: int) -> Fitted:
    """Fit an estimator: see `library`."""
    import lightgbm

    given = {name: value for name, value in params.items() if name not in OWN}
    if kept and given.get("boosting_type") in UNSTOPPED:
        message = "early_stopping_rounds does not go with this boosting_type, whose trees change. "
        raise ValueError(message + "Leave out one of both.")
    model = getattr(lightgbm, kind)(**{**given, **REPEATABLE, **QUIET})
    sets = [rows, kept] if kept else [rows]
    stopping = [lightgbm.early_stopping(stop, verbose=False)] if kept else []
    try:
        model.fit(
            rows.X,
            rows.y,
            sample_weight=rows.weights,
            eval_X=tuple(each.X for each in sets),
            eval_y=tuple(each.y for each in sets),
            eval_sample_weight=None if rows.weights is None else [each.weights for each in sets],
            callbacks=stopping,
        )
    except lightgbm.basic.LightGBMError as error:
        raise ValueError(first_line(error)) from None
    curves = model.evals_result_.values()
    told: list[Any] = [next(iter(each.values()), []) for each in curves] or [[]]
    rounds = int(model.best_iteration_ or model.booster_.current_iteration())
    content = model.booster_.model_to_string(num_iteration=rounds)
    return Fitted(read(kind, content.encode()), rounds, *told)


def defaults(kind: str) -> Mapping[str, Any]:
    """The parameters of a class: see `library`."""
    import lightgbm

    found: dict[str, Any] = getattr(lightgbm, kind)().get_params()
    return found


def written(model: Any) -> bytes:
    """The model as text, whose numbers are read again to the last bit."""
    text: str = model.model_to_string()
    return text.encode()


def read(kind: str, content: bytes) -> Any:  # noqa: ARG001 - the text says what it is
    """The model of a text."""
    import lightgbm

    try:
        return lightgbm.Booster(model_str=content.decode())
    except lightgbm.basic.LightGBMError as error:
        raise ValueError(first_line(error)) from None


def numbers(model: Any, X: Any) -> np.ndarray:  # noqa: N803 - scikit-learn's names
    """Numbers of shape (n,)."""
    return np.asarray(model.predict(X, **ASKED))


def codes(model: Any, X: Any) -> np.ndarray:  # noqa: N803
    """Classes as 0 to k - 1: those of the greatest probability."""
    return np.asarray(np.argmax(probabilities(model, X), axis=1))


def probabilities(model: Any, X: Any) -> np.ndarray:  # noqa: N803
    """Probabilities of shape (n, k): of two classes LightGBM gives that of the second."""
    found = np.asarray(model.predict(X, **ASKED))
    return np.vstack((1.0 - found, found)).transpose() if found.ndim == 1 else found


def importances(model: Any) -> np.ndarray:
    """How many splits each feature has."""
    return np.asarray(model.feature_importance("split"))
