"""The DAG files in a real Airflow: they parse lightly, serialise and are wired as designed."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from sweepstake.errors import DataError, TrackingUnavailableError
from sweepstake.intake import intake, sightings

DAGS = Path(__file__).parents[2] / "src" / "sweepstake" / "dags"
FILES = sorted(DAGS.glob("*.py"))
FIXED = [file.stem for file in FILES if file.stem != "scheduled_sweeps"]
HEAVY = ("matplotlib", "mlflow", "numpy", "pandas", "scipy", "skops", "sklearn")


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """A home for Airflow of its own, set before anything of Airflow is imported."""
    folder = tmp_path_factory.mktemp("airflow")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(folder).items():
            patch.setenv(name, value)
        yield folder


@pytest.fixture(scope="module")
def dags(home):
    """All DAGs, as the dag-processor collects them."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(DAGS, bundle_path=DAGS, bundle_name="dags")
    assert {} == bag.import_errors
    return bag.dags


@pytest.fixture
def folder(tmp_path):
    """An empty watched folder."""
    return tmp_path


def environment(folder):
    """The variables that keep Airflow and Sweepstake inside a folder."""
    return {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "false",
        "SWEEPSTAKE_HOME": str(folder),
        "SWEEPSTAKE_GRIDS": str(folder / "grids"),
        "SWEEPSTAKE_POOL": "training",
        "SWEEPSTAKE_NOTIFIERS": "receivers:notifiers",  # without any there is no DAG for them
    }


def edges(dag):
    """Each task with those that follow it."""
    return {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks}


def test_every_dag_file_gives_its_dag(dags):
    """One file, one DAG of the same name, but for the file that makes one for each grid file."""
    assert sorted(dags) == FIXED


@pytest.mark.parametrize("name", FIXED)
def test_every_dag_serialises(dags, name):
    """What cannot be serialised would parse and never run."""
    from airflow.serialization.serialized_objects import DagSerialization

    record = json.loads(json.dumps(DagSerialization.to_dict(dags[name])))
    assert dags[name].task_ids == [task["__var"]["task_id"] for task in record["dag"]["tasks"]]


def test_the_sweep_plans_trains_and_closes(dags):
    """The books are closed whatever happened before, and how that went is how the run ends."""
    dag = dags["sweep"]
    first = "waves.ask_1"
    after = {"plan": ["train"], "train": ["close", first], "close": ["report"], "report": []}
    assert after == {name: then for name, then in edges(dag).items() if "waves." not in name}
    report = dag.get_task("report")
    assert (True, False) == (report.is_teardown, report.on_failure_fail_dagrun)
    assert "all_done" == dag.get_task("close").trigger_rule


def test_waves_follow_each_other_and_are_closed_together(dags):
    """Each wave is asked for whatever became of the one before, and trained in the same pool."""
    dag = dags["sweep"]
    after = edges(dag)
    for wave in range(1, 15):
        assert [f"waves.train_{wave}"] == after[f"waves.ask_{wave}"]
        assert ["close", f"waves.ask_{wave + 1}"] == after[f"waves.train_{wave}"]
        assert "training" == dag.get_task(f"waves.train_{wave}").partial_kwargs["pool"]
        assert "all_done" == dag.get_task(f"waves.ask_{wave}").trigger_rule
    assert ["close"] == after["waves.train_15"]


def test_who_runs_another_task_builds_no_waves(dags, monkeypatch):
    """A task of a plain grid pays for no task of a search; one of a wave finds its own."""
    from types import SimpleNamespace

    from airflow.sdk import DAG

    from sweepstake.airflow import task_graph

    counts = {}
    for task in (None, "train", "waves.train_3"):
        context = SimpleNamespace(task_id=task)
        monkeypatch.setattr(task_graph, "get_parsing_context", lambda found=context: found)
        with DAG(f"of_{task}".replace(".", "_"), schedule=None) as made:
            task_graph.plan_train_close(lambda run: run)
        counts[task] = len(made.tasks)
    assert {None: 34, "train": 4, "waves.train_3": 34} == counts


