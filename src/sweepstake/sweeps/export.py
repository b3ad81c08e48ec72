"""Export: the trials of a sweep as rows, for spreadsheets, data frames and files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweepstake.domain.tags import on_holdout
from sweepstake.errors import NotFoundError, SettingsError
from sweepstake.reports import report
from sweepstake.reports.report import table
from sweepstake.storage.store import write_atomically
from sweepstake.wording.near_misses import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import TextIO

    import pandas as pd

    from sweepstake.domain.trial import Standing
    from sweepstake.sweeps.leaderboard import Leaderboard

LESS_IS_BETTER = ("_seconds", "log_loss")
"""How the names of figures end of which a small one is good, unless they are negative."""
NEGATIVE = "neg_"
"""Part of the names of scikit-learn's scorers of losses: of their scores a great one is good."""


def ordered(board: Leaderboard, by: str = "", top: int | None = None) -> tuple[Standing, ...]:
    """The ``top`` trials of a leaderboard, by its own order or by another figure, the best first.

    Trials without that figure come last; times and losses count as better where they are less.

    Raises:
        NotFoundError: no trial has such a figure.
        SettingsError: it is a score on the holdout.
    """
    standings = board.standings
    if by.startswith(on_holdout("")):
        message = f"--by: must not be a score on the holdout, but got {by!r}. They confirm one "
        message += "choice and mislead whoever chooses by them; --csv has them all."
        raise SettingsError(message)
    if by:
        known = sorted({name for each in standings for name in each.metrics})
        if by not in known:
            message = f"--by: must be a figure of the trials, but got {by!r}."
            message += did_you_mean(by, known) or f" They have {', '.join(known)}."
            raise NotFoundError(message)
        sign = 1 if by.endswith(LESS_IS_BETTER) and NEGATIVE not in by else -1
        standings = tuple(sorted(standings, key=lambda each: _place(each, by, sign)))
    return standings[:top]


def _place(standing: Standing, by: str, sign: int) -> tuple[bool, float, int]:
    value = standing.metrics.get(by)
    missing = value is None or value != value  # noqa: PLR0124  NaN
    return (missing, 0.0 if missing else sign * (value or 0.0), standing.number)


def frame(standings: Sequence[Standing]) -> pd.DataFrame:
    """One row for each trial: rank, identity, parameters as text, figures, provenance."""
    import pandas as pd

    return pd.DataFrame(table(standings))


def write_csv(standings: Sequence[Standing], stream: TextIO) -> None:
    """The same rows as CSV; a text that spreadsheets take for a formula is marked as text."""
    report.write_csv(table(standings), stream)


def write_file(standings: Sequence[Standing], file: Path) -> None:
    """Write the rows into a file, whole or not at all; its suffix is .csv or .parquet.

    Raises:
        SettingsError: it has another suffix, or cannot be written there.
    """
    import io

    match file.suffix.lower():
        case ".csv":
            text = io.StringIO(newline="")
            write_csv(standings, text)
            content = text.getvalue().encode()
        case ".parquet":
            stream = io.BytesIO()
            frame(standings).to_parquet(stream, index=False)
            content = stream.getvalue()
        case _:
            message = f"{file}: must end with .csv or .parquet, but ends with {file.suffix!r}."
            raise SettingsError(message + " Name it so.")
    try:
        write_atomically(file, content)
    except OSError as error:
        message = f"{file}: must be a place to write to, but {error.strerror}. Choose another."
        raise SettingsError(message) from None
