"""Drops: files that come in every way a file can come, into a stack that is not always there.

`make chaos` drops five hundred at once; `SWEEPSTAKE_TEST_DROPS` chooses another number.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

import httpx
import mlflow
import pytest

from sweepstake import embedded
from sweepstake.gridfile import loader
from sweepstake.intake.reports import REPORT_SUFFIX

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.long,
    pytest.mark.timeout(0),
    # MLflow's import of its own agent types warns about them
    pytest.mark.filterwarnings("ignore:(?s).*Any type hint is inferred as AnyType:UserWarning"),
]

AT_ONCE = int(os.environ.get("SWEEPSTAKE_TEST_DROPS", "30"))
PATIENCE_SECONDS = 600 + 15 * AT_ONCE
SLOW_SECONDS = 20
MODEL = "drops"
SEEDS = iter(range(1_000_000))
ODD_NAME = "drop-My файл (2).yaml"
HOSTILE_NAME = "drop-{{ macros.uuid.os.system('touch RENDERED') }}.yaml"


def grid():
    """A new content: the smallest sweep, its classifier in the last line."""
    return (
        f"model: {MODEL}\nseed: {next(SEEDS)}\ncv: 2\n"
        'data: {source: "sklearn:iris"}\npreprocess: none\nestimator: GaussianNB\n'
    )


class Airflow:
    """Airflow's REST API, asked as any client would."""

    def __init__(self, settings):
        self.url = settings.airflow_url
        body = {"username": settings.airflow_user, "password": settings.airflow_password}
        token = httpx.post(f"{self.url}/auth/token", json=body, timeout=60).json()["access_token"]
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path, **query):
        """The answer to a GET, as JSON."""
        url = f"{self.url}/api/v2{path}"
        return httpx.get(url, params=query, headers=self.headers, timeout=60).json()

    def pause(self, dag, *, paused):
        """Pause a DAG, or let it go on."""
        url = f"{self.url}/api/v2/dags/{dag}"
        answer = httpx.patch(url, json={"is_paused": paused}, headers=self.headers, timeout=60)
        assert answer.is_success

    def states(self):
        """The state of each run of the sweep DAG that a drop of this file started."""
        found, path = {}, "/dags/sweep/dagRuns"
        while True:
            page = self.get(path, run_id_prefix_pattern="drop-", limit=100, offset=len(found))
            found |= {run["dag_run_id"]: run["state"] for run in page["dag_runs"]}
            if len(found) >= page["total_entries"] or not page["dag_runs"]:
                return found

    def looked(self, since):
        """Whether intake has had a whole look at the folder after ``since``."""
        runs = self.get("/dags/intake/dagRuns", order_by="-run_after", limit=20)["dag_runs"]
        return any(
            run["state"] == "success" and run["start_date"] and run["start_date"] > since
            for run in runs
        )


class Folder:
    """The watched folder, and what each drop into it should come to."""

    def __init__(self, settings):
        self.settings = settings
        self.path = settings.grids
        self.sweeps = set()
        self.failures = set()

    def expect(self, content, file):
        """Count on one sweep for a content that was first seen under this name."""
        self.sweeps.add(loader.parse(content.encode(), file, self.settings).sweep_id)
        return content

    def write(self, file, content=None):
        """Write a good file at once."""
        content = self.expect(content or grid(), file)
        (self.path / file).write_text(content, encoding="utf-8")

    def write_bad(self, file):
        """Write a file with a mistake."""
        content = grid().replace("GaussianNB", "GaussianNBB")
        (self.path / file).write_text(content, encoding="utf-8")
        self.failures.add(file)

    def write_slowly(self, file, *, reopen):
        """Write a good file line by line, held open or opened again for each line."""
        lines = self.expect(grid(), file).splitlines(keepends=True)
        stream = (self.path / file).open("w", encoding="utf-8")
        for line in lines:
            stream.write(line)
            stream.flush()
            if reopen:
                stream.close()
            time.sleep(SLOW_SECONDS / len(lines))
            if reopen:
                stream = (self.path / file).open("a", encoding="utf-8")
        stream.close()

    def write_over(self, file):
        """Put a complete file in the place of an old one."""
        beside = self.path / f".{file}.new"
        beside.write_text(self.expect(grid(), file), encoding="utf-8")
        beside.replace(self.path / file)

    def write_and_delete(self, file):
        """Write a good file and think better of it."""
        path = self.path / file
        path.write_text(grid(), encoding="utf-8")
        path.unlink()

    def link(self, file, target):
        """Put a link to a file elsewhere."""
        target.write_text(grid(), encoding="utf-8")
        (self.path / file).symlink_to(target)

    def close_off(self, file):
        """Write a file that nobody may read; the superuser may read any, so gets a good one."""
        if os.geteuid() == 0:
            self.write(file)
            return
        (self.path / file).write_text(grid(), encoding="utf-8")
        (self.path / file).chmod(0)
        self.failures.add(file)


