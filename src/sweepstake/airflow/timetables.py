"""Timetables: days as Airflow's partitions.

A partition is a whole day, named by its date. A tick of the cron makes a run of the day before it,
the last one that is over. Backfills make the same partitions, whatever time of day the cron names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.timetables.base import DagRunInfo
from airflow.timetables.trigger import CronPartitionTimetable
from pendulum import instance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from airflow.timetables.base import TimeRestriction
    from pendulum import DateTime

KEY_FORMAT = "%Y-%m-%d"


class DayPartitions(CronPartitionTimetable):
    """Runs at each tick of a cron, which ticks at most once a day, on the day before."""

    def _get_partition_date(self, *, run_date: datetime) -> DateTime:
        """The midnight with which the day before ``run_date`` began."""
        local = instance(run_date).in_timezone(self._timezone)
        return local.start_of("day").subtract(days=1).in_timezone("UTC")

    def iter_partition_dagrun_infos(
        self, *, earliest: datetime, latest: datetime
    ) -> Iterator[DagRunInfo]:
        """The runs of the days that begin from ``earliest`` to ``latest`` and are over."""
        first = self.localize_partition_datetime(earliest)
        last = min(self.localize_partition_datetime(latest), instance(_now()))
        tick = self._align_to_next(first)
        while tick <= instance(_now()):
            day = self._get_partition_date(run_date=tick)
            if day > last:
                return
            if day >= first:
                yield DagRunInfo(
                    run_after=tick,
                    data_interval=None,
                    partition_date=day,
                    partition_key=self._format_key(day),
                )
            tick = self._get_next(tick)


class DayPartitionsOnDemand(DayPartitions):
    """Days that can be backfilled and never run by themselves."""

    @property
    def summary(self) -> str:
        """What pages show as the schedule."""
        return "on demand"

    def next_dagrun_info_v2(
        self,
        *,
        last_dagrun_info: DagRunInfo | None,  # noqa: ARG002 - Airflow's signature
        restriction: TimeRestriction,  # noqa: ARG002
    ) -> None:
        """Nothing, ever: only backfills and people make runs."""
        return


def _now() -> datetime:
    from airflow.sdk.timezone import utcnow

    return utcnow()
