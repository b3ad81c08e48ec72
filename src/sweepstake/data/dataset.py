"""Data: the rows of a sweep, checked once, and their staged form that every worker maps.

Messages start with the place in the grid file that has to change: ``data.target: ...``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweepstake.data import beside, columns, partitions, sources
from sweepstake.data.beside import NOTHING, Beside
from sweepstake.domain.task import are_numbers
from sweepstake.errors import DataError, DataFault
from sweepstake.wording.near_misses import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import pandas as pd

    from sweepstake.data.partitions import Span
    from sweepstake.domain.spec import DataSpec
    from sweepstake.storage.bucket import Bucket


ABOUT = "about.json"
"""The file of a staged data set that says what its arrays are."""
JOIN = (
    " Labels are a column of the source itself. Join the two files: "
    'pandas.concat([x, y], axis=1).to_csv("whole.csv", index=False), and name that column.'
)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows as read: ``X`` of shape (n, features), ``y`` of shape (n,) or, for multilabel, (n, k).

    The columns of ``X`` are numbers, all float64 or all float32, or categories whose values are
    text in sorted order. ``y`` holds int64, bool or text; for multilabel 0 and 1
    as int64; numbers to predict as float64, of shape (n,) or (n, k).
    ``digest`` is the SHA-256 of names, types and values, target included, in the order of the rows.
    ``span`` says which rows of the source these are, where data are kept by day.
    """

    X: pd.DataFrame
    y: np.ndarray
    target: tuple[str, ...]
    digest: str
    span: Span | None = None
    beside: Beside = NOTHING


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """A table divided: the rows that trials train on, and the holdout that none of them sees.

    ``classes`` are the sorted labels of all rows; for multilabel, the names of the target columns;
    there are none where numbers are predicted.
    ``digest`` is the SHA-256 of the table's digest and of the positions of the rows on either side.
    """

    X_train: pd.DataFrame
    y_train: np.ndarray
    X_holdout: pd.DataFrame
    y_holdout: np.ndarray
    classes: tuple[Any, ...]
    digest: str
    beside: Beside = NOTHING
    """Of the training rows."""
    beside_holdout: Beside = NOTHING


def read(spec: DataSpec, roots: Sequence[Path | Bucket]) -> Table:
    """Read the rows that a grid file names.

    Numbers become float64 (float32 where all of them are); text, truth values and categories become
    categories of text. Labels that are text stay text, whole numbers become int64.

    Raises:
        DataError: the source, a column or the labels cannot be used; carries every fault that can
            be seen at once, each with what to do.
    """
    source, span = partitions.load(spec, roots)
    frame, faults = source.frame, list(source.faults)
    target: tuple[str, ...] = ()
    with _noted(faults):
        target = _target(spec, frame)
    with _noted(faults):
        _check_columns("data.drop", spec.drop, frame)
    left_out = {*spec.drop, *target, *spec.apart}
    with _noted(faults):
        found = beside.read(spec, frame, target)
    if target:
        with _noted(faults):
            y = columns.labels(frame, target, source.gaps, spec.task)
    if target and left_out <= set(frame.columns):
        with _noted(faults):
            features = features_of(frame.drop(columns=list(left_out)))
    if faults:
        raise DataError(*faults)
    return Table(features, y, target, _digest(features, y, target, found), span, found)


@contextmanager
def _noted(faults: list[DataFault]) -> Iterator[None]:
    """Note the faults that are found inside the block, and go on after it."""
    try:
        yield
    except DataError as error:
        faults += error.faults


def features_of(kept: pd.DataFrame) -> pd.DataFrame:
    """The columns to learn from.

    Raises:
        DataError: there are none, or some of them hold what no classifier takes.
    """
    import pandas as pd

    if kept.columns.empty:
        message = "at least one column must be left to learn from, but none is."
        message += " Drop fewer columns."
        raise DataError.one(message, "data.drop")
    are_plain = [kind.name in columns.PLAIN for kind in kept.dtypes]
    plain = kept if all(are_plain) else kept.loc[:, are_plain]
    faults = columns.infinite(plain)
    found = {}
    for name in kept.columns.difference(plain.columns, sort=False):
        with _noted(faults):
            found[name] = columns.feature(kept[name])
    if faults:
        raise DataError(*faults)
    if not found:
        return columns.of_one_width(plain)
    others = pd.DataFrame(found)
    numbers = others.select_dtypes("number").columns
    plain = columns.of_one_width(pd.concat([plain, others[numbers]], axis=1))
    return pd.concat([plain, others.drop(columns=numbers)], axis=1)[list(kept.columns)]


