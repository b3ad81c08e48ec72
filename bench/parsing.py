"""What many grid files with data by day cost Airflow.

They are published as intake does it, then ``scheduled_sweeps.py`` is parsed as the dag-processor
does (every DAG) and as a task does (its own DAG only), each in a process of its own that has
imported Airflow before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.stack import ROOT

GRID = """\
name: daily-{number:04d}
data: {{source: "data/{number}-{{partition}}.csv", target: y}}
estimator: RandomForestClassifier
grid: {{n_estimators: [50, 100, 200], max_depth: [2, 4, 8, null]}}
schedule: {{cron: "{minute} 6 * * *", timezone: Europe/Madrid}}
"""
PARSE = """\
import json, runpy, time
import sweepstake.airflow.task_graph
started = time.perf_counter()
found = runpy.run_path({file!r})
seconds = time.perf_counter() - started
print(json.dumps([seconds, sum(name.startswith("sweep__") for name in found)]))
"""
ROUNDS = 5


def measure(count: int) -> dict[str, float]:
    """Milliseconds that ``count`` files take: to look at, to parse all, to parse one; the best."""
    with tempfile.TemporaryDirectory(prefix="sweepstake-parse-") as folder:
        looked = _publish(Path(folder), count)
        whole, made = min(_parse(folder) for _ in range(ROUNDS))
        one, alone = min(_parse(folder, "sweep__daily-0000") for _ in range(ROUNDS))
    assert (made, alone) == (count, 1)
    return {
        "files": count,
        "intake_looks_ms_per_file": round(1000 * looked / count, 2),
        "dag_processor_ms": round(1000 * whole, 1),
        "dag_processor_ms_per_file": round(1000 * whole / count, 2),
        "task_ms": round(1000 * one, 1),
    }


def _publish(folder: Path, count: int) -> float:
    """Write the files and let intake publish them; seconds that its look took."""
    from sweepstake.intake import intake, sightings
    from sweepstake.settings import load_settings

    grids = folder / "grids"
    grids.mkdir()
    for number in range(count):
        path = grids / f"daily-{number:04d}.yaml"
        path.write_text(GRID.format(number=number, minute=number % 60), encoding="utf-8")
        os.utime(path, (0, 0))
    time.sleep(sightings.QUIET_SECONDS)
    settings = load_settings({"SWEEPSTAKE_HOME": str(folder), "SWEEPSTAKE_GRIDS": str(grids)})
    intake.identify(GRID.format(number=0, minute=0).encode(), "warm-up.yaml", settings)
    started = time.perf_counter()
    assert intake.scan(settings) == ()
    return time.perf_counter() - started


def _parse(folder: str, dag_id: str = "") -> tuple[float, int]:
    """Seconds to parse the DAG file, and the DAGs that it made."""
    only = {"_AIRFLOW_PARSING_CONTEXT_DAG_ID": dag_id} if dag_id else {}
    home = {"SWEEPSTAKE_HOME": folder, "AIRFLOW_HOME": f"{folder}/airflow", **only}
    code = PARSE.format(file=str(ROOT / "dags/scheduled_sweeps.py"))
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **home},
        capture_output=True,
        check=True,
        text=True,
    )
    seconds, made = json.loads(done.stdout.splitlines()[-1])
    return seconds, made
