"""Cores: a trial has one, whatever its estimator asks for, since trials run side by side."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from threadpoolctl import ThreadpoolController


LATER = frozenset({"catboost", "lightgbm", "xgboost"})
"""Packages with thread pools of their own, which a process may load at any time."""


@contextmanager
def one_core() -> Iterator[None]:
    """Inside the block BLAS, OpenMP and joblib use the calling thread alone, also at ``n_jobs=-1``.

    Results do not depend on it; with as many trials as cores, more threads wait for each other.
    """
    import joblib

    pools = _thread_pools(LATER.intersection(sys.modules))
    with joblib.parallel_config(backend="sequential"), pools.limit(limits=1):
        yield


@lru_cache
def _thread_pools(_loaded: frozenset[str]) -> ThreadpoolController:
    """The BLAS and OpenMP libraries of this process, looked up once: the search takes a while.

    It is done anew where one of `LATER` has been loaded since.
    """
    import sklearn.ensemble  # noqa: F401 - loads what it is linked with
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
