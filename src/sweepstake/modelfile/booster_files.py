"""Booster files: what lies beside a skops file, and its checks before a library reads it.

A library follows the figures of its file in compiled code. Those of XGBoost and LightGBM are looked
at first: every tree is one, its features exist, and its classes are those of the model. CatBoost's
file is binary and looked at by CatBoost alone; `docs/security.md` says what that leaves.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sweepstake.boosting.native_files import NAME, digest
from sweepstake.errors import ModelFileError
from sweepstake.modelfile import audit, lightgbm_text, xgboost_json
from sweepstake.modelfile.tree_values import DATA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MODULE = "sweepstake.boosting"
FITTED, UNFITTED = {"classes_", "n_features_in_", "n_iter_", "native"}, {"_given"}
LARGEST = 256 * 1024 * 1024
"""Bytes of a booster's file: a thousand rounds of three classes and ten levels take a fifth."""
MAGIC = b"CBM1"
"""How a file of CatBoost's begins, before the length of what follows."""
_HEAD = 8


@dataclass(frozen=True, slots=True)
class Shape:
    """What a model says of a booster: its features, and its classes (0 where it has numbers)."""

    features: int
    classes: int

    @property
    def outputs(self) -> int:
        """How many sums of leaves a row has: one for each of several classes."""
        return self.classes if self.classes > 2 else 1  # noqa: PLR2004


def listed(content: bytes) -> dict[str, str]:
    """The names and the SHA-256 of the booster files that a skops file asks for.

    Raises:
        ValueError: they are no names of booster files.
    """
    states = (part["content"]["content"] for part in audit.objects(content, MODULE))
    return dict(_told(state["native"]) for state in states if "native" in state)


def _told(native: Mapping[str, Any]) -> tuple[str, str]:
    """The file that the state of a booster names, each text of it written as JSON."""
    name, sha256 = (json.loads(each["content"]) for each in native["content"])
    return _checked(name, sha256)


def _checked(name: Any, sha256: Any) -> tuple[str, str]:
    if not (isinstance(name, str) and isinstance(sha256, str) and NAME.fullmatch(name)):
        message = f"a booster whose file is called {name!r}"
        raise ValueError(message)
    return name, sha256


def check(tree: Any, files: Mapping[str, bytes]) -> None:
    """See that the boosters of a model have their files, and that these can be read.

    Raises:
        ModelFileError: a file is missing, is another, is too large, or has figures that point to
            nothing.
    """
    for node in _boosters(tree):
        state = _state(node)
        if "native" not in state:  # one that an ensemble was told of, and fitted a copy of
            continue
        name, sha256 = _checked(*state["native"])
        content = files.get(name, b"")
        if digest(content) != sha256:
            message = f"{name}: must have sha256 {sha256}, but "
            message += f"got {digest(content)}. " if name in files else "is not there. "
            raise ModelFileError(message + "Train the model again.")
        check_size(name, len(content))
        _check_figures(name, content, _shape(node.class_name, state))


def check_size(name: str, size: int) -> None:
    """See that a booster's file of so many bytes is one that will be read.

    Raises:
        ModelFileError: it is too large.
    """
    audit.check_size(name, size, LARGEST)


def _boosters(tree: Any) -> Iterator[Any]:
    for node in audit.nodes(tree):
        if type(node).__name__ == "ObjectNode" and node.module_name == MODULE:
            yield node


def _state(node: Any) -> Mapping[str, Any]:
    """What is known of a booster: figures and texts alone, and none beside those that we write."""
    strange = {type(part).__name__ for part in audit.nodes(node.attrs)} - DATA
    state: Mapping[str, Any] = node.attrs.construct()
    if strange or not (state.keys() <= FITTED or state.keys() <= UNFITTED):
        message = f"a booster with {sorted(strange) or sorted(state)}"
        raise ValueError(message)
    return state


def _shape(kind: str, state: Mapping[str, Any]) -> Shape:
    features, of_classes = state["n_features_in_"], kind.endswith("Classifier")
    classes = len(state["classes_"]) if of_classes else 0
    if type(features) is not int or features < 1 or (of_classes and classes < 2):  # noqa: PLR2004
        message = f"a {kind} of {features!r} features and {classes} classes"
        raise ValueError(message)
    return Shape(features, classes)


def _check_figures(name: str, content: bytes, shape: Shape) -> None:
    ending = name.rpartition(".")[2]
    if not _CHECKS[ending](content, shape.features, shape.outputs):
        message = f"{name}: must hold a booster as training makes it, but got figures that point "
        raise ModelFileError(message + "to nothing or do not go together. Train it again.")


def _of_catboost(content: bytes, features: int, outputs: int) -> bool:
    """Whether it begins as such a file and says to be as long as it is."""
    del features, outputs
    length = int.from_bytes(content[len(MAGIC) : _HEAD], "little")
    return content.startswith(MAGIC) and length <= len(content) - _HEAD


_CHECKS: dict[str, Callable[[bytes, int, int], bool]] = {
    "cbm": _of_catboost,
    "json": xgboost_json.is_sound,
    "txt": lightgbm_text.is_sound,
}
"""By the ending of the file's name."""
