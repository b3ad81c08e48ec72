"""The audit of a model file: what it would cost and what it would build, before any of it is.

skops trusts every estimator of scikit-learn, also those that open files when they predict, and lets
a file say by which means a type is built. Here each pair of means and type must be on the list. The
figures that compiled code follows without looking are the business of `modelfigures`.
"""

from __future__ import annotations

import math
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import psutil

from sweepstake.errors import ModelFileError
from sweepstake.modelfile import skops_internals
from sweepstake.modelfile.trusted_types import is_trusted

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = "schema.json"
LARGEST_SCHEMA = 64 * 1024 * 1024
"""Bytes of the list of what is in a file: a thousand trees, one by one, take an eighth."""
OF_SCHEMA = 32
"""So many bytes of memory are made of one of the list, at most: empty lists take most."""
OF_SPARSE = frozenset(f"{part}.npy" for part in ("data", "indices", "indptr", "shape", "format"))
"""The files of a sparse matrix in rows."""
DEEPEST = 200
"""Types within types: an estimator within estimators has some dozens."""


def open_tree(content: bytes) -> Any:
    """The tree of types in a skops file, of which nothing was built yet.

    Raises:
        ModelFileError: it is too large, holds what is not on the reviewed list, or arrays that are
            not what they say.
    """
    with ZipFile(BytesIO(content)) as archive:
        schema, context = _schema(archive)
        _weigh(archive, schema)
        tree = skops_internals.tree_of(schema, context)
    _refuse(_strange(tree))
    for node in nodes(tree):
        if type(node).__name__ == "NdArrayNode" and node.type == "numpy":
            _check_array(node.buffer)
        if type(node).__name__ == "SparseMatrixNode":
            _check_sparse(node.content)
    return tree


def nodes(tree: Any) -> Iterator[Any]:
    """Every part of a tree once, from the top."""
    seen, waiting = set(), [tree]
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            waiting.extend(_parts(node))


def _parts(node: Any) -> Iterator[Any]:
    for name, child in node.children.items():
        if name == "constructor":  # the type of the node itself
            continue
        several = child.values() if isinstance(child, dict) else child
        parts = several if isinstance(child, dict | list) else (child,)
        yield from (part for part in parts if skops_internals.is_node(part))


def names(content: bytes) -> frozenset[tuple[str, str]]:
    """What a skops file would build, and by which means; nothing of it is looked up."""
    with ZipFile(BytesIO(content)) as archive:
        schema, _ = _schema(archive)
    return frozenset(_named(part) for part in _dicts(schema) if "__loader__" in part)


def objects(content: bytes, module: str) -> list[dict[str, Any]]:
    """What a skops file says of the objects of a module's classes; nothing of it is built."""
    with ZipFile(BytesIO(content)) as archive:
        schema, _ = _schema(archive)
    parts = (part for part in _dicts(schema) if part.get("__loader__") == "ObjectNode")
    return [part for part in parts if part.get("__module__") == module]


def most_bytes() -> int:
    """What a model's figures may take: a quarter of the memory of this host."""
    return psutil.virtual_memory().total // 4


def check_size(name: str, size: int, most: int | None = None) -> None:
    """See that a file of so many bytes is one that will be read: of ``most``, or `most_bytes`.

    Raises:
        ModelFileError: it is too large.
    """
    most = min(most or most_bytes(), most_bytes())
    if size > most:
        message = f"{name}: must have at most {most:,} bytes, but has {size:,}. "
        raise ModelFileError(message + "Train a smaller model.")


def check_expanded(size: int) -> None:
    """See that what a file is made into takes no more memory than figures may.

    Raises:
        ModelFileError: it takes more.
    """
    if size > most_bytes():
        _too_large(f"{size:,} bytes of trees", most_bytes())


def check_names(found: frozenset[tuple[str, str]]) -> None:
    """See that all of it is on the reviewed list.

    Raises:
        ModelFileError: something is not.
    """
    _refuse({name for loader, name in found if not is_trusted(loader, name)})


def _schema(archive: ZipFile) -> tuple[dict[str, Any], Any]:
    size = archive.getinfo(SCHEMA).file_size
    most = min(LARGEST_SCHEMA, most_bytes() // OF_SCHEMA)
    if size > most:
        _too_large(f"a list of {size:,} bytes", most)
    return skops_internals.schema_of(archive)


def _weigh(archive: ZipFile, schema: Any) -> None:
    """Add up what the arrays will take; a file that is named twice is read twice."""
    named = [part["file"] for part in _dicts(schema) if "file" in part]
    weight = sum(archive.getinfo(name).file_size for name in named)
    most = most_bytes()
    if weight > most:
        _too_large(f"{weight:,} bytes of figures", most)


def _dicts(schema: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in a schema; one that is nested too deeply is none of ours."""
    waiting = [(schema, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > 2 * DEEPEST:
            message = "types within types without end"
            raise ValueError(message)
        if isinstance(value, dict):
            yield value
            waiting.extend((each, depth + 1) for each in value.values())
        elif isinstance(value, list):
            waiting.extend((each, depth + 1) for each in value)


def _named(part: dict[str, Any]) -> tuple[str, str]:
    return str(part["__loader__"]), f"{part['__module__']}.{part['__class__']}"


def _strange(tree: Any) -> set[str]:
    found = {(type(node).__name__, f"{node.module_name}.{node.class_name}") for node in nodes(tree)}
    return {name for loader, name in found if not is_trusted(loader, name)}


def _check_array(buffer: BytesIO) -> None:
    """See that an array has the figures that its head tells of: NumPy makes room for them first."""
    import numpy as np

    version = np.lib.format.read_magic(buffer)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    shape, _, dtype = read[version](buffer)
    left = len(buffer.getbuffer()) - buffer.tell()
    if dtype.hasobject or min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != left:
        message = f"an array of {left:,} bytes that says to be {shape} of {dtype}"
        raise ValueError(message)
    buffer.seek(0)


def _check_sparse(buffer: BytesIO) -> None:
    """See that a sparse matrix has the arrays that it is made of, each as it says to be."""
    with ZipFile(buffer) as archive:
        weight = sum(part.file_size for part in archive.infolist())
        if weight > most_bytes():
            _too_large(f"{weight:,} bytes of figures", most_bytes())
        for name in archive.namelist():
            if name not in OF_SPARSE:
                message = f"a sparse matrix with {name!r} in it"
                raise ValueError(message)
            _check_array(BytesIO(archive.read(name)))
    buffer.seek(0)


def _too_large(what: str, most: int) -> None:
    message = f"model.skops: must expand to at most {most:,} bytes, but has {what}. "
    raise ModelFileError(message + "Train a smaller model.")


def _refuse(strange: set[str]) -> None:
    if strange:
        message = (
            f"model.skops: must hold only types that were reviewed, but got "
            f"{', '.join(sorted(strange))}. "
            "Use another estimator, or review them and set SWEEPSTAKE_TRUSTED_TYPES."
        )
        raise ModelFileError(message)
