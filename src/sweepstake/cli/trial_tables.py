"""Tables of trials: the record of one, two beside each other, one trained again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from sweepstake.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sweepstake.champions.comparing import Comparison
    from sweepstake.sweeps.rerun import Rerun
    from sweepstake.sweeps.trial_lookup import TrialRecord


def record_table(record: TrialRecord) -> Table:
    """A trial, a line for each thing that is known of it."""
    table = Table(
        title=printable(f"Trial {record.number} of {record.sweep}"),
        title_justify="left",
        show_header=False,
    )
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in _lines(record):
        if text:
            table.add_row(printable(name), printable(text))
    return table


def _lines(record: TrialRecord) -> Iterator[tuple[str, str]]:
    yield "state", record.state
    yield "rank", f"{record.rank} of {record.of}" if record.rank else ""
    yield "estimator", record.estimator
    yield from ((f"param {name}", value) for name, value in record.given.items())
    rest = {name: text for name, text in record.params.items() if name not in record.given}
    yield "other params", ", ".join(f"{name}={text}" for name, text in rest.items())
    yield from ((name, repr(value)) for name, value in sorted(record.metrics.items()))
    yield f"folds {record.metric}", " ".join(f"{score:.4f}" for score in record.folds)
    version = f"v{record.version} {record.decision}" if record.version else ""
    yield "version", version.rstrip()
    yield "reason", record.reason
    yield "warnings", record.warnings.replace("\n", " ")
    yield from ((name.removeprefix("sweepstake."), text) for name, text in record.origin.items())
    yield "key", record.key
    yield "run", record.run_id


def differences_table(found: Comparison) -> Table:
    """What is not the same of two trials."""
    table = Table(title="What differs", title_justify="left")
    table.add_column("of")
    for side in (found.first, found.second):
        table.add_column(printable(side), overflow="fold")
    for each in found.differences:
        table.add_row(*map(printable, (each.name, each.first, each.second)))
    return table


def comparison_text(found: Comparison) -> str:
    """The paired gain, on what, between which bounds, and what follows."""
    on = f"{found.count} holdout rows" if found.by == "holdout" else f"{found.count} folds"
    if found.excluded:
        on += f" ({found.excluded} left out, on which {found.second} was trained)"
    if found.note:
        on += f" (not on the holdout: {found.note})"
    bounds = f"one-sided {found.confidence:.0%} bounds {found.low:+.4f} and {found.high:+.4f}"
    gain = f"{found.first} gains {found.gain:+.4f} {found.metric} over {found.second} on {on}"
    return f"{gain}, {bounds}: {found.verdict}."


def rerun_table(found: Rerun) -> Table:
    """Each figure as it was recorded and as it came out again."""
    table = Table(title="Trained again", title_justify="left")
    for heading in ("figure", "recorded", "again", ""):
        table.add_column(heading)
    for each in found.figures:
        mark = "=" if each.is_equal else "differs"
        table.add_row(printable(each.name), _full(each.recorded), _full(each.again), mark)
    return table


def _full(value: float | None) -> str:
    return "" if value is None else repr(value)
