"""A promotion in a real run: asked about in Airflow, answered there, rolled back."""

from __future__ import annotations

import json

import httpx
import mlflow
import pytest

from e2e.test_main_job import Airflow, wait
from sweepstake import approval, byhand
from sweepstake.registry import Registry
from sweepstake.workspace import Workspace

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(1800),
    # MLflow's import of its own agent types warns about them
    pytest.mark.filterwarnings("ignore:(?s).*Any type hint is inferred as AnyType:UserWarning"),
]

MODEL = "iris-promotion"


@pytest.fixture(scope="module")
def airflow(stack):
    """Airflow's API."""
    return Airflow(stack.settings)


@pytest.fixture
def submit(stack):
    """A function that drops a grid of trees of a depth into the folder."""

    def put(name, depth, **promotion):
        grid = {
            "name": name,
            "model": MODEL,
            "data": {"source": "sklearn:iris"},
            "estimator": "DecisionTreeClassifier",
            "grid": {"max_depth": [depth]},
            "metric": "accuracy",
            "promotion": promotion,
        }
        path = stack.settings.grids / f"{name}.json"
        path.write_text(json.dumps(grid), encoding="utf-8")

    return put


def champion(stack):
    """The version in service, ``None`` before there is one."""
    client = mlflow.MlflowClient(stack.settings.tracking_uri)
    found = client.search_registered_models(f"name = '{MODEL}'")
    version = found[0].aliases.get("champion") if found else None
    return version and str(version)


def question(airflow, asked):
    """What Airflow asks about a promotion, once it waits without a slot."""
    run = f"/dags/approval/dagRuns/{asked.run_id}"
    answer = httpx.get(f"{airflow.url}{run}/taskInstances/ask", headers=airflow.headers)
    if answer.status_code != httpx.codes.OK or answer.json()["state"] != "awaiting_input":
        return None
    return airflow.get(f"{run}/taskInstances/ask/-1/hitlDetails")


def test_a_promotion_is_asked_about_answered_and_rolled_back(stack, airflow, submit):
    """The champion stays until somebody in Airflow says otherwise, and goes back in one step."""
    workspace = Workspace(stack.settings.workspace)
    submit("promotion-first", 1)
    wait("a champion", lambda: champion(stack))
    submit("promotion-second", 3, approval=True, wait="1h")
    asked = wait("the question", lambda: approval.waiting(workspace, MODEL))
    shown = wait("the question in Airflow", lambda: question(airflow, asked))
    assert ("1", [approval.KEEP]) == (champion(stack), shown["defaults"])
    assert f"May {MODEL} v2 become champion?" == shown["subject"]
    assert "| gain |" in shown["body"]
    assert "●" in shown["body"]

    url = f"{airflow.url}/dags/approval/dagRuns/{asked.run_id}/taskInstances/ask/-1/hitlDetails"
    body = {"chosen_options": [approval.PROMOTE], "params_input": {"why": "{{ 6 * 7 }}"}}
    assert httpx.patch(url, json=body, headers=airflow.headers).is_success
    wait("the promotion", lambda: champion(stack) == "2")
    registry = Registry(stack.settings.tracking_uri)
    wait("the ledger", lambda: registry.history(MODEL)[0].complete)
    entry = registry.history(MODEL)[0]
    assert (stack.settings.airflow_user, True) == (entry.by, entry.reason.endswith("{{ 6 * 7 }}."))

    byhand.roll_back(MODEL, "", "slow", stack.settings)
    assert ("1", "1") == (champion(stack), registry.history(MODEL)[0].champion)
