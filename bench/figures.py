"""The figures that the project promises, from the raw records."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from bench import checking, mixed, serving, wide
from bench.rounds import OURS, ratio

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOMENTS = {
    "sweep_started": "the sweep's DAG run starts",
    "planned": "the plan is made",
    "training": "the first training task starts",
    "first_fit": "the first trial begins to fit",
    "last_trial": "the last trial is kept: model, run and version",
    "leaderboard": "the leaderboard is on the parent run, which is closed",
    "judging": "the champion DAG lets the finalist meet the champion",
    "promoted": "alias, stage and ledger say so",
}
"""What a timeline tells, in the order in which it happens."""

LIMITS = {
    "small_vs_gridsearch": 1.25,
    "small_vs_autolog": 0.38,
    "small_vs_lean": 0.13,
    "small_vs_default": 0.014,
    "medium_vs_gridsearch": 0.65,
    "mixed_vs_gridsearch": 0.6,
    "dropped_to_first_fit_seconds": 2.5,
    "last_trial_to_leaderboard_seconds": 1.0,
    "last_trial_to_champion_seconds": 4.0,
    "of_10000_trials_ms": 5.0,
    "memory_10000_vs_100": 1.1,
    "validate_vs_imports": 1.3,
    **{f"wide_{trials}_vs_gridsearch": 1.5 for trials in wide.TRIALS},
    **{f"serving_{model}_{many}": 1 / 3 for model in serving.GRIDS for many in serving.CONNECTIONS},
    **{
        f"serving_{model}_{many}_p99": 1.0
        for model in serving.GRIDS
        for many in serving.CONNECTIONS
    },
}
"""What each figure should be at most."""


def ratios(parts: Mapping[str, Any]) -> dict[str, float]:
    """Ours divided by theirs: seconds per trial, or seconds to the last trial, which is the same.

    ``parts`` holds the records of what was measured; what was not is left out.
    """
    found = {}
    if "small" in parts:
        records = parts["small"]["records"]
        found = {
            f"small_vs_{peer.replace('_', '')}": ratio(records, peer)
            for peer in ("grid_search", "autolog", "lean", "default")
        }
    if "medium" in parts:
        found["medium_vs_gridsearch"] = ratio(parts["medium"]["records"], "grid_search")
    if "mixed" in parts:
        found["mixed_vs_gridsearch"] = mixed.ratio(parts["mixed"]["records"])
    if "checking" in parts:
        found["validate_vs_imports"] = checking.ratio(parts["checking"]["records"])
    if "serving" in parts:
        found |= serving.ratios(parts["serving"]["records"])
    if "wide" in parts:
        found |= wide.ratios(parts["wide"]["records"])
    return found


def timeline(records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Seconds since the file was dropped at which each moment came, the median of the rounds."""
    lines = [record["timeline"] for record in records if record["way"] == OURS]
    return {moment: median(line[moment] for line in lines) for moment in MOMENTS}


def fixed_costs(records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Seconds before the first fit and after the last trial, the median of the rounds."""
    lines = [record["timeline"] for record in records if record["way"] == OURS]
    return {
        "dropped_to_first_fit_seconds": median(line["first_fit"] for line in lines),
        "last_trial_to_leaderboard_seconds": median(
            line["leaderboard"] - line["last_trial"] for line in lines
        ),
        "last_trial_to_champion_seconds": median(
            line["promoted"] - line["last_trial"] for line in lines
        ),
    }


def scaling(points: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """What each of 10,000 trials takes, and a task's peak memory against 100, if measured."""
    by_trials = {point["trials"]: point for point in points}
    if not {100, 10_000} <= by_trials.keys():
        return {}
    few, many = by_trials[100], by_trials[10_000]
    line = many["timeline"]
    seconds = line["last_trial"] - line["sweep_started"]
    return {
        "of_10000_trials_ms": 1000 * seconds / line["trials"],
        "memory_10000_vs_100": many["peak_mebibytes"] / few["peak_mebibytes"],
    }


def promised(parts: Mapping[str, Any]) -> dict[str, float]:
    """Every figure that has a limit, as far as it was measured."""
    found = ratios(parts)
    if "small" in parts:
        found |= fixed_costs(parts["small"]["records"])
    if "scaling" in parts:
        found |= scaling(parts["scaling"]["trials"])
    return found
