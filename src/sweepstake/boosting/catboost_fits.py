"""CatBoost: fits on one thread that write no files, and models as its binary file (cbm)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np  # noqa: TID253 - whoever fits or asks a booster has it

from sweepstake.boosting.library import Fitted, first_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweepstake.boosting.library import Rows

ENDING = "cbm"
QUIET = {"thread_count": 1, "allow_writing_files": False, "logging_level": "Silent"}
OF_LOGARITHMS = ("Poisson", "Tweedie")
"""Losses after which CatBoost forgets, in a file, that it answers with the numbers themselves."""
OWN = frozenset({"early_stopping_rounds", "verbose", "silent", *QUIET})
"""Parameters that are not handed on."""


def fit(kind: str, params: Mapping[str, Any], rows: Rows, kept: Rows | None, stop: int) -> Fitted:
    """Fit an estimator: see `library`."""
    import catboost

    given = {name: value for name, value in params.items() if name not in OWN and value is not None}
    stopping = {"early_stopping_rounds": stop} if kept else {}
    model = getattr(catboost, kind)(**given, **QUIET, **stopping)
    pools = [catboost.Pool(each.X, each.y, weight=each.weights) for each in (rows, kept) if each]
    try:
        model.fit(pools[0], eval_set=pools[1] if kept else None)
    except catboost.CatBoostError as error:
        raise ValueError(first_line(error)) from None
    told = model.get_evals_result()
    curves = [next(iter(told[name].values())) for name in ("learn", "validation") if name in told]
    return Fitted(model, int(model.tree_count_), *curves)


def defaults(kind: str) -> Mapping[str, Any]:
    """Of a class of CatBoost's no defaults are known before it is fitted."""
    del kind
    return {}


def written(model: Any) -> bytes:
    """The model as CatBoost writes it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.cbm"
        model.save_model(str(file))
        return file.read_bytes()


def read(kind: str, content: bytes) -> Any:
    """The model of a file."""
    import catboost

    model = getattr(catboost, kind)()
    try:
        model.load_model(blob=content)
    except catboost.CatBoostError as error:
        raise ValueError(first_line(error)) from None
    return model


def numbers(model: Any, X: Any) -> np.ndarray:  # noqa: N803 - scikit-learn's names
    """Numbers of shape (n,); of some losses the model has their logarithms."""
    loss = str(model.get_all_params()["loss_function"])
    kind = "Exponent" if loss.startswith(OF_LOGARITHMS) else "RawFormulaVal"
    return np.asarray(model.predict(X, prediction_type=kind, thread_count=1))


def codes(model: Any, X: Any) -> np.ndarray:  # noqa: N803
    """Classes as 0 to k - 1: of several classes CatBoost gives a column."""
    return np.ravel(model.predict(X, thread_count=1)).astype(int)


def probabilities(model: Any, X: Any) -> np.ndarray:  # noqa: N803
    """Probabilities of shape (n, k)."""
    return np.asarray(model.predict_proba(X, thread_count=1))


def importances(model: Any) -> np.ndarray:
    """What each feature counts, as CatBoost has it."""
    return np.asarray(model.feature_importances_)
