"""The model file: an estimator in the skops format, which names types but holds no code."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from io import BytesIO
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sweepstake.boosting import native_files
from sweepstake.errors import ModelFileError
from sweepstake.modelfile import audit, skops_internals
from sweepstake.modelfile.tabled import tabled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MODEL_FILE = "model.skops"
DAMAGED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What skops and the types that it builds make of a file that is none, or was changed."""

NO_FILES: Mapping[str, bytes] = MappingProxyType({})

_NAMES = re.compile(rb'"(?:__class__|__module__|__loader__|module_path|function)": ?"[^"]*"')
_audited: dict[frozenset[bytes], tuple[str, ...]] = {}


@dataclass(frozen=True, slots=True)
class StoredModel:
    """The files of a model: that of skops, and by their names those of boosters beside it."""

    skops: bytes
    boosters: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """The bytes of all of them."""
        return len(self.skops) + sum(map(len, self.boosters.values()))


def stored(estimator: Any) -> StoredModel:
    """``estimator`` in the skops format, and its boosters in those of their libraries.

    The same as ``skops.io.dumps``, but with compact JSON, fast compression, and the trees of an
    ensemble as one table: a quarter of the time and a sixteenth of the size for 300 trees.
    """
    buffer = BytesIO()
    with (
        native_files.collecting() as files,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        state = skops_internals.state_of(tabled(estimator), archive)
        archive.writestr("schema.json", json.dumps(state))
    return StoredModel(buffer.getvalue(), files)


def dump(estimator: Any) -> bytes:
    """The skops file of ``estimator``: see `stored`."""
    return stored(estimator).skops


def needed_types(content: bytes) -> tuple[str, ...]:
    """The types in ``content`` that skops must be told to trust, sorted.

    Audited once per set of names in the file: a sweep's models differ in figures, rarely in types.

    Raises:
        ModelFileError: one of them is not on the reviewed list.
    """
    import skops.io

    with zipfile.ZipFile(BytesIO(content)) as archive:
        names = frozenset(_NAMES.findall(archive.read("schema.json")))
    if names not in _audited:
        audit.check_names(audit.names(content))
        _audited[names] = tuple(sorted(skops.io.get_untrusted_types(data=content)))
    return _audited[names]


def load_model(path: Path, sha256: str) -> Any:
    """The estimator in ``path``, a model file or the folder that holds it.

    The content is hashed before anything in it is read, and only types of the reviewed list are
    built, whatever list the model brings along.

    Raises:
        ModelFileError: the file is missing, is not the one that was trained, or holds other types.
    """
    content = read_model(path, sha256)
    return opened(StoredModel(content, boosters_beside(content, path)))


def boosters_beside(content: bytes, path: Path) -> dict[str, bytes]:
    """The files of the boosters of a model, in the folder of its skops file.

    Raises:
        ModelFileError: the skops file is none, or a file is too large to be read.
    """
    from sweepstake.modelfile import booster_files

    folder = path if path.is_dir() else path.parent
    files = [folder / name for name in booster_names(content) if (folder / name).is_file()]
    for file in files:
        booster_files.check_size(file.name, file.stat().st_size)
    return {file.name: file.read_bytes() for file in files}


def booster_names(content: bytes) -> tuple[str, ...]:
    """The names of the files that the boosters of a skops file need beside it.

    Raises:
        ModelFileError: it is no skops file.
    """
    from sweepstake.modelfile import booster_files

    try:
        return tuple(booster_files.listed(content))
    except DAMAGED as error:
        raise _damaged(error) from error


def read_model(path: Path, sha256: str) -> bytes:
    """The content of ``path``, a model file or the folder that holds it, if it has this hash.

    Raises:
        ModelFileError: the file is missing, too large, or not the one that was trained.
    """
    file = path / MODEL_FILE if path.is_dir() else path
    try:
        audit.check_size(file.name, file.stat().st_size)
        content = file.read_bytes()
    except OSError as error:
        message = f"{file.name}: must be readable, but got {error.strerror}. Train the model again."
        raise ModelFileError(message) from error
    if (found := digest(content)) != sha256:
        message = (
            f"{file.name}: must have sha256 {sha256 or '(none known)'}, but got {found}. "
            "The file is not the one that was trained: train the model again."
        )
        raise ModelFileError(message)
    return content


def opened(model: StoredModel) -> Any:
    """The estimator that ``stored`` wrote: see `loads`."""
    return loads(model.skops, model.boosters)


def loads(content: bytes, boosters: Mapping[str, bytes] = NO_FILES) -> Any:
    """The estimator that ``dump`` wrote, with the files of its boosters.

    Raises:
        ModelFileError: it holds a type that is not on the reviewed list, expands to too much, has
            figures that point to nothing, lacks a booster's file, or cannot be read.
    """
    from sweepstake.modelfile import booster_files, tree_values

    try:
        tree = audit.open_tree(content)
        tree_values.check_parts(tree)
        booster_files.check(tree, boosters)
        with native_files.offering(boosters):
            estimator = tree.construct()
        tree_values.check_estimators(tree)
    except DAMAGED as error:
        raise _damaged(error) from error
    return estimator


def _damaged(error: Exception) -> ModelFileError:
    cause = f"{type(error).__name__}: {error}"
    message = f"{MODEL_FILE}: must be a skops file, but got {cause}. Train the model again."
    return ModelFileError(message)


def digest(content: bytes) -> str:
    """The sha256 of a model file, as kept on its model version."""
    return hashlib.sha256(content).hexdigest()
