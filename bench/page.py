"""The page: tables and pictures from what was measured."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from bench import bare_server, checking, figures, plots, promotion, searches, serving, texts, wide
from bench.rounds import OURS, medians
from bench.steps import stacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

NAMES = {
    "grid_search": "`GridSearchCV(n_jobs=2)`",
    "optuna": "Optuna 5 grid + `MLflowCallback`",
    "autolog": "`GridSearchCV(n_jobs=2)` + `autolog(max_tuning_runs=None)`",
    "lean": "loop by hand, `log_model(pip_requirements=..., registered_model_name=...)`",
    "default": "the same with `log_model`'s defaults",
    "ray": "Ray Tune 2.60 + `MLflowLoggerCallback`",
    OURS: "**Sweepstake**: a grid file dropped into the folder",
}
KEEPS = {
    "grid_search": "nothing",
    "optuna": "runs, not nested",
    "autolog": "nested runs after the end, the best model",
    "lean": "nested runs, models, versions",
    "default": "nested runs, models, versions",
    "ray": "runs, not nested",
    OURS: "nested runs, curves, models, versions, Airflow's record of each task",
}
SHORT = {
    "grid_search": "GridSearchCV",
    "optuna": "Optuna + MLflowCallback",
    "autolog": "GridSearchCV + autolog",
    "lean": "loop by hand, lean",
    "default": "loop by hand, defaults",
    "ray": "Ray Tune + MLflow callback",
    OURS: "Sweepstake",
}
FIGURES = {
    "small_vs_gridsearch": "small grid, per trial, everything kept, against `GridSearchCV`",
    "small_vs_autolog": "the same against autolog (runs only)",
    "small_vs_lean": "the same against the lean loop",
    "small_vs_default": "the same against the loop with default `log_model`",
    "medium_vs_gridsearch": "medium grid, sweep start to last trial, against `GridSearchCV`",
    "mixed_vs_gridsearch": "twelve grids as people write them, in sum, against `GridSearchCV`",
    "dropped_to_first_fit_seconds": "small grid, file dropped to first fit, in seconds",
    "last_trial_to_leaderboard_seconds": "small grid, last trial to leaderboard, in seconds",
    "last_trial_to_champion_seconds": "small grid, last trial to champion in service, in seconds",
    "of_10000_trials_ms": "each of 10,000 tiny trials, in milliseconds",
    "memory_10000_vs_100": "peak memory of a task at 10,000 trials against 100",
    "validate_vs_imports": "`sweepstake validate` of a small file against the imports it needs",
    **{
        f"wide_{trials}_vs_gridsearch": f"20,000 columns, {trials} trials, against `GridSearchCV`"
        for trials in wide.TRIALS
    },
    **{
        f"serving_{model}_{many}{slowest}": f"serving rows of {model}, {many} at once, {what}"
        for slowest, what in (
            ("", "time per answer against `mlflow models serve`"),
            ("_p99", "the slowest in 100 against its slowest"),
        )
        for model in serving.GRIDS
        for many in serving.CONNECTIONS
    },
}


def write(parts: Mapping[str, Any], page: Path) -> None:
    """Write the page and, in a folder of its name, its pictures; what was not measured is left out.

    ``parts`` is what ``benchmarks.json`` holds under that name.
    """
    pictures = page.with_suffix("")
    pictures.mkdir(parents=True, exist_ok=True)
    sections = [texts.HEAD, _figures(figures.promised(parts))]
    for name, section in SECTIONS.items():
        if name in parts:
            sections.append(section(parts, pictures))
    page.write_text("\n".join([*sections, _machines(parts), texts.TAIL]), encoding="utf-8")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, its end a line break."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _figures(found: Mapping[str, float]) -> str:
    rows = [
        (FIGURES[name], f"{value:.3g}", f"{figures.LIMITS[name]:g}", _verdict(name, value))
        for name, value in found.items()
    ]
    return "## In short\n\n" + table(("what", "measured", "aim: at most", "reached"), rows)


def _verdict(name: str, value: float) -> str:
    return "yes" if value <= figures.LIMITS[name] else "no"


def _small(parts: Mapping[str, Any], pictures: Path) -> str:
    records = parts["small"]["records"]
    cost = medians(records)
    trials = {record["way"]: record["trials"] for record in records}
    plots.ways(cost, SHORT, pictures / "small.png")
    rows = [
        (NAMES[way], str(trials[way]), f"{1000 * cost[way]:,.0f} ms", KEEPS[way])
        for way in sorted(cost, key=lambda way: cost[way])
    ]
    moments = figures.timeline(records)
    steps = [(what, f"{moments[name]:.1f}") for name, what in figures.MOMENTS.items()]
    return (
        "## Small trials\n\n192 decision trees on scikit-learn's digits, three folds each.\n\n"
        + table(("way", "trials", "per trial", "keeps"), rows)
        + f"\n![Milliseconds per trial]({pictures.name}/small.png)\n\n"
        + "What happened when to a grid file:\n\n"
        + table(("moment", "seconds after the drop"), steps)
    )


def _medium(parts: Mapping[str, Any], _: Path) -> str:
    cost = medians(parts["medium"]["records"])
    rows = [(NAMES[way], f"{each:.2f} s") for way, each in sorted(cost.items())]
    return (
        "## Medium trials\n\n36 random forests of 100 to 300 trees on digits, five folds each.\n\n"
        + table(("way", "per trial"), rows)
    )


def _mixed(parts: Mapping[str, Any], _: Path) -> str:
    records = parts["mixed"]["records"]
    rows = []
    for name in dict.fromkeys(each["grid"] for each in records):
        own = [each for each in records if each["grid"] == name]
        times = (median(each[who] for each in own) for who in ("ours", "theirs"))
        same = "equal" if all(each["equal"] for each in own) else "different"
        rows.append((name, str(own[0]["trials"]), *(f"{seconds:.1f} s" for seconds in times), same))
    return (
        "## Grids as people write them\n\nSeconds for each grid, five folds: ours from the start "
        "of the sweep to the last trial, everything kept; `GridSearchCV(n_jobs=2)` its `fit`. "
        "Scores are compared digit by digit.\n\n"
        + table(("grid", "trials", "Sweepstake", "GridSearchCV", "scores"), rows)
    )


def _steps(parts: Mapping[str, Any], pictures: Path) -> str:
    return texts.STEPS + _steps_of(parts["steps"], pictures / "steps.png")


def _medium_steps(parts: Mapping[str, Any], pictures: Path) -> str:
    return texts.MEDIUM_STEPS + _steps_of(parts["medium_steps"], pictures / "medium-steps.png")


def _steps_of(measured: Mapping[str, Any], picture: Path) -> str:
    whole = stacked(measured)
    plots.steps(whole, picture)
    rows = [(name, f"{value:.1f}") for name, value in whole.items()]
    calls = list(measured["functions"].items())[:10]
    return (
        table(("step", "ms"), rows)
        + f"\n![Where a trial's time goes]({picture.parent.name}/{picture.name})\n\n"
        + table(
            ("function, without what it calls", "ms"), [(f"`{n}`", f"{v:.1f}") for n, v in calls]
        )
    )


def _scaling(parts: Mapping[str, Any], pictures: Path) -> str:
    measured = parts["scaling"]
    plots.curve(measured["trials"], pictures / "scaling.png")
    sections = [
        "## Scaling\n\nDecision trees on 150 rows: training them takes next to nothing.\n\n",
        table(POINT_HEAD, map(_point, measured["trials"])),
        f"\n![Cost by number of trials]({pictures.name}/scaling.png)\n\n",
        "Training tasks at once:\n\n",
        table(("slots", *POINT_HEAD), ((str(p["slots"]), *_point(p)) for p in measured["slots"])),
        "\nTrials per mapped task (`limits.trials_per_task`):\n\n",
        table(POINT_HEAD, map(_point, measured["tasks"])),
    ]
    return "".join(sections)


POINT_HEAD = ("trials", "tasks", "per trial", "file to leaderboard", "peak memory of a task")


def _point(point: Mapping[str, Any]) -> tuple[str, ...]:
    line = point["timeline"]
    cost = 1000 * (line["last_trial"] - line["sweep_started"]) / line["trials"]
    return (
        f"{line['trials']:,}",
        str(line["tasks"]),
        f"{cost:.0f} ms",
        f"{line['leaderboard']:.1f} s",
        f"{point['peak_mebibytes']:.0f} MiB",
    )


def _parsing(parts: Mapping[str, Any], _: Path) -> str:
    rows = [
        (
            str(each["files"]),
            f"{each['intake_looks_ms_per_file']:.1f} ms",
            f"{each['dag_processor_ms_per_file']:.1f} ms",
            f"{each['task_ms']:.0f} ms",
        )
        for each in parts["parsing"]["files"]
    ]
    head = ("files", "intake, per file", "dag-processor, per file", "one task parses its own")
    return "## Grid files with data by day\n\n" + table(head, rows)


def _burst(parts: Mapping[str, Any], _: Path) -> str:
    measured = parts["burst"]
    text = "{files} grid files dropped at once: all sweeps had ended after {seconds:.0f} s."
    return "## Many files\n\n" + text.format(**measured) + "\n"


def _versions(parts: Mapping[str, Any], _: Path) -> str:
    text = (
        "Judging 20 new versions took the champion DAG {before_seconds:.1f} s, and "
        "{after_seconds:.1f} s when the model had {versions:,} judged ones besides."
    )
    return "## Many versions\n\n" + text.format(**parts["versions"]) + "\n"


def _promotion(parts: Mapping[str, Any], _: Path) -> str:
    measured = parts["promotion"]
    sections = [texts.PROMOTION.format(**measured)]
    for world, title in texts.PROMOTION_WORLDS.items():
        rows = [
            (f"{count:,}", *(_shares(measured["cells"], world, count, n) for n in promotion.TRIALS))
            for count in promotion.ROWS
        ]
        head = ("rows held out", *(f"N = {trials:,}" for trials in promotion.TRIALS))
        sections.append(f"{title}\n\n{table(head, rows)}")
    repeated = measured["repeated"]
    sections.append(
        f"{repeated['sweeps']} daily sweeps of {repeated['trials']} equals on fresh holdouts of "
        f"{repeated['rows']:,} rows change the champion {repeated['changes']:.1f} times.\n"
    )
    return "\n".join(sections)


def _shares(cells: Sequence[dict[str, Any]], world: str, rows: int, trials: int) -> str:
    ours, naive = (
        promotion.share(cells, world, rows, trials, key)
        for key in ("promoted", "best_on_the_holdout")
    )
    return f"**{ours:.1f}** ({naive:.0f})"


def _serving(parts: Mapping[str, Any], _: Path) -> str:
    rows = [
        (
            f"{model}, {connections}",
            SERVERS[way],
            f"{found['rate']:,.0f}",
            f"{found['p50']:.1f} ms",
            f"{found['p99']:.1f} ms",
            f"{found['start_seconds']:.1f} s",
            f"{found['mebibytes']:,.0f} MiB",
        )
        for model, connections, way, found in serving.summary(parts["serving"]["records"])
    ]
    head = ("rows, connections", "server", "answers a second", "half within", "99 % within")
    return texts.SERVING + table((*head, "first answer after", "memory"), rows)


def _wide(parts: Mapping[str, Any], _: Path) -> str:
    records = parts["wide"]["records"]
    rows = [
        (
            str(trials),
            *(
                f"{median(each[way] for each in records if each['trials'] == trials):.1f} s"
                for way in (OURS, wide.THEIRS)
            ),
        )
        for trials in wide.TRIALS
    ]
    return texts.WIDE + table(("trials", "`sweepstake run`", "`GridSearchCV`"), rows)


def _checking(parts: Mapping[str, Any], _: Path) -> str:
    records = parts["checking"]["records"]
    rows = [
        (name, f"{median(each[way] for each in records):.2f} s")
        for name, way in (
            ("`sweepstake validate small.json`", OURS),
            (f'`python -c "{checking.IMPORTS}"`', checking.THEIRS),
        )
    ]
    return texts.CHECKING + table(("program", "start to end"), rows)


def _bare_server(parts: Mapping[str, Any], _: Path) -> str:
    found = bare_server.summary(parts["bare_server"]["records"])
    rows = [(kind, f"{value:.0f} ms") for kind, value in found.items()]
    return texts.BARE_SERVER + table(("MLflow server", "per trial"), rows)


SERVERS = {OURS: "`sweepstake serve`", serving.THEIRS: "`mlflow models serve`"}


def _searches(parts: Mapping[str, Any], _: Path) -> str:
    rows = [
        (space, *("never" if value is None else f"{value:.3g}" for value in told.values()))
        for space, told in searches.verdicts(parts["searches"]["spaces"]).items()
    ]
    return texts.SEARCHES + table(("space", *searches.TOLD), rows)


def _machines(parts: Mapping[str, Any]) -> str:
    """What each part ran on; one column where all ran on the same."""
    machines = {name: part["machine"] for name, part in parts.items()}
    keys = list(dict.fromkeys(key for machine in machines.values() for key in machine))
    rows = [(key, *(machine.get(key, "") for machine in machines.values())) for key in keys]
    return "## What it ran on\n\n" + table(("", *machines), rows)


SECTIONS = {
    "small": _small,
    "medium": _medium,
    "mixed": _mixed,
    "steps": _steps,
    "medium_steps": _medium_steps,
    "scaling": _scaling,
    "parsing": _parsing,
    "burst": _burst,
    "versions": _versions,
    "promotion": _promotion,
    "checking": _checking,
    "bare_server": _bare_server,
    "serving": _serving,
    "wide": _wide,
    "searches": _searches,
}
