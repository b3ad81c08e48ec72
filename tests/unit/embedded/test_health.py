from datetime import UTC, datetime

from sweepstake.embedded.health import of_airflow

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
STARTED = dict.fromkeys(("scheduler", "triggerer", "dag-processor", "api-server"), NOON.timestamp())


def report(heartbeat="2026-01-01T12:00:05+00:00", metadatabase="healthy", scheduler="healthy"):
    """What the api-server says of the others."""
    return {
        "metadatabase": {"status": metadatabase},
        "scheduler": {"status": scheduler, "latest_scheduler_heartbeat": heartbeat},
        "triggerer": {"status": "healthy", "latest_triggerer_heartbeat": heartbeat},
        "dag_processor": {"status": "healthy", "latest_dag_processor_heartbeat": heartbeat},
    }


def test_programs_with_fresh_heartbeats_are_healthy():
    """All four Airflow programs do their work."""
    assert of_airflow(report(), STARTED) == set(STARTED)


def test_a_heartbeat_of_the_predecessor_does_not_count():
    """A program that has just been started again is not healthy by its forerunner's heartbeat."""
    assert {"api-server"} == of_airflow(report(heartbeat="2026-01-01T11:59:55+00:00"), STARTED)


def test_a_program_that_died_is_not_healthy_by_its_last_heartbeat():
    """What does not run does no work, though its last heartbeat is fresh."""
    left = {name: start for name, start in STARTED.items() if name != "triggerer"}
    assert of_airflow(report(), left) == set(left)


def test_an_unhealthy_scheduler_is_left_out():
    """One ill program does not hide the others."""
    assert of_airflow(report(scheduler="unhealthy"), STARTED) == set(STARTED) - {"scheduler"}


def test_without_its_database_nothing_is_healthy():
    """The api-server answers, but none of Airflow works."""
    assert of_airflow(report(metadatabase="unhealthy"), STARTED) == set()


def test_no_answer_is_not_healthy():
    """An api-server that does not answer leaves no word of the others."""
    assert of_airflow({}, STARTED) == set()
