"""The child: work of the page that takes seconds, memory or libraries, in a process of its own.

It reads one errand as JSON from standard input, and writes its answer as JSON to standard output:
the name of an act, with its arguments; ``problems`` or ``error`` where it cannot be done.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sweepstake.errors import GridFileError, SweepstakeError
from sweepstake.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sweepstake.settings import Settings

MOST_TRIALS = 50
"""Trials of a plan that are listed by name."""


def main() -> None:
    """Do one errand."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever libraries print is no answer
    errand = json.load(sys.stdin)
    json.dump(answer(errand, load_settings()), answers)
    answers.flush()


def answer(errand: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """What came of an errand."""
    try:
        return _ACTS[errand["act"]](settings, **errand["given"])
    except GridFileError as error:
        return {"problems": [asdict(each) for each in error.problems]}
    except SweepstakeError as error:
        return {"error": str(error)}


def _check(settings: Settings, content: str, file: str) -> dict[str, Any]:
    """What ``sweepstake validate`` and ``plan`` tell of a grid file."""
    from sweepstake.gridfile import file_names
    from sweepstake.intake import intake
    from sweepstake.preflight import checks
    from sweepstake.sweeps.preview import preview

    fault = file_names.fault(file)
    if fault:
        return {"error": f"{file}: {fault}"}
    data = content.encode()
    grid, checked = checks.inspect(data, file, settings)
    shown = preview(grid, checked, settings.slots)
    return {
        "plan": {
            **asdict(shown),
            "trials": shown.trials[:MOST_TRIALS],
            "rows": checked.rows,
            "by_day": grid.spec.data.by_day,
            "name": grid.spec.name,
            "digest": grid.digest,
        },
        "warnings": checked.warnings,
        "replaces": intake.replaces(data, file, settings),
    }


def _start(settings: Settings, content: str, file: str) -> dict[str, Any]:
    """What ``sweepstake submit`` does with a grid file that was checked."""
    from sweepstake.intake import intake
    from sweepstake.preflight import checks

    data = content.encode()
    grid = checks.parse(data, file, settings)
    intake.own(grid, file, settings)
    dropped = intake.drop(data, grid.spec.name, file, settings)
    return {"sweep": dropped.sweep, "name": grid.spec.name, "by_day": grid.spec.data.by_day}


def _rollback(settings: Settings, model: str, to: str, why: str, by: str) -> dict[str, Any]:
    """What ``sweepstake rollback`` does, in somebody's name."""
    from sweepstake.champions.by_hand import roll_back

    entry = roll_back(model, to, why, settings, by=by)
    return {"champion": entry.champion, "reason": entry.reason}


_ACTS: dict[str, Callable[..., dict[str, Any]]] = {
    "check": _check,
    "start": _start,
    "rollback": _rollback,
}


if __name__ == "__main__":
    main()
