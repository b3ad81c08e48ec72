"""The start of a program, when one before it may have been killed.

What a program has forked can outlive it: a server's workers hold the port, so that its successor
could never listen; Airflow's helpers hold its connections, with whatever these have locked in the
database. So they are killed first; the supervisor's name for the program, which they inherited,
tells them apart. Airflow is told that the program has ended: its own rule is to wait until the last
sign of life is half a minute old before another takes over its tasks and triggers.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sweepstake.embedded import ports, postgres
from sweepstake.embedded.layout import Layout
from sweepstake.embedded.processes import MARK, kill, of_stack

NAME = "SUPERVISOR_PROCESS_NAME"
JOBS = {
    "scheduler": "SchedulerJob",
    "dag-processor": "DagProcessorJob",
    "triggerer": "TriggererJob",
}
"""What Airflow calls those of its programs that give signs of life; the stack has one of each."""


def main() -> None:
    """Kill what is left of the program, then become it: its command is in the arguments."""
    name, layout = os.environ[NAME], Layout(Path(os.environ[MARK]))
    kill([each for each in of_stack(layout.home) if each.info["environ"].get(NAME) == name])
    if name in JOBS:
        postgres.end_jobs(layout, ports.read(layout.ports), JOBS[name])
    # the command is the supervisor's own
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606  # nosec B606


if __name__ == "__main__":
    main()
