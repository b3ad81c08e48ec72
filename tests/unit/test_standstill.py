from datetime import UTC, datetime, timedelta

import pytest

from sweepstake.airflow_client.standstill import ON_THEIR_WAY, standstills

NOW = datetime.now(UTC)


def ago(minutes):
    """A moment in the past, as Airflow's REST API tells it."""
    return (NOW - timedelta(minutes=minutes)).isoformat()


def run(dag="sweep", state="running", begun=20, decided=20):
    """A run as the api-server tells of it: begun, and last looked at, so many minutes ago."""
    return {
        "dag_id": dag,
        "dag_run_id": "forests__0123",
        "state": state,
        "queued_at": ago(begun),
        "start_date": ago(begun),
        "last_scheduling_decision": ago(decided),
    }


def task(state, minutes=10):
    """A task instance that has been in its state for so many minutes."""
    return {
        "task_id": "plan",
        "state": state,
        "pool": "training",
        "queued_when": ago(minutes),
        "scheduled_when": ago(minutes),
    }


class Api:
    """An api-server that knows one run and its tasks."""

    def __init__(self, run, *tasks, paused=False):
        self.run, self.known, self.paused = run, tasks, paused

    def unfinished_runs(self, _):
        """All runs."""
        return [self.run]

    def dag(self, _):
        """The DAG of any name."""
        return {"is_paused": self.paused}

    def tasks(self, _dag, _run, states):
        """The tasks that are in these states."""
        return [task for task in self.known if task["state"] in states]


def told(*args, **kwargs):
    """What is said of the standstills."""
    return [str(each) for each in standstills(Api(*args, **kwargs), NOW)]


STILL = {
    "passed over": (
        (run(decided=7),),
        (
            "7 minutes, because none of its tasks is on its way and the scheduler passes it over. "
            "Restart the scheduler; the embedded stack by: sweepstake down, then sweepstake up."
        ),
    ),
    "queued": (
        (run(), task("queued", 12)),
        (
            "12 minutes, because its task plan is queued and no process has taken it. "
            "See that workers run and have a free slot; in the end, clear the task."
        ),
    ),
    "ready": (
        (run(), task("scheduled", 9)),
        (
            "9 minutes, because its task plan is ready and the scheduler does not start it. "
            "See that the scheduler runs, and that pool 'training' has a free slot."
        ),
    ),
}


@pytest.mark.parametrize("case", STILL)
def test_a_run_that_stands_still_is_told_with_its_way_out(case):
    """Which run, since when, why, and what to do."""
    known, sentence = STILL[case]
    assert [f"forests__0123 of DAG sweep: stands still for {sentence}"] == told(*known)


def test_the_run_of_a_day_is_looked_at_too():
    """Each grid file with data by day has a DAG of its own."""
    (sentence,) = told(run(dag="sweep__daily"))
    assert sentence.startswith("forests__0123 of DAG sweep__daily: stands still for 20 minutes")


def test_a_run_of_a_paused_dag_is_told():
    """Nothing is broken, and nothing will happen either."""
    (sentence,) = told(run(state="queued"), paused=True)
    assert sentence.endswith(
        "stands still for 20 minutes, because its DAG is paused. Say: airflow dags unpause sweep."
    )


@pytest.mark.parametrize("state", sorted(set(ON_THEIR_WAY) - {"scheduled", "queued"}))
def test_a_run_with_a_task_at_work_goes_on(state):
    """One task that runs, retries or waits for a person keeps the others waiting rightly."""
    assert [] == told(run(), task(state), task("queued"), task("scheduled"))


@pytest.mark.parametrize(
    "known",
    [
        (run(begun=1, decided=1),),
        (run(decided=0),),
        (run(), task("queued", 1)),
        (run(state="queued"),),
        (run(dag="somebody_elses"),),
    ],
    ids=["young", "looked at", "just queued", "behind others", "foreign"],
)
def test_what_moves_or_is_not_ours_is_left_alone(known):
    """No false alarm."""
    assert [] == told(*known)
