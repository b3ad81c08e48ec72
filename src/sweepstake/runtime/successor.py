"""The start of a program that listens, when one before it may have been killed.

A server's workers outlive it if it is killed alone, and hold the port: its successor could never
listen. So they are ended first; the supervisor's name for the program, which they inherited, tells
them apart.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sweepstake.runtime.processes import MARK, end, of_stack

NAME = "SUPERVISOR_PROCESS_NAME"


def main() -> None:
    """End what is left of the program, then become it: its command is in the arguments."""
    name, left = os.environ[NAME], of_stack(Path(os.environ[MARK]))
    end([process for process in left if process.info["environ"].get(NAME) == name])
    # the command is the supervisor's own
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606  # nosec B606


if __name__ == "__main__":
    main()