def wait(what, condition):
    """Wait until ``condition`` holds; an API that is not there yet does not hold."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError, KeyError):
            if condition():
                return
        time.sleep(1)
    raise TimeoutError(what)


def iso_now():
    """This moment as Airflow writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


@dataclass(frozen=True)
class Dropped:
    """What was dropped, what should come of it, and what came."""

    folder: Folder
    states: dict
    client: mlflow.MlflowClient


@pytest.fixture(scope="module")
def dropped(stack, tmp_path_factory):
    """Drop files while the stack is down, while intake is paused, and in all ways while it runs."""
    settings = stack.settings
    folder = Folder(settings)
    embedded.down(settings, stack.said.append, stack.environ)
    folder.write("drop-down.yaml")
    folder.write_bad("drop-down-bad.yaml")
    embedded.up(settings, stack.said.append, stack.environ)
    airflow = Airflow(settings)
    wait("the first of them", lambda: folder.sweeps <= airflow.states().keys())
    airflow.pause("intake", paused=True)
    folder.write("drop-paused.yaml")
    folder.write_over("drop-down.yaml")
    time.sleep(5)
    airflow.pause("intake", paused=False)
    slow = [
        threading.Thread(
            target=folder.write_slowly, args=(f"drop-slow-{n}.yaml",), kwargs={"reopen": bool(n)}
        )
        for n in range(2)
    ]
    for thread in slow:
        thread.start()
    for n in range(AT_ONCE):
        folder.write(f"drop-many-{n:03d}.yaml")
    twin = grid()
    folder.write("drop-twin-a.yaml", twin)
    (folder.path / "drop-twin-b.yml").write_text(twin, encoding="utf-8")
    folder.write_and_delete("drop-ghost.yaml")
    folder.write(ODD_NAME)
    (folder.path / HOSTILE_NAME).write_text(grid(), encoding="utf-8")
    folder.write_bad("drop-bad file.yaml")
    (folder.path / "drop-folder.yaml").mkdir()
    folder.link("drop-link.yaml", tmp_path_factory.mktemp("elsewhere") / "grid.yaml")
    folder.close_off("drop-closed.yaml")
    for thread in slow:
        thread.join()
    wait("every sweep", lambda: folder.sweeps <= airflow.states().keys())
    wait("every report", lambda: all(report(folder, file).exists() for file in folder.failures))
    wait("the ends", lambda: set(airflow.states().values()) <= {"success", "failed"})
    now = iso_now()
    wait("another look", lambda: airflow.looked(now))
    return Dropped(folder, airflow.states(), mlflow.MlflowClient(settings.tracking_uri))


def report(folder, file):
    """Where the mistakes of a file are told."""
    return folder.path / (file + REPORT_SUFFIX)


def test_every_good_content_is_one_sweep(dropped):
    """None is lost, none is doubled, and nothing else was started."""
    good = {run for run, state in dropped.states.items() if state == "success"}
    assert dropped.folder.sweeps == good
    assert AT_ONCE + 8 <= len(good)


def test_every_sweep_is_tracked_once(dropped):
    """Each has one parent run with one child."""
    experiment = dropped.client.get_experiment_by_name(MODEL).experiment_id
    found = dropped.client.search_runs([experiment], max_results=5000)
    parents = [run for run in found if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in found if "mlflow.parentRunId" in run.data.tags]
    names = sorted(dropped.folder.sweeps)
    assert names == sorted(run.data.tags["sweepstake.sweep"] for run in parents)
    assert names == sorted(run.data.tags["sweepstake.sweep"] for run in children)
    assert {"FINISHED"} == {run.info.status for run in found}


def test_every_bad_file_fails_once_and_readably(dropped):
    """A mistake is one failed run and one report beside the file."""
    failed = [run for run, state in dropped.states.items() if state == "failed"]
    assert ["drop-bad-file", "drop-down-bad"] == sorted(run.rpartition("__")[0] for run in failed)
    said = "Did you mean 'GaussianNB'?"
    for file in ("drop-bad file.yaml", "drop-down-bad.yaml"):
        assert said in report(dropped.folder, file).read_text(encoding="utf-8")


def test_what_is_no_file_of_the_folder_starts_nothing(dropped):
    """A folder is not looked into; a link that leads out is told beside it and not followed."""
    told = {path.name for path in dropped.folder.path.glob(f"drop-*{REPORT_SUFFIX}")}
    assert f"drop-link.yaml{REPORT_SUFFIX}" in told
    assert f"drop-folder.yaml{REPORT_SUFFIX}" not in told
    assert f"{HOSTILE_NAME}{REPORT_SUFFIX}" in told
    assert [] == list(dropped.folder.path.parent.rglob("RENDERED"))
    assert {f"{file}{REPORT_SUFFIX}" for file in dropped.folder.failures} <= told
