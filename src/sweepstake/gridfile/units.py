"""Units: times and sizes as a grid file writes them."""

from __future__ import annotations

import re

SECONDS = {"m": 60.0, "h": 3600.0, "d": 86_400.0}
BYTES = {"MB": 10**6, "GB": 10**9, "TB": 10**12, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def seconds_of(time: str) -> float:
    """Seconds of a time.

    >>> seconds_of("90m"), seconds_of("24h"), seconds_of("7d")
    (5400.0, 86400.0, 604800.0)
    """
    return float(time[:-1]) * SECONDS[time[-1]]


def bytes_of(size: str | int | None) -> int | None:
    """Bytes of a size; a number is bytes already, and ``None`` no limit.

    >>> bytes_of("1.5GB"), bytes_of(100)
    (1500000000, 100)
    """
    if not isinstance(size, str):
        return size
    number, unit = re.findall(r"[\d.]+|[A-Za-z]+", size)
    return round(float(number) * BYTES[unit])
