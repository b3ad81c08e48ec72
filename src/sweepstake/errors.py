"""The errors of Sweepstake.

SweepstakeError
├── PermanentError                 a retry cannot help: fail at once
│   ├── GridFileError              the grid file is wrong; carries every problem found
│   ├── SettingsError              the environment is set up wrongly
│   ├── DataError                  the data cannot be used as the grid file says
│   ├── ModelFileError             a stored model was altered or holds a type that is not trusted
│   ├── ArtifactPlaceError         files would be kept outside of the artifact store
│   ├── TrialFailedError           a trial could not be trained; says why
│   ├── ModelFaultsError           some registered models could not be judged; says which and why
│   ├── NotFoundError              a sweep, model or version that was asked for does not exist
│   └── SweepFailedError           more trials failed than the sweep tolerates
│       └── CancelledError         somebody cancelled the sweep
└── TransientError                 a retry can help
    ├── TrackingUnavailableError   MLflow did not answer
    ├── StoreUnavailableError      the bucket of the workspace did not answer
    ├── DiskFullError              there is no space to write what has to be written
    ├── OverlapError               another sweep is about to train trials of this one
    └── StackError                 a component of the embedded stack is not (yet) healthy

A message has the form ``where: rule, but got value. Way out.``
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Sequence


def printable(text: str) -> str:
    r"""``text`` with everything that does not print written as its escape.

    >>> printable("a\ud800\x1b[31m b")
    'a\\ud800\\x1b[31m b'
    """
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )


class SweepstakeError(Exception):
    """Base of every error that Sweepstake raises on purpose.

    Its text is safe to show: it holds no control characters, whatever a file or a server said.
    """

    def __str__(self) -> str:
        return "\n".join(map(printable, super().__str__().split("\n")))


class PermanentError(SweepstakeError):
    """An error that no retry can fix."""


class TransientError(SweepstakeError):
    """An error that a later attempt may not meet."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in a grid file.

    ``path`` is the place in the file (``grid.max_depth[1]``, empty for the whole file), ``line``
    its one-based line (0 where there is none), ``message`` the rule, the value and the way out.
    """

    line: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        path = f"{self.path}: " if self.path else ""
        return printable(f"{place}{path}{self.message}")


MOST_PROBLEMS = 100
MOST_COUNTED = 300
"""A flood of mistakes is not looked through to its end: wording 50,000 of them takes seconds."""


class GridFileError(PermanentError):
    """A grid file with mistakes in the order of their lines; of a flood, the first hundred."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.file = file
        self.problems = _foremost(problems)
        super().__init__("\n".join(f"{printable(file)}: {problem}" for problem in self.problems))


def _foremost(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """The first problems, and a last one that counts the others."""
    ordered = sorted(set(problems))
    first, more = ordered[:MOST_PROBLEMS], len(ordered) - MOST_PROBLEMS
    if more <= 0:
        return tuple(first)
    number = f"at least {more:,}" if len(ordered) >= MOST_COUNTED else f"{more:,}"
    message = f"and {number} more mistakes. Fix those above first."
    return (*first, Problem(first[-1].line, "…", message))


class SettingsError(PermanentError):
    """A setting that is missing or cannot be used."""


class DataFault(NamedTuple):
    """What is wrong with data, and the place in the grid file that has to change.

    ``place`` is one such as ``data.target``, or empty where no grid file has to.
    """

    place: str
    message: str

    def __str__(self) -> str:
        return printable(f"{self.place}: {self.message}" if self.place else self.message)


class DataError(PermanentError):
    """Data that is missing, unreadable or unfit for the sweep; has each of its faults."""

    def __init__(self, *faults: DataFault) -> None:
        super().__init__(*faults)
        self.faults = faults

    @classmethod
    def one(cls, message: str, place: str = "") -> Self:
        """The error of a single fault."""
        return cls(DataFault(place, message))

    def __str__(self) -> str:
        return "\n".join(map(str, self.faults))


class ModelFileError(PermanentError):
    """A stored model that must not be loaded."""


class ArtifactPlaceError(PermanentError):
    """Files of a run that would be read or written outside of the artifact store."""


class TrialFailedError(PermanentError):
    """A trial that ended without a model; its sweep goes on."""


class InvalidPointError(TrialFailedError):
    """A trial that scikit-learn refuses, and that its grid file says to skip."""


class ModelFaultsError(PermanentError):
    """Registered models that could not be judged, while the others were."""


class NotFoundError(PermanentError):
    """A sweep, model or version that does not exist."""


class SweepFailedError(PermanentError):
    """A sweep in which more trials failed than its grid file tolerates."""


class CancelledError(SweepFailedError):
    """A sweep that somebody cancelled; says who and why."""


class ReceiverError(SweepstakeError):
    """A receiver of digests did not take one; it may later."""


class TrackingUnavailableError(TransientError):
    """The MLflow tracking server did not answer, or answered with a fault of its own."""


class StoreUnavailableError(TransientError):
    """A bucket did not answer, answered with a fault, or gave what is not whole."""


class OverlapError(TransientError):
    """Another sweep, which began before, is about to train trials of this one."""

    def __init__(self, sweep: str, others: Sequence[str]) -> None:
        names = " and ".join(others)
        waits = f"{sweep}: waits for {names}, to reuse the trials that both have. "
        super().__init__(f"{waits}Nothing is to be done; sweepstake cancel ends either.")


class DiskFullError(TransientError):
    """A disk or a quota that is used up."""


class StackError(TransientError):
    """A component of the embedded stack is not healthy."""
