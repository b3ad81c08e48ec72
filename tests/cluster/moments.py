"""Moments of a sweep, held still: by a lock in the database, an empty pool or a stopped server."""

import signal
import time
from contextlib import closing, contextmanager

import psycopg2
from jobs import PATIENCE_SECONDS, drop

from cluster import WORKERS

TREES = """\
name: NAME
model: NAME
data: {source: "sklearn:digits", holdout: 0.25}
estimator: DecisionTreeClassifier
grid:
  max_depth: [2, 5]
  min_samples_leaf: [1, 8]
metric: f1_macro
cv: 3
limits: {trials_per_task: 1}
"""
TRIALS = 4
"""Of ``TREES``, each in a task of its own."""

STATES = """
    SELECT state, count(*) FROM task_instance
    WHERE dag_id = 'sweep' AND run_id LIKE %s AND task_id = 'train' GROUP BY state
"""
QUEUED = """
    SELECT external_executor_id FROM task_instance
    WHERE dag_id = 'sweep' AND run_id LIKE %s AND task_id = 'train' AND state = 'queued'
"""
TAKEN = "SELECT count(*) FROM celery_taskmeta WHERE status = 'STARTED' AND task_id = ANY(%s)"
WAITING = """
    SELECT DISTINCT waiting.pid FROM pg_stat_activity waiting
    JOIN pg_locks held ON held.pid = waiting.pid AND held.granted AND held.mode = 'RowShareLock'
    WHERE client_addr = %s AND wait_event_type = 'Lock'
    AND held.relation IN ('dag_run'::regclass, 'slot_pool'::regclass)
"""
BLOCKED = "SELECT pid FROM pg_stat_activity WHERE client_addr = %s AND wait_event_type = 'Lock'"
HOLDING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE client_addr = %s AND state = 'idle in transaction' AND pid = ANY(%s)
"""


def connect(cluster, database):
    """A connection to a database, as the superuser."""
    told = cluster.services["postgres"].environment
    connection = psycopg2.connect(
        host=cluster.hosts["postgres"].address,
        user=told["POSTGRES_USER"],
        password=told["POSTGRES_PASSWORD"],
        dbname=database,
    )
    connection.autocommit = True
    return connection


def query(cluster, database, text, *values):
    """The rows that a statement gives; of one without any, none."""
    with closing(connect(cluster, database)) as connection, connection.cursor() as cursor:
        cursor.execute(text, values)
        return cursor.fetchall() if cursor.description else []


def until(what, condition):
    """What a condition finds, once it finds anything."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise TimeoutError(what)


def training(cluster, name, state):
    """How many of a sweep's training tasks are in a state."""
    return dict(query(cluster, "airflow", STATES, _runs(name))).get(state, 0)


def await_training(cluster, name, state):
    """Wait until training tasks of a sweep are in a state."""
    return until(f"{name}: {state}", lambda: training(cluster, name, state))


def make_ready(cluster, name):
    """Drop a sweep whose training tasks become ready and get no slot yet."""
    open_pool(cluster, 0)
    drop(cluster, name, TREES)
    await_training(cluster, name, "scheduled")


def kill_workers_that_took(cluster, name, slots):
    """Kill all workers once they have taken training tasks, and cannot begin any."""
    with stopped(cluster, "api-server"):
        open_pool(cluster, slots)
        until("taken", lambda: taken(cluster, name))
        kill(cluster, *WORKERS)
        assert 0 == training(cluster, name, "running")


def open_pool(cluster, slots):
    """Let so many training tasks run at once."""
    query(cluster, "airflow", "UPDATE slot_pool SET slots = %s WHERE pool = 'sweepstake'", slots)


@contextmanager
def locked(cluster, database, table):
    """A table that can be read, and not be written to."""
    with closing(connect(cluster, database)) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(f"LOCK TABLE {table} IN SHARE MODE")
        yield
        cursor.execute("ROLLBACK")


@contextmanager
def stopped(cluster, host):
    """A host that stands still, and goes on as if nothing had been."""
    cluster.hosts[host].signal(signal.SIGSTOP)
    try:
        yield
    finally:
        cluster.hosts[host].signal(signal.SIGCONT)


def kill(cluster, *hosts):
    """End every program of these hosts at once."""
    for host in hosts:
        cluster.hosts[host].kill()


def revive(cluster, *hosts):
    """Start what was killed, as Docker would."""
    for host in hosts:
        cluster.launch(host)


@contextmanager
def scheduler_in_a_transaction(cluster, slots):
    """The scheduler's sessions that hold rows of runs or pools and wait to give tasks their slots.

    It may come to wait before it holds any, as every 15 s it updates deferred tasks whose time is
    over: then it is let go on first, since the lock would keep it there forever.
    """
    address, sessions = cluster.hosts["scheduler"].address, []
    while not sessions:
        open_pool(cluster, 0)
        with locked(cluster, "airflow", "task_instance"):
            open_pool(cluster, slots)
            until("the scheduler waits", lambda: query(cluster, "airflow", BLOCKED, address))
            sessions = [pid for (pid,) in query(cluster, "airflow", WAITING, address)]
            if sessions:
                yield sessions


def holds_on(cluster, host, sessions):
    """Whether sessions of a host that is gone still hold their locks, and do nothing."""
    address = cluster.hosts[host].address
    ((count,),) = query(cluster, "airflow", HOLDING, address, sessions)
    return count > 0


def taken(cluster, name):
    """How many training tasks are queued in Airflow's view, and begun in Celery's."""
    waiting = [task for (task,) in query(cluster, "airflow", QUEUED, _runs(name))]
    ((count,),) = query(cluster, "celery", TAKEN, waiting)
    return count


def _runs(name):
    return f"{name}\\_\\_%"