def divide(table: Table, split: tuple[np.ndarray, np.ndarray]) -> Dataset:
    """The table as training rows and holdout rows, given by their positions."""
    import numpy as np

    train, holdout = split
    positions = [part.astype("int64").tobytes() for part in split]
    classes = table.target if table.y.ndim > 1 else np.unique(table.y).tolist()
    if are_numbers(table.y):
        classes = ()
    return Dataset(
        X_train=table.X.iloc[train].reset_index(drop=True),
        y_train=table.y[train],
        X_holdout=table.X.iloc[holdout].reset_index(drop=True),
        y_holdout=table.y[holdout],
        classes=tuple(classes),
        digest=hashlib.sha256(b"|".join([table.digest.encode(), *positions])).hexdigest(),
        beside=table.beside.take(train),
        beside_holdout=table.beside.take(holdout),
    )


def _target(spec: DataSpec, frame: pd.DataFrame) -> tuple[str, ...]:
    """The target columns; in scikit-learn's own sets the target may also be called ``label``."""
    bundled = spec.source.startswith(sources.SKLEARN)
    if bundled and spec.target in {(), ("label",)}:
        return (sources.SKLEARN_TARGET,)
    if not spec.target:
        known = columns.some(list(frame.columns))
        message = f"a file needs the name of its label column, one of {known}."
        message += " Add target: <column> under data."
        raise DataError.one(message, "data.target")
    _check_columns("data.target", spec.target, frame)
    if spec.time_column in spec.target:
        message = f"must not be a target column, but got {spec.time_column!r}."
        message += " Name the column that holds the time of each row."
        raise DataError.one(message, "data.time_column")
    both = sorted(set(spec.target) & set(spec.drop))
    if both:
        message = f"must not name a target column, but got {both[0]!r}."
        message += " Take it out of drop or out of target."
        raise DataError.one(message, "data.drop")
    return spec.target


def _check_columns(place: str, names: Sequence[str], frame: pd.DataFrame) -> None:
    known = list(frame.columns)
    faults = []
    for name in names:
        if name not in frame.columns:
            hint = did_you_mean(name, known) or f" It has {columns.some(known)}."
            if name.lower().endswith(sources.SUFFIXES):
                hint = JOIN
            faults.append(DataFault(place, f"the data has no column {name!r}.{hint}"))
    if faults:
        raise DataError(*faults)


def _digest(features: pd.DataFrame, y: np.ndarray, target: tuple[str, ...], found: Beside) -> str:
    digest = hashlib.sha256(repr((list(features.columns), target, y.dtype.str, y.shape)).encode())
    for values, known in parts(features):
        if known is not None:
            digest.update(repr(list(known)).encode())
        digest.update(f"{values.dtype.str}\n".encode())
        digest.update(canonical(values).tobytes())
    digest.update(y.tobytes())
    for name, values in found.known():
        digest.update(f"{name} {values.dtype.str}\n".encode() + values.tobytes())
    return digest.hexdigest()


def parts(features: pd.DataFrame) -> Iterator[tuple[np.ndarray, pd.Index | None]]:
    """The columns in their order: numbers and ``None``, or the codes of categories and these."""
    if not any(str(kind) == "category" for kind in set(features.dtypes)):
        # taken at once: one by one, thousands of columns take seconds
        yield from ((values, None) for values in features.to_numpy().T)
        return
    for column in (features[name] for name in features.columns):
        if str(column.dtype) == "category":
            yield column.cat.codes.to_numpy(dtype="int32"), column.cat.categories
        else:
            yield column.to_numpy(), None


def canonical(values: np.ndarray) -> np.ndarray:
    """Numbers with one bit pattern each: one zero and one NaN."""
    import numpy as np

    if values.dtype.kind != "f":
        return values
    return np.where(np.isnan(values), np.nan, values + 0.0).astype(values.dtype)


