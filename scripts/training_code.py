"""Record what the training code is, so that a test notices when it changes.

``make training-code`` writes a digest of each module that can change a score. Comments, docstrings
and layout are left out of it. Before you run it, decide whether scores may differ, and if so raise
``REVISION`` in ``src/sweepstake/domain/revision.py``.
"""

import ast
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from sweepstake.domain.revision import REVISION

HOME = Path(__file__).parents[1]
SOURCE = HOME / "src" / "sweepstake"
RECORD = HOME / "tests" / "unit" / "training_code.json"
FIRST = ("training.fit_trial", "boosting.estimators")
LIBRARIES = ("catboost", "lightgbm", "xgboost")
"""Boosters that `boosting` fits with, each in a module that is found by its name."""
UNWATCHED = {
    "gridfile.booster_reasons": "words mistakes",
    "gridfile.booster_values": "words mistakes",
    "gridfile.boosters": "says which parameters a file may name",
    "boosting.native_files": "keeps models, whose answers tests compare",
    "gridfile.allowlist": "says which classes a file may name",
    "gridfile.constraints": "words mistakes",
    "data.dataset": "what it makes of files is in the data's digest, with the rows held out",
    "gridfile.document": "words mistakes",
    "errors": "words mistakes",
    "wording.near_misses": "words mistakes",
    "gridfile.search_space": "makes the key itself",
    "domain.spec": "its values are in the key",
    "domain.tags": "names metrics",
    "domain.trial": "a record",
}
"""What training imports, but scores do not depend on, and why."""
LEFT_OUT = {"type_params", "type_comment", "kind"}
"""Fields of trees that say nothing of what runs, or that only some releases have."""


def record() -> dict[str, object]:
    """The revision, and the digest of each module that it is of."""
    return {"revision": REVISION, "modules": {name: digest(code(name)) for name in modules()}}


def modules() -> list[str]:
    """The modules that training reaches by its imports, but for those not watched."""
    found, left = set[str](), [*FIRST, *(f"boosting.{name}_fits" for name in LIBRARIES)]
    while left:
        name = left.pop()
        if name not in found | UNWATCHED.keys():
            found.add(name)
            left += _imported(ast.parse(code(name)))
    return sorted(found)


def code(name: str) -> str:
    """The text of a module, or of a package's own file."""
    return _file(name).read_text(encoding="utf-8")


def _file(name: str) -> Path:
    place = SOURCE.joinpath(*name.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in _running(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sweepstake."):
            name = str(node.module).partition(".")[2]
            parts = (f"{name}.{alias.name}" for alias in node.names)
            yield from {part if _file(part).exists() else name for part in parts}


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those of imports for annotations, which import nothing when it runs."""
    if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
        yield node
        for child in ast.iter_child_nodes(node):
            yield from _running(child)


def digest(text: str) -> str:
    """The SHA-256 of what a module does, the same on every release of Python."""
    plain = json.dumps(_plain(ast.parse(text)), sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()


def _plain(value: object) -> object:
    """A tree without places and docstrings, as JSON has it."""
    if isinstance(value, list):
        return [_plain(item) for item in value if not _is_text(item)]
    if not isinstance(value, ast.AST):
        return repr(value)
    fields = ((name, each) for name, each in ast.iter_fields(value) if name not in LEFT_OUT)
    return [type(value).__name__, {name: _plain(each) for name, each in fields}]


def _is_text(node: object) -> bool:
    """Whether a statement is a text alone: a docstring."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


if __name__ == "__main__":
    RECORD.write_text(json.dumps(record(), indent=2) + "\n", encoding="utf-8")
