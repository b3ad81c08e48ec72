"""Faults of models: what is wrong with one is kept where people look, and stops no other."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TypeVar

from sweepstake.errors import ModelFaultsError, SweepstakeError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sweepstake.mlflow_client.registry import Registry
    from sweepstake.storage.workspace import Workspace

log = logging.getLogger(__name__)
FOLDER = "faults"
T = TypeVar("T")


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What keeps a ``model`` from a ``step`` of its rounds."""

    model: str
    step: str
    message: str

    def __str__(self) -> str:
        return f"{self.step} {self.model}: {self.message}"


def apart(
    step: str,
    models: Iterable[str],
    work: Callable[[str], T],
    registry: Registry,
    workspace: Workspace,
) -> Iterator[T]:
    """What ``work`` gives for each model; a model for which it fails is left out, and told.

    Raises:
        TransientError: MLflow answers nobody, or the workspace: all of it is to be tried again.
    """
    for model in models:
        try:
            result = work(model)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the fault of this model
            if isinstance(error, TransientError):
                registry.must_answer()
            keep(workspace, Fault(model, step, _text(error)))
        else:
            workspace.remove_record(_name(step, model))
            yield result


def keep(workspace: Workspace, fault: Fault) -> None:
    """Write a fault down until the same step goes well, and into the log."""
    log.warning("%s", fault)
    workspace.write_record(_name(fault.step, fault.model), asdict(fault))


def known(workspace: Workspace) -> tuple[Fault, ...]:
    """The faults that were not fixed yet, sorted."""
    return tuple(sorted(Fault(**record) for record in workspace.records(FOLDER)))


def tell(workspace: Workspace) -> None:
    """Raise the faults that were not fixed yet, if there are any.

    Raises:
        ModelFaultsError: there are some.
    """
    if faults := known(workspace):
        raise ModelFaultsError("\n".join(map(str, faults)))


def _name(step: str, model: str) -> str:
    return f"{FOLDER}/{hashlib.sha256(f'{step} {model}'.encode()).hexdigest()}"


def _text(error: Exception) -> str:
    if isinstance(error, SweepstakeError):
        return str(error)
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
