"""What Sweepstake's plugin opens in Airflow's api-server."""

from __future__ import annotations

import json
import os
import subprocess
import sys

PROGRAM = """if True:
    import json
    from sweepstake.airflow import SweepstakePlugin as plugin
    opened = ("fastapi_apps", "fastapi_root_middlewares", "flask_blueprints", "appbuilder_views",
              "external_views", "react_apps", "macros", "listeners")
    print(json.dumps({name: list(getattr(plugin, name, [])) for name in opened}))
"""


def test_the_plugin_adds_no_route_and_no_page(tmp_path):
    """An application of a plugin would be served without a log-in: there is none."""
    environ = {**os.environ, "AIRFLOW_HOME": str(tmp_path)}
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert {()} == {tuple(each) for each in json.loads(done.stdout.splitlines()[-1]).values()}
