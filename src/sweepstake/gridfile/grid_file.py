"""A grid file as it was read: its spec, and where each part of it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sweepstake.domain.spec import sweep_id
from sweepstake.errors import Problem
from sweepstake.gridfile.document import line_of, written_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sweepstake.domain.spec import SweepSpec


@dataclass(frozen=True, slots=True)
class GridFile:
    """A grid file as read: its name, the hash of its bytes, its spec and where each part stands.

    ``lines`` maps a place in the file (``grid.max_depth[1]``) to its one-based line, ``origins``
    places that were read as others to how the file writes them.
    """

    file: str
    digest: str
    spec: SweepSpec
    lines: Mapping[str, int]
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def sweep_id(self) -> str:
        """``<name>__<first 12 digits of the content hash>``: the same content is the same sweep.

        On the data of one day, ``__<day>`` follows.
        """
        return sweep_id(self.spec.name, self.digest, self.spec.data.partition)

    def classifier_path(self, candidate: int) -> str:
        """Where the classifier of the candidate at a position is named."""
        choices = (f"candidates[{candidate}].estimator", f"configs[{candidate}].classificator")
        alone = "classificator" if "classificator" in self.lines else "estimator"
        return next((path for path in choices if path in self.lines), alone)

    def problem(self, path: str, message: str) -> Problem:
        """A mistake at a place, as the file writes it."""
        return Problem(self.line_of(path), written_at(path, self.origins), message)

    def line_of(self, path: str) -> int:
        """The line of ``path``, or of the nearest enclosing part that has one."""
        return line_of(self.lines, path)