def test_a_sweep_is_started_by_intake_only(dags):
    """No timetable of its own, and one mapped task for each batch, capped by the pool."""
    train = dags["sweep"].get_task("train")
    assert (False, True) == (dags["sweep"].timetable.can_be_scheduled, train.is_mapped)
    assert "training" == train.partial_kwargs["pool"]


def test_a_round_wakes_whoever_notifies(dags):
    """The assets that the champion DAG and an answer update are what the DAG waits for."""
    tasks = (dags["champion"].get_task("waiting"), dags["approval"].get_task("settle"))
    (rounds,) = dags["notify"].timetable.asset_condition.objects
    assert [[rounds], [rounds]] == [task.outlets for task in tasks]


def test_a_closed_sweep_wakes_the_judge(dags):
    """The asset that `close` updates is one that the champion DAG waits for."""
    (outlet,) = dags["sweep"].get_task("close").outlets
    versions, days = dags["champion"].timetable.asset_condition.objects
    (watcher,) = days.watchers
    assert (outlet, "closed-days") == (versions, Path(watcher.trigger.path).name)


def test_intake_looks_and_starts(dags):
    """The scan's findings are mapped onto starts, one run at a time."""
    dag = dags["intake"]
    assert {"scan": ["start"], "start": []} == edges(dag)
    assert (1, False) == (dag.max_active_runs, dag.catchup)


def test_a_sweep_is_started_at_most_once(dags):
    """The run id alone identifies a sweep: no date, and one that exists is left alone."""
    start = dags["intake"].get_task("start")
    given = {name: start.partial_kwargs[name] for name in ("logical_date", "trigger_dag_id")}
    assert {"logical_date": None, "trigger_dag_id": "sweep"} == given
    assert start.partial_kwargs["skip_when_already_exists"] is True


def test_each_model_is_judged_by_a_task_of_its_own(dags):
    """Faults are told last, and in vain where a round failed: the run then fails by that alone."""
    dag = dags["champion"]
    assert {
        "find": ["judge", "past"],
        "judge": ["tell_faults", "waiting"],
        "waiting": ["ask"],
        "ask": [],
        "past": ["replay", "tell_faults"],
        "replay": [],
        "tell_faults": [],
    } == edges(dag)
    rules = {task.task_id: task.trigger_rule for task in dag.tasks}
    assert "none_failed" == rules["tell_faults"]


@pytest.mark.parametrize("name", ["intake", "champion"])
def test_reconcilers_run_on_a_timer_too(dags, name):
    """A lost event costs some minutes, nothing else."""
    assert dags[name].timetable.timetable.can_be_scheduled


def test_the_folder_is_watched_by_its_own_trigger(dags, home):
    """The asset that wakes intake is updated by looking at the watched folder."""
    (asset,) = dags["intake"].timetable.asset_condition.objects
    (watcher,) = asset.watchers
    assert (str(home / "grids"), "sweepstake_grids") == (watcher.trigger.folder, asset.name)


@pytest.mark.parametrize(
    ("error", "action"),
    [
        ("SettingsError", "fail"),
        ("SweepFailedError", "fail"),
        ("NotFoundError", "fail"),
        ("TrackingUnavailableError", "default"),
        ("StackError", "default"),
        ("OSError", "default"),
    ],
)
def test_only_what_can_get_better_is_tried_again(dags, error, action):
    """Permanent errors fail their task at once; all others are retried with growing pauses."""
    from sweepstake import errors

    kind = getattr(errors, error, OSError)
    decisions = {
        policy.evaluate(kind("x"), 1, 30).action.value
        for dag in dags.values()
        for task in dag.tasks
        for policy in [
            task.partial_kwargs.get("retry_policy") if task.is_mapped else task.retry_policy
        ]
    }
    assert {action} == decisions


def test_every_task_is_patient(dags):
    """No task gives up at a lost connection, or because it was killed again and again.

    But for those that tell receivers: the next run of their DAG tries again, within five minutes.
    """
    retries = {
        (dag.dag_id, task.task_id): task.partial_kwargs["retries"]
        if task.is_mapped
        else task.retries
        for dag in dags.values()
        for task in dag.tasks
    }
    assert 0 == retries.pop(("notify", "tell"))
    assert {30} == set(retries.values())


