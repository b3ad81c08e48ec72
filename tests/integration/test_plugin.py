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
    loaded = [name for name in sys.modules if name.startswith("sweepstake.pages")]
    print(json.dumps([found, loaded + [n for n in sys.modules if "airflow.page" in n]]))
"""
PAGE = """if True:
    import json
    from types import SimpleNamespace
    from airflow.api_fastapi.common.db.common import _get_session
    from airflow.api_fastapi.core_api import security
    from starlette.testclient import TestClient
    from sweepstake.airflow import page, page_rights
    from sweepstake.pages.overview import Overview

    asked, shown = [], []

    class Session:
        def scalars(self, query):
            asked.append(str(query.compile(compile_kwargs={"literal_binds": True})))
            return []
        def execute(self, query):
            self.scalars(query)
            return SimpleNamespace(all=lambda: [])
        def close(self):
            pass

    class Manager:
        def __init__(self, views, dags):
            self.views, self.dags = views, dags
        def is_authorized_view(self, **_):
            return self.views
        def is_authorized_dag(self, method, details, access_entity, **_):
            hidden = (details.id, access_entity.name) == ("intake", "TASK_INSTANCE")
            return method == "GET" and not hidden
        def get_authorized_dag_ids(self, **_):
            return set(self.dags)

    def read(settings, runs, may_see, *, with_models):
        dags = ("sweep", "intake", "others", "sweep__secret")
        shown.append([[each for each in dags if may_see(each)], with_models])
        return Overview((), ())

    def answer(views, dags):
        security.get_auth_manager = page_rights.get_auth_manager = lambda: Manager(views, dags)
        return client.get("/").status_code

    page.overview.read = read
    app = page.made()
    client = TestClient(app)
    page_rights.get_auth_manager = lambda: SimpleNamespace(get_url_login=lambda **_: "/auth/login")
    anonymous = client.get("/").status_code
    user = SimpleNamespace(get_name=lambda: "vic")
    app.dependency_overrides[security.get_user] = lambda: user
    app.dependency_overrides[_get_session] = Session
    page_rights.DagModel.get_team_name = lambda _: None
    dags = ["sweep", "intake", "others", "champion"]
    answers = [answer(False, dags), answer(True, []), answer(True, dags)]
    print(json.dumps([anonymous, answers, asked, shown]))
"""


def ran(program, home):
    """What a program prints as JSON in its last line."""
    environ = {**os.environ, "AIRFLOW_HOME": str(home), "SWEEPSTAKE_HOME": str(home)}
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_the_plugin_opens_one_page_that_nothing_else_loads(tmp_path):
    """One application, and views of it in three places; schedulers and workers do not import it."""
    found, loaded = ran(PROGRAM, tmp_path)
    opened = {name: count for name, count in found.items() if count}
    assert ({"fastapi_apps": 1, "external_views": 3}, []) == (opened, loaded)


def test_the_page_asks_for_what_airflow_asks_for(tmp_path):
    """Without a log-in 401, without a permission 403; else what its reader may read of our DAGs."""
    anonymous, answers, asked, shown = ran(PAGE, tmp_path)
    assert (401, [403, 200, 200], 4) == (anonymous, answers, len(asked))
    for query in asked[:2]:
        assert "dag_id IN (NULL)" in query
    assert "dag_run.dag_id IN ('champion', 'sweep')" in asked[2].replace(
        "('sweep', 'champion')", "('champion', 'sweep')"
    )
    assert "dag_id IN ('sweep')" in asked[3]
    assert [[[], False], [["sweep"], True]] == shown
