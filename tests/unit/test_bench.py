"""The benchmark counts what it says it counts."""

import json
import re
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from sweepstake.gridfile import loader, search_space
from sweepstake.settings import load_settings

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # `python -m bench` is run from the root, and is no part of the wheel

from bench import (  # noqa: E402
    bare_server,
    checking,
    figures,
    page,
    promotion,
    rounds,
    searches,
    serving,
    steps,
    timeline,
    wide,
    workloads,
)

DAY = "2026-01-01T00:00:"
DROPPED = 1767225600.0  # that midnight


def at(second):
    """A moment of that day as Airflow writes it."""
    return f"{DAY}{second:02d}Z"


def task(name, start, end):
    """A task instance as Airflow's API tells it."""
    return {"task_id": name, "start_date": at(start), "end_date": at(end)}


def milliseconds(second):
    """A moment of that day as MLflow writes it."""
    return int(1000 * (DROPPED + second))


def ended(**changes):
    """What the servers say about a sweep of two trials."""
    said = {
        "run": {"start_date": at(2)},
        "tasks": [
            task("plan", 3, 5),
            task("train", 6, 12),
            task("train", 7, 11),
            task("close", 13, 15),
        ],
        "children": [(milliseconds(8), milliseconds(9)), (milliseconds(7), milliseconds(10))],
        "versions": [milliseconds(9), milliseconds(11)],
        "parent_end": milliseconds(14),
    }
    return timeline.Ended(**{**said, **changes})


def record(number, way, seconds):
    """A measurement of a way in a round."""
    return {"round": number, "way": way, "seconds_per_trial": seconds}


def test_a_timeline_counts_from_the_drop():
    """Each moment is the first start or the last end among the records of both servers."""
    line = timeline.build(DROPPED, ended())
    found = (line.sweep_started, line.planned, line.training, line.first_fit, line.leaderboard)
    assert (2.0, 5.0, 6.0, 7.0, 14.0) == found
    assert (2, 2, None) == (line.trials, line.tasks, line.promoted)


def test_the_last_trial_is_kept_when_its_version_exists():
    """A version that comes after the run has ended counts as part of the trial."""
    line = timeline.build(DROPPED, ended())
    assert (11.0, 9.0, 4.5) == (line.last_trial, line.seconds_to_last_trial, line.seconds_per_trial)


def test_the_champion_is_decided_by_its_own_dag():
    """The champion's moments come from the tasks of the run that judged."""
    judged = [task("find", 16, 17), task("judge", 17, 22)]
    line = timeline.build(DROPPED, ended(champion={"start_date": at(16)}, judged=judged))
    assert (16.0, 17.0, 22.0) == (line.champion_started, line.judging, line.promoted)


def test_a_ratio_is_taken_inside_a_round():
    """A slow round slows both sides; the median of the rounds' ratios counts."""
    records = [
        record(1, "lean", 1.0),
        record(1, rounds.OURS, 0.5),
        record(2, "lean", 10.0),
        record(2, rounds.OURS, 3.0),
        record(3, "lean", 1.0),
        record(3, rounds.OURS, 0.4),
    ]
    assert 0.4 == rounds.ratio(records, "lean")


def test_a_peer_measured_once_is_compared_in_its_round():
    """A way that had one turn is set against ours of the same round."""
    records = [record(1, "default", 4.0), record(1, rounds.OURS, 1.0), record(2, rounds.OURS, 9.0)]
    assert 0.25 == rounds.ratio(records, "default")


def test_every_round_has_every_way_but_those_for_once():
    """Rounds rotate the order, so that no way always comes after the same one."""
    ways = [rounds.Way(name, workloads.DEFAULT, once=name == "b") for name in "abc"]
    order = [(number, way.name) for number, way in rounds.schedule(ways, 3)]
    assert [(1, "a"), (1, "b"), (1, "c"), (2, "c"), (2, "a"), (3, "c"), (3, "a")] == order


