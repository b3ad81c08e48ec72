"""The internals of skops: how it reads and writes its files, and the tree that it looks at.

``NAMES`` lists them for a test, which fails with a sentence when a release of skops moves one. Then
this module follows, and no other.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zipfile import ZipFile

    from sweepstake.forests import TreeTable

NAMES = (
    "skops.io._audit.Node",
    "skops.io._audit.get_tree",
    "skops.io._utils.SaveContext",
    "skops.io._utils._get_state.register",
    "skops.io._utils.get_state",
    "skops.io._utils.read_schema",
)


def schema_of(archive: ZipFile) -> tuple[dict[str, Any], Any]:
    """The schema of a file, and the context to read it in."""
    from skops.io._utils import read_schema

    schema, context = read_schema(archive)
    return schema, context


def tree_of(schema: dict[str, Any], context: Any) -> Any:
    """The tree of types of a schema, of which nothing was built yet."""
    from skops.io._audit import get_tree

    return get_tree(schema, context, trusted=None)


def is_node(part: Any) -> bool:
    """Whether something is a part of such a tree."""
    from skops.io._audit import Node

    return isinstance(part, Node)


def state_of(estimator: Any, archive: ZipFile) -> dict[str, Any]:
    """The schema of an estimator, whose arrays go into the archive."""
    import skops
    from skops.io._utils import SaveContext, get_state

    _tell_tables()
    context = SaveContext(zip_file=archive)
    state: dict[str, Any] = get_state(estimator, context)
    context.clear_memo()
    return state | {"protocol": context.protocol, "_skops_version": skops.__version__}


@cache
def _tell_tables() -> None:
    """Have tables of trees told by their state, not tree by tree as other lists are."""
    from skops.io._utils import _get_state

    from sweepstake.forests import TreeTable

    _get_state.register(TreeTable, _of_table)


def _of_table(table: TreeTable, context: Any) -> dict[str, Any]:
    """The state of a table; of one that was changed so that it is none any more, that of a list."""
    from skops.io._utils import get_state

    from sweepstake.forests.tree_table import is_table

    if not is_table(table):
        found: dict[str, Any] = get_state(list(table), context)
        return found
    return {
        "__class__": type(table).__name__,
        "__module__": type(table).__module__,
        "__loader__": "ObjectNode",
        "content": get_state(table.__getstate__(), context),
    }