@pytest.mark.parametrize(
    ("error", "tries", "clears", "action"),
    [
        (KeyError, 6, 0, "default"),
        (KeyError, 7, 0, "fail"),
        (KeyError, 13, 7, "default"),
        (KeyError, 14, 7, "fail"),
        (ConnectionError, 7, 0, "fail"),
        (TrackingUnavailableError, 29, 0, "default"),
        (DataError, 1, 0, "fail"),
    ],
)
def test_patience_is_longest_for_what_comes_back(home, error, tries, clears, action):
    """A server that is away is waited for; an unforeseen error is told after some tries."""
    from sweepstake.airflow.adapter import Patience

    assert action == Patience().evaluate(error("x"), tries, clears + 30).action.value


def test_the_link_to_mlflow_is_known_to_airflow(home):
    """The wheel's entry point registers the button; without it the api-server drops it."""
    from importlib.metadata import entry_points

    (point,) = entry_points(group="airflow.plugins", name="sweepstake")
    plugin = point.load()
    assert ["MLflow"] == [link.name for link in plugin.operator_extra_links]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
@pytest.mark.slow
def test_dag_files_parse_without_heavy_libraries(file, home):
    """Whoever parses a DAG needs no library for data or models, not even indirectly."""
    code = f"""if True:
        import runpy, sys
        class Refuse:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in {HEAVY!r}:
                    raise ImportError(name + " must not be imported by a DAG file")
        sys.meta_path.insert(0, Refuse())
        runpy.run_path({str(file)!r})
    """
    environ = {**os.environ, **environment(home)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=False, env=environ, text=True
    )
    assert (0, "") == (done.returncode, done.stderr[-2000:] if done.returncode else "")


def grid(folder, name, age=60.0):
    """Put a grid file there, in one step, that is at rest since some seconds."""
    path = folder / f"{name}.part"
    path.write_text("a: 1")
    then = time.time() - age
    os.utime(path, (then, then))
    path.rename(folder / name)


