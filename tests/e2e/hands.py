"""Hands on a running stack: hold it at a moment, kill a part of it there, and let it go."""

from __future__ import annotations

import os
import re
import signal
import time
from contextlib import contextmanager, suppress

import httpx
import psutil
import psycopg2

from sweepstake.airflow_client.api import AirflowApi
from sweepstake.embedded import ports, processes, supervisor
from sweepstake.embedded.layout import Layout
from sweepstake.embedded.postgres import USER
from sweepstake.errors import SweepstakeError

WORKER = re.compile("airflow worker -- ForkExecutor: ([0-9a-f-]+)")
"""The id that follows is cut off where the title grows beyond the room it has."""
PATIENCE_SECONDS = 900
"""Until the stack comes to a moment at which a test wants to hold it, on a busy machine."""
ANSWER_SECONDS = 60
"""Until a server answers, on a busy machine."""


AWAY = (
    httpx.HTTPError,
    psutil.NoSuchProcess,
    psycopg2.InterfaceError,
    psycopg2.OperationalError,
    SweepstakeError,
)
"""What is raised while a part of the stack is away."""


def wait(what, condition, seconds=PATIENCE_SECONDS, pause=0.2):
    """What ``condition`` gives, as soon as it gives something true; what is away gives nothing.

    Asking may cost as much as what is waited for: let it pause for longer then, in seconds.
    """
    deadline = time.monotonic() + seconds
    while True:
        with suppress(*AWAY):
            if found := condition():
                return found
        assert time.monotonic() < deadline, f"{what}: not in {seconds:.0f} s"
        time.sleep(pause)


class Hands:
    """On one stack; components are called by the names that ``status`` uses."""

    def __init__(self, settings):
        self.settings = settings
        self.layout = Layout(settings.home)

    def process(self, name):
        """The process of a component."""
        return wait(name, lambda: psutil.Process(supervisor.describe(self.layout)[name]["pid"]))

    def family(self, name):
        """The process of a component, then what it has started; of the scheduler also tasks."""
        process = self.process(name)
        return [process, *process.children(recursive=True)]

    def stop(self, name):
        """Let a component, with all that it has started, not do anything until it may go on."""
        send(self.family(name), signal.SIGSTOP)

    def go_on(self, name):
        """Let a component go on that was stopped."""
        send(self.family(name), signal.SIGCONT)

    @contextmanager
    def stopped(self, name):
        """A component does nothing meanwhile; if it is killed, its successor does."""
        held = self.family(name)
        send(held, signal.SIGSTOP)
        try:
            yield
        finally:
            send(held, signal.SIGCONT)

    @contextmanager
    def idle_scheduler_stopped(self):
        """The scheduler does nothing meanwhile, and was stopped outside any transaction."""
        scheduler = self.process("scheduler")

        def is_idle():
            scheduler.suspend()
            if not any(state != "idle" for state in self.sessions(scheduler)):
                return True
            scheduler.resume()
            return False

        wait("an idle scheduler", is_idle)
        try:
            yield
        finally:
            with suppress(psutil.NoSuchProcess):
                scheduler.resume()

    def kill(self, *names):
        """Kill the processes of components, and nothing that they have started."""
        for process in [self.process(name) for name in names]:
            process.kill()

    def connect(self):
        """A connection to Airflow's database, of no component."""
        return psycopg2.connect(
            host="127.0.0.1",
            port=ports.read(self.layout.ports).postgres,
            user=USER,
            dbname="airflow",
            passfile=str(self.layout.pgpass),
        )

    def ask(self, query, *values):
        """What Airflow's database answers."""
        connection = self.connect()
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(query, values or None)
                return cursor.fetchall()
        finally:
            connection.close()

    def sessions(self, process):
        """The states of a process's connections to the database, as PostgreSQL sees them."""
        locals_ = [each.laddr.port for each in process.net_connections() if each.laddr]
        query = "SELECT state FROM pg_stat_activity WHERE client_port = ANY(%s)"
        return [state for (state,) in self.ask(query, locals_)]

    @contextmanager
    def locked_tasks(self, run):
        """Nobody can write the task instances of a run meanwhile; yields the lock's session."""
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET idle_in_transaction_session_timeout = 0")
                query = "SELECT id FROM task_instance WHERE run_id = %s FOR NO KEY UPDATE"
                cursor.execute(query, (run,))
                yield connection.info.backend_pid
        finally:
            with suppress(psycopg2.Error):
                connection.rollback()
            connection.close()

    def waits(self, name, session):
        """Whether a component waits for a lock of a session."""
        query = "SELECT client_port FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
        blocked = {port for (port,) in self.ask(query, session)}
        own = self.process(name).net_connections()
        return bool(blocked & {each.laddr.port for each in own if each.laddr})

    def asks(self, worker, name):
        """Whether what works on a task has a connection to a component."""
        port = getattr(ports.read(self.layout.ports), name)
        family = [worker, *worker.children(recursive=True)]
        own = [each for process in family for each in process.net_connections()]
        return any(each.raddr and each.raddr.port == port for each in own)

    def states(self, run):
        """The states of the task instances of a run, by task."""
        query = "SELECT task_id, state FROM task_instance WHERE run_id = %s"
        return dict(self.ask(query, run))

    def running(self, run, task):
        """The ids of the instances of a task that run."""
        query = "SELECT id::text FROM task_instance WHERE run_id = %s AND task_id = %s"
        return [one for (one,) in self.ask(f"{query} AND state = 'running'", run, task)]

    def worker(self, run):
        """The process that works on a task of a run, if there is one."""
        ids = self.ask("SELECT id::text FROM task_instance WHERE run_id = %s", run)
        return self.worker_of([one for (one,) in ids])

    def worker_of(self, ids):
        """The process that works on one of these instances of tasks, if there is one."""
        for process in processes.of_stack(self.settings.home):
            with suppress(psutil.Error):
                found = WORKER.match(" ".join(process.cmdline()))
                if found and any(one.startswith(found[1]) for one in ids):
                    return process
        return None

    def hold_task(self, run):
        """The processes of a training task that were stopped, unless it was over just then."""
        for one in self.running(run, "train"):
            worker = self.worker_of([one])
            held = worker.children(recursive=True) if worker else []
            send(held, signal.SIGSTOP)
            time.sleep(1)  # for what it may have told before
            if held and one in self.running(run, "train"):
                return held
            send(held, signal.SIGCONT)
        return None

    def next_run(self, name):
        """The id of the sweep of this name, once Airflow has its run."""
        query = "SELECT run_id FROM dag_run WHERE dag_id = 'sweep' AND run_id LIKE %s"
        rows = self.ask(query, f"{name}\\_\\_%")
        return rows[0][0] if rows else None

    def run_state(self, run):
        """The state of the run of a sweep."""
        rows = self.ask("SELECT state FROM dag_run WHERE dag_id = 'sweep' AND run_id = %s", run)
        return rows[0][0] if rows else None

    def pause(self, dag, *, paused):
        """Let a DAG start no run, or let it."""

        def is_set():
            with AirflowApi.of(self.settings) as api:
                api.call("PATCH", f"/dags/{dag}", {"is_paused": paused})
            return True

        wait(f"an answer about {dag}", is_set)


def send(found, number):
    """Send a signal to processes, of which some may be gone."""
    for process in found:
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)