@pytest.mark.parametrize(
    ("workload", "trials"),
    [
        (workloads.SMALL, 192),
        (workloads.RAY, 48),
        (workloads.DEFAULT, 8),
        (workloads.MEDIUM, 36),
        (workloads.tiny(100, 100), 10_000),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_workload_is_a_valid_grid_file_of_its_size(workload, trials):
    """Ours gets the points that the peers get."""
    read = loader.parse(workload.grid_file("digits"), "digits.json", load_settings({}))
    points = 1
    for values in workload.choices.values():
        points *= len(values)
    assert (trials, trials, "digits") == (points, workload.trials, read.spec.model)


def test_time_inside_another_wrapped_call_is_not_counted_twice(monkeypatch, tmp_path):
    """A function's own time is what passes outside of the calls that are counted themselves."""
    clock = iter([0.0, 1.0, 4.0, 10.0])
    monkeypatch.setattr(steps.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(steps, "_spent", Counter())
    inner = steps.wrap(lambda: None, "inner", lambda: tmp_path / "1.json")
    steps.wrap(inner, "outer", lambda: tmp_path / "1.json")()
    assert {"inner": 3.0, "outer": 7.0} == steps.collect(tmp_path)


def test_what_a_forked_process_spent_is_taken_off_the_wait_for_it(tmp_path):
    """The same second is counted once, where it was worked."""
    (tmp_path / "1.json").write_text(json.dumps({steps.WAITS: 5.0}), encoding="utf-8")
    (tmp_path / "2.fork.json").write_text(json.dumps({"fit": 4.0}), encoding="utf-8")
    assert {"fit": 4.0, steps.WAITS: 1.0} == steps.collect(tmp_path)


def test_each_step_has_functions_to_wrap():
    """Every listed module exists and has functions; what is moved to another step exists too."""
    from importlib import import_module

    known = {name: steps.functions_of(import_module(name)) for name in steps.STEPS}
    assert [] == [name for name, functions in known.items() if not functions]
    names = {name for functions in known.values() for name, _ in functions}
    assert {*steps.MOVED, steps.WAITS.partition(":")[2]} <= names


def test_what_no_step_explains_is_airflow():
    """The slots' time from the DAG run's start to the last trial is divided without a rest."""
    line = {"sweep_started": 2.0, "last_trial": 12.0, "trials": 100}
    measured = {"steps": {"fit": 50.0, "run": 30.0}, "inline": 60.0, "slots": 2, "timeline": line}
    assert {"fit": 50.0, "run": 30.0, "airflow": 140.0} == steps.stacked(measured)


def test_what_a_thread_does_beside_is_named_so(monkeypatch, tmp_path):
    """Its time belongs to the same step, and is told from the time that training waits for."""
    monkeypatch.setattr(steps, "_spent", Counter())
    call = steps.wrap(
        lambda: None, "sweepstake.mlflow_client.tracking:Tracking.post", lambda: tmp_path / "1.json"
    )
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    (name,) = steps.collect(tmp_path)
    assert name.startswith(steps.BESIDE)
    assert "run and version" == steps.step_of(name)


def test_many_trials_have_figures_where_few_were_measured_too():
    """A normal run has no sweep of 10,000 trials, and so no figure."""
    line = {"sweep_started": 2.0, "last_trial": 72.0, "trials": 10_000}
    many = {"trials": 10_000, "peak_mebibytes": 220.0, "timeline": line}
    points = [{"trials": 100, "peak_mebibytes": 200.0}, many]
    assert {} == figures.scaling(points[:1])
    expected = {"memory_10000_vs_100": pytest.approx(1.1), "of_10000_trials_ms": 7.0}
    assert expected == figures.scaling(points)


def test_every_figure_has_a_limit_and_a_name():
    """The page can tell each figure that is promised."""
    assert figures.LIMITS.keys() == page.FIGURES.keys()


def test_the_requirements_are_pinned_with_hashes():
    """Each package of the benchmark's own environment has one version and its hashes."""
    text = (ROOT / "bench" / "requirements.txt").read_text(encoding="utf-8")
    pinned = re.findall(
        r"^([\w.\-]+(?:\[[\w,]+\])?)==(\S+)(.*?)(?=^\S|\Z)", text, re.DOTALL | re.MULTILINE
    )
    assert [] == [name for name, _, rest in pinned if "--hash=sha256:" not in rest]
    assert {"mlflow", "optuna", "ray", "scikit-learn"} <= {name for name, _, _ in pinned}


@pytest.mark.parametrize("name", ["mlflow", "scikit-learn"])
def test_peers_have_the_versions_of_the_project(name):
    """Both environments run the same MLflow and the same scikit-learn."""
    pins = {
        re.search(rf"^{name}==(\S+)", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)[1]
        for file in ("requirements.txt", "bench/requirements.txt")
    }
    assert 1 == len(pins)


def test_the_page_tells_the_figures_in_the_file(tmp_path):
    """A part that was measured has its section, and what was not has none."""
    line = timeline.build(DROPPED, ended()).record()
    line |= {"judging": 16.0, "promoted": 18.0}
    small = [
        {**record(1, way, cost), "trials": 2}
        for way, cost in (
            ("grid_search", 1.0),
            ("autolog", 2.0),
            ("lean", 4.0),
            ("default", 50.0),
            (rounds.OURS, 1.0),
        )
    ]
    small[-1]["timeline"] = line
    machine = {"Python": "3"}
    parts = {"small": {"records": small, "machine": machine}}
    checked = [{"round": 1, rounds.OURS: 2.4, checking.THEIRS: 2.0}]
    parts["checking"] = {"records": checked, "machine": machine}
    bare = [
        {"server": kind, "seconds": 2.0 * at, "trials": 100}
        for at, kind in enumerate(bare_server.OPTIONS, start=1)
    ]
    parts["bare_server"] = {"records": bare, "machine": machine}
    page.write(json.loads(json.dumps(parts)), tmp_path / "benchmarks.md")
    text = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "| the same against the lean loop | 0.25 | 0.13 | no |" in text
    assert "the imports it needs | 1.2 | 1.3 | yes |" in text
    assert "| without it | 40 ms |" in text
    assert (True, False) == ("## Small trials" in text, "## Medium trials" in text)
    assert (tmp_path / "benchmarks" / "small.png").stat().st_size > 0


def promoted(world, rows, trials, rounds):
    """How many of so many simulated sweeps change the champion."""
    (meant,) = [each for each in promotion.WORLDS if each.name == world]
    return sum(ours for ours, _ in promotion.simulate(meant, rows, trials, rounds))


@pytest.mark.parametrize("trials", [1, 100])
@pytest.mark.parametrize("rows", [200, 1000])
@pytest.mark.slow
def test_equals_take_over_in_5_of_100_rounds_at_most(rows, trials):
    """However many trials a sweep has, luck makes a champion no more often than was asked for."""
    assert promoted("equal", rows, trials, 400) <= promotion.most_expected(0.05, 400)


@pytest.mark.slow
@pytest.mark.parametrize("trials", [1, 100, 1000])
@pytest.mark.parametrize("rows", [200, 1000])
def test_worse_ones_take_over_in_1_of_100_rounds_at_most(rows, trials):
    """One point less, and hardly any sweep does harm."""
    assert promoted("worse", rows, trials, 300) <= promotion.most_expected(0.01, 300)


def test_two_points_are_seen_in_80_of_100_rounds():
    """Of a hundred trials, one that is better by two points takes over on a thousand rows."""
    assert promoted("better by 2", 1000, 100, 300) >= 0.8 * 300


def test_fifty_sweeps_of_equals_leave_the_champion_alone():
    """At 5 of 100, fifty days bring two or three errors, not fifty."""
    changes = promotion.champions_of_equals(50, 1000, 100)
    assert changes <= promotion.most_expected(0.05, 50)


def test_the_best_on_the_holdout_would_be_luck():
    """The simulation can tell a bad rule: choosing on the holdout promotes an equal every time."""
    naive = sum(best for _, best in promotion.simulate(promotion.WORLDS[0], 1000, 100, 100))
    assert naive > 90


def served(number, way, rate, p99):
    """A measurement of a way to serve, alike for every model and number of connections."""
    load = {"rate": rate, "p50": p99 / 2, "p99": p99}
    return [
        {"round": number, "way": way, "model": model, "start_seconds": 1.0, "mebibytes": 100.0}
        | {"loads": {str(each): load for each in serving.CONNECTIONS}}
        for model in serving.GRIDS
    ]


def test_servers_are_compared_inside_a_round_and_shown_each(tmp_path):
    """A ratio below one is an answer that took less time than MLflow's, or a faster slowest one."""
    measured = [
        *served(1, rounds.OURS, 400, 10),
        *served(1, serving.THEIRS, 100, 40),
        *served(2, serving.THEIRS, 50, 80),
        *served(2, rounds.OURS, 200, 20),
    ]
    part = {"serving": {"machine": {}, "records": measured}}
    found = figures.promised(part)
    page.write(part, tmp_path / "page.md")
    shown = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert {0.25} == {found["serving_texts_32"], found["serving_numbers_1_p99"]}
    assert "| texts, 32 | `mlflow models serve` | 75 | 30.0 ms | 60.0 ms | 1.0 s |" in shown


def test_wide_tables_are_compared_inside_a_round_by_trials(tmp_path):
    """Each number of trials has a figure of its own."""
    measured = [
        {"round": number, "trials": trials, rounds.OURS: ours, wide.THEIRS: 20.0}
        for number, trials, ours in ((1, 4, 26.0), (1, 20, 50.0), (2, 4, 30.0), (2, 20, 54.0))
    ]
    part = {"wide": {"machine": {}, "records": measured}}
    page.write(part, tmp_path / "page.md")
    shown = (tmp_path / "page.md").read_text(encoding="utf-8")
    found = figures.promised(part)
    assert {"wide_4_vs_gridsearch": 1.4, "wide_20_vs_gridsearch": 2.6} == found
    assert "| 4 | 28.0 s | 20.0 s |" in shown


def searched(seconds, score, near_after):
    """What a way of searching found."""
    return {"seconds": seconds, "score": score, "near_after": near_after}


def test_a_search_is_near_once_a_score_is_within_a_fifth_of_a_point():
    """The first such trial counts, by its end; a way that has none was never near."""
    trials = [(1.0, 0.5), (2.0, 0.9), (3.0, 0.91)]
    assert searched(3.0, 0.91, 2.0) == searches.near(trials, 0.901)
    assert searched(3.0, 0.91, None) == searches.near(trials, 0.95)


def test_searches_are_judged_by_medians_and_never_is_never():
    """Where most seeds never come near, no share of the grid's time is told."""
    found = {
        "grid": searched(60.0, 0.9, 1.0),
        "tpe": [searched(20.0, 0.9, after) for after in (5.0, 6.0, None)],
        "halving": [searched(10.0, 0.8, after) for after in (9.0, None, None)],
        "optuna": [searched(25.0, 0.89, 1.0)] * 3,
        "halving_random": [searched(10.0, 0.8, 1.0)] * 3,
    }
    told = searches.verdicts({"space": found})["space"]
    assert [0.1, None] == [told["tpe_of_grid"], told["halving_of_grid"]]
    assert [0.8, 1.0] == [told["tpe_time_of_optuna"], told["halving_time_of_halving_random"]]
    assert len(searches.TOLD) == len(told)


def test_the_spaces_of_the_searches_have_a_thousand_points():
    """Each is a valid grid file on a data set of its own."""
    assert all(space.trials >= 1000 for space in searches.SPACES)
    assert 5 == len({space.source for space in searches.SPACES})
    for space in searches.SPACES:
        read = loader.parse(space.grid_file("x"), "x.json", load_settings({}))
        assert space.trials == len(search_space.trials(read.spec, "d"))
