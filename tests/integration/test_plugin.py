"""What Sweepstake's plugin opens in Airflow's api-server."""

from __future__ import annotations

import json
import os
import subprocess
import sys

PROGRAM = """if True:
    import json, sys
    from sweepstake.airflow import SweepstakePlugin as plugin
    opened = ("fastapi_apps", "fastapi_root_middlewares", "flask_blueprints", "appbuilder_views",
              "external_views", "react_apps", "macros", "listeners")
    found = {name: len(getattr(plugin, name, [])) for name in opened}
    print(json.dumps([found, "sweepstake.page" in sys.modules]))
"""
PAGE = """if True:
    import json
    from types import SimpleNamespace
    from airflow.api_fastapi.common.db.common import _get_session
    from airflow.api_fastapi.core_api import security
    from starlette.testclient import TestClient
    from sweepstake import page

    asked = []

    class Session:
        def scalars(self, query):
            asked.append(str(query.compile(compile_kwargs={"literal_binds": True})))
            return []

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
        return client.get("/").status_code

    app = page.made()
    client = TestClient(app)
    anonymous = client.get("/").status_code
    app.dependency_overrides[security.get_user] = lambda: SimpleNamespace()
    app.dependency_overrides[_get_session] = Session
    page.DagModel.get_team_name = lambda _: None
    dags = ["sweep", "intake", "others"]
    answers = [answer(False, dags), answer(True, []), answer(True, dags)]
    print(json.dumps([anonymous, answers, asked]))
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
    anonymous, answers, asked = ran(PAGE, tmp_path)
    assert (401, [403, 200, 200], 2) == (anonymous, answers, len(asked))
    assert "dag_run.dag_id IN (NULL)" in asked[0]
    assert "dag_run.dag_id IN ('sweep')" in asked[1]
    assert "dag_run.dag_id LIKE 'sweep' || '%'" in asked[1]
