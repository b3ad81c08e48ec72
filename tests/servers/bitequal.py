"""Small data, and all that a fitted estimator and a trial's result are made of, to be compared."""

from __future__ import annotations

from functools import singledispatch

import numpy as np
import pandas as pd

from sweepstake.data.dataset import Dataset
from sweepstake.domain.spec import DataSpec, Preprocess, SweepSpec

RNG = np.random.default_rng(5)
ROWS = 72
FRAME = pd.DataFrame(
    {
        "a": np.round(RNG.normal(size=ROWS), 1),
        "b": RNG.integers(0, 5, ROWS).astype(float),
        "kind": pd.Categorical(RNG.choice(["x", "y", "z"], ROWS)),
    }
)
LABELS = np.repeat(["no", "yes", "who"], ROWS // 3)
NUMBERS = FRAME["a"].to_numpy() * 2 + FRAME["b"].to_numpy() + 1


def dataset(*, numbers, mixed):
    """A third of the rows kept back; labels or numbers to predict, a column of text if mixed."""
    features = FRAME if mixed else FRAME[["a", "b"]]
    y = NUMBERS if numbers else LABELS
    held = np.arange(ROWS) % 3 == 2
    return Dataset(
        X_train=features[~held].reset_index(drop=True),
        X_holdout=features[held].reset_index(drop=True),
        y_train=y[~held] + (3.0 if numbers else ""),
        y_holdout=y[held] + (3.0 if numbers else ""),
        classes=() if numbers else ("no", "who", "yes"),
        digest="d",
    )


def spec(kind):
    """A sweep in three folds."""
    metric = "accuracy" if kind.endswith("Classifier") else "r2"
    return SweepSpec("s", "m", DataSpec(""), (), metric, 3, 0, Preprocess.AUTO)


@singledispatch
def everything(value):
    """All that a value is made of, arrays as bytes: equal for what is equal to the last bit."""
    state = value.__getstate__() if hasattr(value, "__getstate__") else None
    return type(value).__name__, everything(state), everything(value.__reduce__()[1:2])


@everything.register(type(None))
@everything.register(str | int | float | np.generic | type)
def _(value):
    return repr(value)


@everything.register(list | tuple)
def _(value):
    return [everything(each) for each in value]


@everything.register(dict)
def _(value):
    return {str(key): everything(each) for key, each in value.items()}


@everything.register(np.ndarray)
def _(value):
    if value.dtype == object:
        return value.shape, everything(value.ravel().tolist())
    return str(value.dtype), value.shape, value.tobytes()


@everything.register(np.random.RandomState)
def _(value):
    return everything(value.get_state())


@everything.register(np.random.Generator)
def _(value):
    return everything(value.bit_generator.state)


def comparable(result):
    """What a trial reports, but for times."""
    metrics = {name: value for name, value in result.metrics.items() if "seconds" not in name}
    curves = [curve for curve in result.curves if "seconds" not in curve.name]
    return metrics, curves, result.params, result.confusion, result.warnings
