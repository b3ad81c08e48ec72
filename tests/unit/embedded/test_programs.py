from sweepstake.embedded import successor
from sweepstake.embedded.layout import Layout
from sweepstake.embedded.ports import Ports
from sweepstake.embedded.programs import NAMES, programs


def commands(home):
    """The command line of each program."""
    return {each.name: each.command for each in programs(Layout(home), Ports(1, 2, 3))}


def test_every_program_but_the_database_begins_after_its_like(tmp_path):
    """What a killed program has left holds ports and connections; PostgreSQL's ends by itself."""
    after = {name for name, words in commands(tmp_path).items() if successor.__name__ in words}
    assert set(NAMES) - {"postgres"} == after


def test_the_jobs_of_airflow_are_those_of_its_programs():
    """Every program that Airflow knows by its signs of life is told to have ended."""
    assert {"scheduler", "dag-processor", "triggerer"} == set(successor.JOBS)


def test_a_busy_worker_of_mlflow_is_not_taken_for_dead(tmp_path):
    """Uvicorn kills workers that do not answer; one that imports on a busy machine does not."""
    (options,) = (word for word in commands(tmp_path)["mlflow"] if "healthcheck" in word)
    assert "--no-access-log --timeout-worker-healthcheck 120" == options