def stage(table: Table, split: tuple[np.ndarray, np.ndarray], folder: Path) -> str:
    """Write the divided table to ``<folder>/<digest>/`` and return its digest.

    The folder holds plain arrays and one JSON file, nothing that is unpickled, and is there in
    whole or not at all. Staging the same again, also at the same time, changes nothing.
    """
    dataset = divide(table, split)
    home = folder / dataset.digest
    with suppress(FileNotFoundError):
        os.utime(home / ABOUT)  # whoever prunes sees that it is in use
        return dataset.digest
    folder.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder, prefix=".", suffix=".part"))
    try:
        _write(dataset, temporary)
        temporary.rename(home)
    except OSError:
        if not home.is_dir():  # otherwise another process was quicker
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return dataset.digest


def open_staged(folder: Path, digest: str) -> Dataset:
    """Open what ``stage`` wrote; the columns of numbers are mapped from the files, read-only.

    Raises:
        DataError: nothing complete is staged under this digest.
    """
    home = folder / re.sub("[^0-9a-f]", "_", digest)  # a digest names no other folder
    try:
        about = json.loads((home / ABOUT).read_bytes())
        return Dataset(
            X_train=_read_features(home, "train", about["columns"]),
            y_train=_read_array(home, "train_labels"),
            X_holdout=_read_features(home, "holdout", about["columns"]),
            y_holdout=_read_array(home, "holdout_labels"),
            classes=tuple(about["classes"]),
            digest=about["digest"],
            beside=beside.opened(home, "train", about.get("beside", ())),
            beside_holdout=beside.opened(home, "holdout", about.get("beside", ())),
        )
    except (OSError, ValueError, KeyError) as error:
        message = (
            f"no complete staged copy {digest!r} in {folder} ({type(error).__name__}). "
            "Remove that folder if it is there and run the sweep's plan again."
        )
        raise DataError.one(message, "data") from None


def _write(dataset: Dataset, folder: Path) -> None:
    import numpy as np

    about = {
        "columns": list(zip(dataset.X_train.columns, _categories(dataset.X_train), strict=True)),
        "classes": dataset.classes,
        "digest": dataset.digest,
    }
    if names := [name for name, _ in dataset.beside.known()]:
        about["beside"] = names
    (folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")
    np.save(folder / "train_labels.npy", dataset.y_train, allow_pickle=False)
    np.save(folder / "holdout_labels.npy", dataset.y_holdout, allow_pickle=False)
    for part, frame in (("train", dataset.X_train), ("holdout", dataset.X_holdout)):
        texts = frame.select_dtypes("category")
        codes = [texts[name].cat.codes.to_numpy(dtype="int32") for name in texts]
        numbers = frame.select_dtypes("number").to_numpy()
        np.save(folder / f"{part}_numbers.npy", numbers, allow_pickle=False)
        np.save(folder / f"{part}_codes.npy", np.array(codes), allow_pickle=False)
    beside.save(dataset.beside, folder, "train")
    beside.save(dataset.beside_holdout, folder, "holdout")


def _categories(features: pd.DataFrame) -> Iterator[list[str] | None]:
    return (None if known is None else list(known) for _, known in parts(features))


def _read_features(
    home: Path, part: str, about: list[tuple[str, list[str] | None]]
) -> pd.DataFrame:
    """The columns in their order; where all are numbers, the frame wraps the map without a copy."""
    import pandas as pd

    names = [name for name, known in about if known is None]
    texts = {name: known for name, known in about if known is not None}
    numbers = _read_array(home, f"{part}_numbers", mapped=True)
    frame = pd.DataFrame(numbers, columns=names, copy=False)
    if not texts:
        return frame
    codes = _read_array(home, f"{part}_codes")
    columns_of_text = {
        name: pd.Categorical.from_codes(code, categories=pd.Index(known, dtype="str"))
        for (name, known), code in zip(texts.items(), codes, strict=True)
    }
    whole = pd.concat([frame, pd.DataFrame(columns_of_text)], axis=1)
    return whole[[name for name, _ in about]]


def _read_array(home: Path, name: str, *, mapped: bool = False) -> np.ndarray:
    """A stored array as plain ``ndarray``: models must not keep ``memmap`` objects."""
    import numpy as np

    return np.asarray(
        np.load(home / f"{name}.npy", mmap_mode="r" if mapped else None, allow_pickle=False)
    )
