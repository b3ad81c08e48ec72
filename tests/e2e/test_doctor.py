"""The doctor on the embedded stack, in order and with faults of Airflow."""

from contextlib import contextmanager

import pytest

from sweepstake import doctor
from sweepstake.airflow_client.api import AirflowApi

pytestmark = [
    pytest.mark.e2e,
    # MLflow's import of its own agent types warns about them
    pytest.mark.filterwarnings("ignore:(?s).*Any type hint is inferred as AnyType:UserWarning"),
]

INSIDE = {"DAG intake", "DAG sweep", "DAG champion", "DAG files", "pool", "max_map_length"}
INSIDE |= {"DAG approval", "standstills"}


@pytest.fixture
def examine(stack):
    """A function that gives the findings by their names, with changed settings."""

    def look(**changes):
        findings = doctor.examine({**stack.environ, **changes})
        return {each.name: each for each in findings}

    return look


def ailing(findings):
    """What has to be fixed."""
    return {name: each.message for name, each in findings.items() if not each.ok}


def test_the_embedded_stack_is_in_order(examine):
    """Nothing has to be fixed in what `sweepstake up` has started."""
    findings = examine(SWEEPSTAKE_POOL="sweepstake")
    assert {} == ailing(findings)
    assert findings.keys() >= INSIDE
    assert "4096" == findings["max_map_length"].message


def test_a_wrong_password_is_told_once(examine):
    """What needs a log-in is not asked."""
    findings = examine(SWEEPSTAKE_AIRFLOW_PASSWORD="wrong")
    assert ["Airflow log-in"] == list(ailing(findings))
    assert "Check SWEEPSTAKE_AIRFLOW_USER and _PASSWORD." in findings["Airflow log-in"].message
    assert set() == findings.keys() & INSIDE


def test_a_pool_that_is_missing_is_told(examine):
    """With the command that makes it."""
    found = ailing(examine(SWEEPSTAKE_POOL="training"))
    assert ["pool"] == list(found)
    assert "airflow pools set training" in found["pool"]


@contextmanager
def paused(settings, dag):
    """A DAG that is paused for as long as the block runs."""
    with AirflowApi.of(settings) as api:
        api.call("PATCH", f"/dags/{dag}", {"is_paused": True})
        try:
            yield
        finally:
            api.call("PATCH", f"/dags/{dag}", {"is_paused": False})


def test_a_paused_dag_is_told(examine, stack):
    """The other DAGs are in order."""
    with paused(stack.settings, "champion"):
        found = ailing(examine(SWEEPSTAKE_POOL="sweepstake"))
    expected = "DAG champion: must run, but is paused. Say: airflow dags unpause champion."
    assert {"DAG champion": expected} == found
