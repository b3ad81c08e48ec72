"""The executor of the embedded stack: the scheduler forks one process for each task.

Nothing waits for tasks in between: a process is there for one task, its end is always reported, and
it never outlives the scheduler or holds its connections (docs/adr/0016-one-fork-per-task.md).
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.executors.base_executor import BaseExecutor, get_execution_api_server_url

from sweepstake.processes.fork import exit_code, fork, kill, told

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow.executors.workloads import ExecutorWorkload
    from airflow.executors.workloads.types import WorkloadKey
    from airflow.models.taskinstance import TaskInstance

TITLE = "airflow worker -- ForkExecutor:"
POLL_SECONDS = 0.02
IDLE_SECONDS = 0.4
"""How long a heartbeat waits for a process to end, where nothing else happened."""


class ForkExecutor(BaseExecutor):
    """Forks a process for each workload.

    Airflow's own LocalExecutor has a queue and workers that read it. A worker that dies takes what
    it had read with it, and one whose scheduler dies lives on with the scheduler's connections.
    """

    is_local: bool = True
    serve_logs: bool = True
    supports_callbacks: bool = True
    supports_connection_test: bool = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.forks: dict[int, ExecutorWorkload] = {}

    def heartbeat(self) -> None:
        """Start what is queued and report what has ended; if nothing did, wait a little for it.

        So the scheduler notices at once that a task has ended, and sleeps as long without one.
        """
        before = set(self.forks)
        super().heartbeat()
        deadline = time.monotonic() + IDLE_SECONDS
        while self._is_unchanged(before) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS if self.forks else IDLE_SECONDS)
            self.sync()

    def _is_unchanged(self, before: set[int]) -> bool:
        """Whether no process has started or ended, and the scheduler has nothing to be told."""
        return not self.event_buffer and self.forks.keys() == before

    def sync(self) -> None:
        """Report which processes have ended, and end those that are not wanted any more."""
        for pid, workload in list(self.forks.items()):
            if workload.key not in self.running:
                kill(pid)
            code = exit_code(pid)
            if code is not None:
                del self.forks[pid]
                self._report(workload, code)

    def revoke_task(self, *, ti: TaskInstance) -> None:
        """Forget a task, and end its processes."""
        self.queued_tasks.pop(ti.key, None)
        self.running.discard(ti.key)
        self.sync()

    def end(self) -> None:
        """Wait until every process has ended; each has been asked to, or has a task to finish."""
        while self.forks:
            self.sync()
            time.sleep(POLL_SECONDS)

    def terminate(self) -> None:
        """End every process at once."""
        for pid in self.forks:
            kill(pid)

    def _process_workloads(self, workload_items: Sequence[ExecutorWorkload]) -> None:
        for workload in workload_items:
            self._take(workload.key)
            self.running.add(workload.key)
            try:
                pid = fork(partial(self._work, workload))
            except OSError as error:
                self.fail(workload.key, f"Its process could not be started: {error}.")
                continue
            self.forks[pid] = workload
            if workload.running_state is not None:
                self.change_state(workload.key, workload.running_state, remove_running=False)

    def _take(self, key: WorkloadKey) -> None:
        """Take a workload off whichever queue holds it."""
        queues: Iterable[dict[Any, Any]] = (
            self.queued_tasks,
            self.queued_callbacks,
            self.queued_connection_tests,
        )
        for queue in queues:
            queue.pop(key, None)

    def _work(self, workload: ExecutorWorkload) -> None:
        self.run_workload(
            workload,
            server=get_execution_api_server_url(self.conf),
            proctitle=f"{TITLE} {workload.display_name}",
            subprocess_logs_to_stdout=True,
        )

    def _report(self, workload: ExecutorWorkload, code: int) -> None:
        """Tell the scheduler what became of a workload, unless it wants to know no more.

        A task that was deferred and woke quickly has a new process under the same key.
        """
        key = workload.key
        if key not in self.running or key in (other.key for other in self.forks.values()):
            return
        if code:
            self.change_state(key, workload.failure_state, told(code))
        else:
            self.change_state(key, workload.success_state)
