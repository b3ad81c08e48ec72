"""The start of a program that may not be root, in a folder that only root can reach.

It goes into the folder first and becomes the user then, so that no folder above has to be open.
"""

from __future__ import annotations

import os
import pwd
import sys


def main() -> None:
    """Become a user and a program in a folder; all three are in the arguments."""
    name, folder, *command = sys.argv[1:]
    user = pwd.getpwnam(name)
    os.chdir(folder)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    # the command is the supervisor's own
    os.execv(command[0], command)  # noqa: S606  # nosec B606


if __name__ == "__main__":
    main()
