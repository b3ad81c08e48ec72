"""What Sweepstake's plugin opens in Airflow's api-server."""

from __future__ import annotations

import json
import os
import subprocess
import sys

PROGRAM = """if True:
    import json, sys
    from sweepstake.airflow.adapter import SweepstakePlugin as plugin
    opened = ("fastapi_apps", "fastapi_root_middlewares", "flask_blueprints", "appbuilder_views",
              "external_views", "react_apps", "macros", "listeners")
    found = {name: len(getattr(plugin, name, [])) for name in opened}
    print(json.dumps([found, "sweepstake.airflow.page" in sys.modules]))
"""
PAGE = """if True:
    import json
    from types import SimpleNamespace
    from airflow.api_fastapi.common.db.common import _get_session
    from airflow.api_fastapi.core_api import security
    from starlette.testclient import TestClient
    from sweepstake.airflow import page

    asked, shown = [], []

    class Session:
        def scalars(self, query):
            asked.append(str(query.compile(compile_kwargs={"literal_binds": True})))
            return ["a__1"] if "SELECT dag_run.run_id" in asked[-1] else []
        def execute(self, query):
            self.scalars(query)
            return [("sweep", "a__1", f"{n} failed: 0-{n}") for n in (1, 2)] + [
                ("sweep", "<b>", "1 failed: 3"), ("sweep", "c", "0001 SVC x: 9 failed: y")]

    class Manager:
        def __init__(self, views, dags):
            self.views, self.dags = views, dags
        def is_authorized_view(self, **_):
            return self.views
        def is_authorized_dag(self, details, access_entity, **_):
            return (details.id, access_entity.name) != ("intake", "TASK_INSTANCE")
        def get_authorized_dag_ids(self, **_):
            return set(self.dags)

    def answer(views, dags):
        security.get_auth_manager = page.get_auth_manager = lambda: Manager(views, dags)
        found = client.get("/")
        shown.append(found.text)
        return found.status_code

    app = page.made()
    client = TestClient(app)
    anonymous = client.get("/").status_code
    app.dependency_overrides[security.get_user] = lambda: SimpleNamespace()
    app.dependency_overrides[_get_session] = Session
    page.DagModel.get_team_name = lambda _: None
    dags = ["sweep", "intake", "others"]
    answers = [answer(False, dags), answer(True, []), answer(True, dags)]
    print(json.dumps([anonymous, answers, asked, shown[-1]]))
"""


def ran(program, home):
    """What a program prints as JSON in its last line."""
    environ = {**os.environ, "AIRFLOW_HOME": str(home)}
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_the_plugin_opens_one_page_that_nothing_else_loads(tmp_path):
    """One application and the view that shows it; schedulers and workers do not import it."""
    found, loaded = ran(PROGRAM, tmp_path)
    opened = {name for name, count in found.items() if count}
    assert ({"fastapi_apps", "external_views"}, False) == (opened, loaded)


def test_the_page_asks_for_what_airflow_asks_for(tmp_path):
    """Without a log-in 401, without a permission 403; else what its reader may read of our DAGs."""
    anonymous, answers, asked, _ = ran(PAGE, tmp_path)
    assert (401, [403, 200, 200], 6) == (anonymous, answers, len(asked))
    for query in asked[:3]:
        assert "dag_id IN (NULL)" in query
    for query in asked[3:]:
        assert "dag_id IN ('sweep')" in query
    assert "dag_run.dag_id LIKE 'sweep' || '%'" in asked[3]
    assert "task_instance.run_id IN ('a__1')" in asked[5]
    assert "task_instance.state IN ('success', 'failed')" in asked[5]


def test_the_page_counts_the_failed_trials_of_each_run(tmp_path):
    """By what the names of its tasks begin with; text of users counts as nothing and stays text."""
    *_, shown = ran(PAGE, tmp_path)
    assert "<strong>a__1</strong> of DAG sweep: 3 failed." in shown
    assert "<strong>&lt;b&gt;</strong> of DAG sweep: 1 failed." in shown
    assert "<strong>c</strong>" not in shown
