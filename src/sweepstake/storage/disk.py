"""Disk: a full one is an error that goes away, and is told as such."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sweepstake.errors import DiskFullError

if TYPE_CHECKING:
    from collections.abc import Iterator

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def disk_faults() -> Iterator[None]:
    """Translate a full disk or quota inside the block; other errors pass as they are.

    Raises:
        DiskFullError: something could not be written because there is no space.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        place = error.filename or "the disk"
        message = (
            f"{place}: must have space to write, but got '{error.strerror}'. "
            "Free some space: what was being done is tried again."
        )
        raise DiskFullError(message) from error
