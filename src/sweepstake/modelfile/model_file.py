"""The model file: an estimator in the skops format, which names types but holds no code."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

from sweepstake.errors import ModelFileError
from sweepstake.modelfile import audit, skops_internals

if TYPE_CHECKING:
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

_NAMES = re.compile(rb'"(?:__class__|__module__|__loader__|module_path|function)": ?"[^"]*"')
_audited: dict[frozenset[bytes], tuple[str, ...]] = {}


def dump(estimator: Any) -> bytes:
    """``estimator`` in the skops format.

    The same as ``skops.io.dumps``, but with compact JSON and fast compression: half the time and a
    sixth of the size for a forest of 300 trees.
    """
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        state = skops_internals.state_of(estimator, archive)
        archive.writestr("schema.json", json.dumps(state))
    return buffer.getvalue()


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
    return loads(read_model(path, sha256))


def read_model(path: Path, sha256: str) -> bytes:
    """The content of ``path``, a model file or the folder that holds it, if it has this hash.

    Raises:
        ModelFileError: the file is missing, or is not the one that was trained.
    """
    file = path / MODEL_FILE if path.is_dir() else path
    try:
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


def loads(content: bytes) -> Any:
    """The estimator that ``dump`` wrote.

    Raises:
        ModelFileError: it holds a type that is not on the reviewed list, expands to too much, has
            figures that point to nothing, or cannot be read.
    """
    from sweepstake.modelfile import tree_values

    try:
        tree = audit.open_tree(content)
        tree_values.check_parts(tree)
        estimator = tree.construct()
        tree_values.check_estimators(tree)
    except DAMAGED as error:
        cause = f"{type(error).__name__}: {error}"
        message = f"{MODEL_FILE}: must be a skops file, but got {cause}. Train the model again."
        raise ModelFileError(message) from error
    return estimator


def digest(content: bytes) -> str:
    """The sha256 of a model file, as kept on its model version."""
    return hashlib.sha256(content).hexdigest()