@pytest.fixture
def wakes(folder, monkeypatch):
    """A function that takes steps while a trigger runs, and counts how often each wakes it."""
    from sweepstake.airflow import triggers

    looks = []

    def look(path):
        seen = sightings.look(path)
        looks.append(seen)
        return seen

    monkeypatch.setattr(triggers, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(triggers, "look", look)

    async def take(steps):
        woken, counts = [], []

        async def listen():
            async for event in triggers.GridFolderTrigger(str(folder)).run():
                woken.append(event)  # noqa: PERF401 - each counts as it comes

        listener = asyncio.create_task(listen())
        for step in steps:
            before = len(woken)
            step()
            # one look may be under way, the next one sees the change, one more sees nothing new
            enough = len(looks) + 3
            while len(looks) < enough:  # noqa: ASYNC110 - the looks happen in another thread
                await asyncio.sleep(0.001)
            counts.append(len(woken) - before)
        listener.cancel()
        return counts

    return lambda *steps: asyncio.run(take(steps))


def test_a_new_file_is_looked_at_until_it_has_come_to_rest(tmp_path, monkeypatch):
    """Not only at the next look, which would be a second after it at worst."""
    from sweepstake.airflow import triggers

    monkeypatch.setattr(triggers, "POLL_SECONDS", 3600)
    (tmp_path / "a.yaml").write_text("name: a", encoding="utf-8")

    async def first():
        event = await anext(triggers.GridFolderTrigger(str(tmp_path)).run())
        return event.payload

    assert {"files": 1} == asyncio.run(asyncio.wait_for(first(), 60))


@pytest.mark.parametrize(("files", "often"), [(1, True), (100, True), (101, False)])
def test_a_folder_of_many_files_is_looked_at_every_second(tmp_path, files, often):
    """Whoever writes one file again and again makes nobody look at thousands ten times a second."""
    from sweepstake.airflow import triggers

    for number in range(files):
        (tmp_path / f"{number}.yaml").write_text("name: a", encoding="utf-8")
    pause = triggers.pause_after(triggers.look(tmp_path))
    assert (triggers.NEW_SECONDS if often else triggers.POLL_SECONDS) == pause


def nothing():
    """Change nothing."""


def test_the_trigger_wakes_once_for_each_change(folder, wakes):
    """A new, a changed and a removed file wake intake, each once; nothing else does."""
    counts = wakes(
        nothing,
        lambda: grid(folder, "a.yaml"),
        nothing,
        lambda: grid(folder, "a.yaml", age=50.0),
        lambda: grid(folder, "notes.txt"),
        lambda: grid(folder, "b.json"),
        (folder / "a.yaml").unlink,
    )
    assert [0, 1, 0, 1, 0, 1, 1] == counts


def test_the_trigger_waits_for_the_end_of_writing(folder, wakes, monkeypatch):
    """A file that was touched just now wakes no one yet, only once it is at rest."""
    monkeypatch.setattr(sightings, "QUIET_SECONDS", 1000.0)
    rest = partial(monkeypatch.setattr, sightings, "QUIET_SECONDS", 0.0)
    assert [0, 1] == wakes(lambda: grid(folder, "a.yaml", age=0), rest)


def test_the_trigger_wakes_again_when_patience_ends(folder, wakes, monkeypatch):
    """A file that does not parse counts as wrong from then on, so intake has to look."""
    end = partial(monkeypatch.setattr, sightings, "PATIENCE_SECONDS", 5.0)
    assert [1, 1] == wakes(lambda: grid(folder, "a.yaml", age=10.0), end)


def test_a_restarted_trigger_wakes_for_what_it_finds(folder, wakes):
    """What came while no one looked is seen at the first look."""
    grid(folder, "a.yaml")
    assert [[1], [1]] == [wakes(nothing), wakes(nothing)]


def test_a_written_file_wakes_once(folder):
    """The trigger of closed days wakes for what it finds and for each writing, and not again."""
    from sweepstake.airflow import triggers

    path = folder / "closed"
    path.write_text("1")

    async def take():
        woken = triggers.TouchTrigger(str(path)).run()
        first = await anext(woken)
        os.utime(path, (1, 1))
        second = await asyncio.wait_for(anext(woken), 30)
        nothing_more = asyncio.ensure_future(anext(woken))
        await asyncio.sleep(2 * triggers.POLL_SECONDS)
        quiet = not nothing_more.done()
        nothing_more.cancel()
        return first.payload["written"] != second.payload["written"] == 1_000_000_000, quiet

    assert (True, True) == asyncio.run(take())


def test_a_file_that_cannot_be_looked_at_is_told_once(folder, caplog):
    """Else what waits for it would begin late, and nobody would know why."""
    from sweepstake.airflow import triggers

    path = folder / "closed"
    path.symlink_to(path)  # nobody can follow it, not even root

    async def take():
        woken = asyncio.ensure_future(anext(triggers.TouchTrigger(str(path)).run()))
        await asyncio.sleep(3 * triggers.POLL_SECONDS)
        path.unlink()
        path.write_text("1")
        return (await asyncio.wait_for(woken, 30)).payload["written"]

    assert asyncio.run(take()) > 0
    (told,) = [each.getMessage() for each in caplog.records if "must be readable" in each.message]
    assert told.startswith(f"{path}: must be readable, but got OSError")
    assert told.endswith("DAGs that wait for it begin by the clock alone.")


def test_a_trigger_can_be_made_again(folder):
    """The triggerer builds it from its class path and arguments."""
    from airflow.sdk.module_loading import import_string

    from sweepstake.airflow.triggers import GridFolderTrigger

    path, arguments = GridFolderTrigger(str(folder)).serialize()
    again = import_string(path)(**arguments)
    assert (GridFolderTrigger, str(folder)) == (type(again), again.folder)


class Instance:
    """A task instance that knows which sweeps have a DAG run, and counts how often it is asked."""

    def __init__(self, known):
        self.known = set(known)
        self.asked = 0

    def get_dr_count(self, dag_id, run_ids, states=None):
        """How many of these runs there are."""
        assert ("sweep", None, True) == (dag_id, states, len(run_ids) <= 50)
        self.asked += 1
        return len(self.known & set(run_ids))


def drop(number):
    """A drop as the scan finds it."""
    return intake.Drop(f"{number}.yaml", f"{number:064d}", f"s{number:04d}__0")


@pytest.mark.parametrize(
    ("known", "asked"),
    [
        (set(), 4),
        (set(range(200)), 4),
        ({0}, 16),
        ({199, 7, 8}, None),
        (set(range(200)) - {100}, None),
    ],
)
def test_only_sweeps_without_a_run_are_started(monkeypatch, known, asked):
    """Known runs are found by halving: little to ask where all or none are known."""
    from sweepstake.airflow import adapter

    drops = [drop(number) for number in range(200)]
    instance = Instance(drops[number].sweep for number in known)
    monkeypatch.setattr(adapter, "get_current_context", lambda: {"ti": instance})
    started = adapter.new_sweeps(drops)
    expected = [
        {"trigger_run_id": each.sweep, "conf": {"snapshot": each.snapshot}}
        for number, each in enumerate(drops)
        if number not in known
    ]
    assert expected == started
    assert asked is None or asked >= instance.asked


def test_a_flood_of_files_is_taken_in_by_parts(monkeypatch):
    """One run starts at most 500 sweeps, the next one the rest."""
    from sweepstake.airflow import adapter

    instance = Instance([])
    monkeypatch.setattr(adapter, "get_current_context", lambda: {"ti": instance})
    drops = [drop(number) for number in range(1200)]
    counts = []
    while started := adapter.new_sweeps(drops):
        counts.append(len(started))
        instance.known |= {each["trigger_run_id"] for each in started}
    assert [500, 500, 200] == counts


def test_a_sweep_is_in_work_where_its_own_run_is(monkeypatch, tmp_path):
    """That of a day is a run of the DAG of its file, with an id that Airflow gave it."""
    from sweepstake.airflow import adapter

    asked = []

    def count(dag_id, run_ids, states):
        asked.append((dag_id, *run_ids, *states))
        return 1

    monkeypatch.setenv("SWEEPSTAKE_HOME", str(tmp_path))
    instance = SimpleNamespace(get_dr_count=count)
    monkeypatch.setattr(adapter, "get_current_context", lambda: {"ti": instance})
    for sweep, dag, run in (("s__1", "sweep", "s__1"), ("d__2", "sweep__d", "manual__2026")):
        assert not adapter.is_live(sweep)
        adapter.note_run(
            intake.Drop("f.yaml", "0" * 64, sweep), SimpleNamespace(dag_id=dag, run_id=run)
        )
        assert adapter.is_live(sweep)
    assert [("sweep", "s__1", "running"), ("sweep__d", "manual__2026", "running")] == asked


@pytest.mark.parametrize(("named", "backfill", "kept"), [(1, 0, 1), (0, 0, 0), (1, 1, 0)])
def test_receivers_are_told_of_what_begins(monkeypatch, tmp_path, named, backfill, kept):
    """There is nobody to tell without receivers; who backfills a day is there to look."""
    from sweepstake.airflow import adapter
    from sweepstake.champions import notices
    from sweepstake.storage.workspace import Workspace

    monkeypatch.setenv("SWEEPSTAKE_HOME", str(tmp_path))
    monkeypatch.setenv("SWEEPSTAKE_NOTIFIERS", "receivers:notifiers" if named else "")
    run = SimpleNamespace(dag_id="sweep", run_id="s__1")
    drop = intake.Drop("f.yaml", "0" * 64, "s__1", backfill=bool(backfill))
    adapter.note_run(drop, run)
    found = notices.every(Workspace(tmp_path / "workspace"))
    assert [("s__1", "sweep", "s__1")][:kept] == [(n.sweep, n.dag, n.run) for n in found]


def test_airflow_counts_runs_as_we_ask_for_it():
    """The calls that `new_sweeps` and `is_live` make exist in Airflow's own task instance."""
    from inspect import signature

    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    counted = signature(RuntimeTaskInstance.get_dr_count)
    counted.bind(None, "sweep", run_ids=["s"])
    counted.bind(None, "sweep__d", run_ids=["s"], states=["running"])
