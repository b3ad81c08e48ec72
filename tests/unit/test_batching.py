"""How trials are packed into tasks."""

from __future__ import annotations

import heapq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepstake.sweeps.batches import pack

COSTS = st.lists(st.floats(0, 1000), max_size=200)


@given(COSTS, st.floats(0.1, 100), st.integers(1, 50), st.none() | st.integers(1, 30))
def test_ranges_are_contiguous_complete_and_not_too_many(costs, seconds, max_tasks, size):
    """Every trial is in exactly one range, in order, and there are max_tasks ranges at most."""
    ranges = pack(costs, seconds, max_tasks, size)
    packed = [trial for first, last in ranges for trial in range(first, last + 1)]
    assert list(range(len(costs))) == packed
    assert len(ranges) <= max_tasks


def test_no_trials_make_no_tasks():
    """An empty sweep has no batches."""
    assert () == pack([], 30, 100)
    assert () == pack([], 30, 100, 5)


def test_batches_have_about_the_wanted_cost_and_shrink_to_the_end():
    """Most batches cost seconds_per_task, the last ones less, none more."""
    costs = [1.0] * 600
    sizes = [last - first + 1 for first, last in pack(costs, 30, 1000, workers=2)]
    assert sizes == sorted(sizes, reverse=True)
    assert [30] * 18 == sizes[:18]
    assert sizes[-1] <= 3


def test_slow_trials_stand_alone():
    """A trial that costs more than a task should is a task of its own."""
    assert ((0, 0), (1, 1), (2, 3)) == pack([100, 100, 1, 1], 30, 100)


def test_trials_per_task_overrides():
    """A fixed size is kept, unless that makes too many tasks."""
    assert ((0, 2), (3, 5), (6, 6)) == pack([1] * 7, 30, 100, 3)
    assert ((0, 3), (4, 6)) == pack([1] * 7, 30, 2, 3)


def test_trials_that_cost_nothing_are_one_batch():
    """Without figures there is no reason to cut."""
    assert ((0, 4),) == pack([0.0] * 5, 30, 100)


@pytest.mark.parametrize("workers", [2, 4, 8])
def test_workers_end_together(workers):
    """The last worker ends within a small part of the work of the first one."""
    costs = [0.05 + (trial % 7) * 0.1 for trial in range(2000)]
    ends = [0.0] * workers
    for first, last in pack(costs, 30, 1000, workers=workers):
        heapq.heappush(ends, heapq.heappop(ends) + sum(costs[first : last + 1]))
    assert max(ends) <= 1.03 * sum(costs) / workers


def test_little_work_is_shared_by_all_workers():
    """It takes half of its time on two workers, unless a start takes longer than a part of it."""
    assert ((0, 2), (3, 5)) == pack([0.5] * 6, 30, 200, workers=2)
    assert ((0, 5),) == pack([0.25] * 6, 30, 200, workers=2)
    assert ((0, 1), (2, 3), (4, 5)) == pack([0.5] * 6, 30, 200, workers=8)
    assert () == pack([], 30, 200, workers=2)


def test_long_trials_are_not_put_beyond_a_worker_s_part():
    """Of two long and two short ones, each worker gets one of both."""
    assert ((0, 0), (1, 1), (2, 2), (3, 3)) == pack([3.0, 3.0, 2.0, 2.0], 30, 200, workers=2)
    assert ((0, 3), (4, 6)) == pack([0.5] * 7, 30, 200, workers=2)
