"""How often the rule of promotion errs, and how often it sees a gain: the real rule, simulated.

The world: classifiers of accuracy 0.90 that differ from each other on 5 % of the rows;
cross-validation on four times the rows of the holdout, with the noise of fits on other folds. Of N
trials the best by cross-validation is the finalist, and `promotion.decide` judges what finalist and
champion said of the holdout.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np  # noqa: TID253 - nothing here waits for it
from scipy.stats import binom

from sweepstake.domain.answers import Answers, Pair
from sweepstake.domain.promotion import Finalist, Incumbent, Terrain, Verdict, decide
from sweepstake.domain.spec import PromotionPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SEED = 20261125
ACCURACY, APART, REFIT_NOISE, CV_ROWS = 0.90, 0.05, 0.0025, 4
ROWS, TRIALS = (200, 1_000, 10_000), (1, 10, 100, 1_000)
ROUNDS = {200: 2_000, 1_000: 1_000, 10_000: 300}
SWEEPS = 50
POLICY, TERRAIN = PromotionPolicy(), Terrain("simulated", "accuracy", "")


@dataclass(frozen=True)
class World:
    """What is true of the trials of a sweep: all gain ``others``, one of them ``one`` instead."""

    name: str
    others: float
    one: float

    def gains(self, trials: int) -> np.ndarray:
        """The true gain of each trial on the champion."""
        gains = np.full(trials, self.others)
        gains[0] = self.one
        return gains


WORLDS = (
    World("equal", 0.0, 0.0),
    World("worse", -0.01, -0.01),
    World("better by 1", 0.0, 0.01),
    World("better by 2", 0.0, 0.02),
)


def measure(say: Callable[[str], None], *, quick: bool) -> dict[str, Any]:
    """Every world by rows and trials, and a champion that meets equals for fifty days."""
    cells = []
    for world, rows, trials in product(WORLDS, ROWS, TRIALS):
        rounds = 20 if quick else ROUNDS[rows]
        cells.append(_cell(world, rows, trials, rounds))
        say(f"{world.name:12} n {rows:6,} N {trials:5,}: {cells[-1]['promoted']:5d} of {rounds}")
    lives = 2 if quick else 200
    changes = [champions_of_equals(SWEEPS, 1_000, 100, SEED + life) for life in range(lives)]
    repeated = {"sweeps": SWEEPS, "rows": 1_000, "trials": 100, "lives": lives}
    return {"seed": SEED, "cells": cells, "repeated": repeated | {"changes": sum(changes) / lives}}


def _cell(world: World, rows: int, trials: int, rounds: int) -> dict[str, Any]:
    decisions = list(simulate(world, rows, trials, rounds))
    promoted = sum(ours for ours, _ in decisions)
    naive = sum(best for _, best in decisions)
    return {
        "world": world.name,
        "rows": rows,
        "trials": trials,
        "rounds": rounds,
        "promoted": promoted,
        "best_on_the_holdout": naive,
    }


def simulate(
    world: World, rows: int, trials: int, rounds: int, seed: int = SEED
) -> Iterator[tuple[bool, bool]]:
    """For each round, whether the finalist is promoted, and whether the best on the holdout is."""
    random = np.random.default_rng([seed, WORLDS.index(world), rows, trials])
    gains = world.gains(trials)
    for _ in range(rounds):
        champion = random.random(rows) < ACCURACY
        finalist = int(np.argmax(gains + _noise(random, rows, trials)))
        wins, losses = _apart(random, champion, gains)
        yield _is_promoted(champion, wins[finalist], losses[finalist]), bool((wins > losses).any())


def _noise(random: np.random.Generator, rows: int, trials: int) -> np.ndarray:
    """What cross-validation errs about each trial, beyond what it errs about all of them."""
    count = CV_ROWS * rows
    spread = math.sqrt(APART / 2 / count + REFIT_NOISE**2 * 4_000 / count)
    return random.normal(0, spread, trials)


def _apart(
    random: np.random.Generator, champion: np.ndarray, gains: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """For each trial, how many rows it has right that the champion has wrong, and the reverse."""
    right = int(champion.sum())
    wins = random.binomial(len(champion) - right, (APART + gains) / 2 / (1 - ACCURACY))
    losses = random.binomial(right, (APART - gains) / 2 / ACCURACY)
    return wins, losses


def _is_promoted(champion: np.ndarray, wins: int, losses: int) -> bool:
    """What the rule says of a finalist that wins and loses so many rows."""
    right = champion.copy()
    right[np.flatnonzero(~champion)[:wins]] = True
    right[np.flatnonzero(champion)[:losses]] = False
    sides = (Answers(each.astype(int), (0, 1)) for each in (right, champion))
    pair = Pair(np.ones(len(champion), dtype=int), *sides)
    decision = decide(Finalist("2", 0, 0.9), Incumbent("1"), pair, TERRAIN, POLICY)
    return decision.verdict is Verdict.PROMOTE


def champions_of_equals(sweeps: int, rows: int, trials: int, seed: int = SEED) -> int:
    """How often the champion changes in so many sweeps of equals, each on a fresh holdout."""
    return sum(ours for ours, _ in simulate(WORLDS[0], rows, trials, sweeps, seed))


def most_expected(rate: float, rounds: int, doubt: float = 0.001) -> int:
    """The most of so many rounds that a true rate gives, but for one chance in a thousand."""
    return int(binom.ppf(1 - doubt, rounds, rate))


def share(cells: Sequence[dict[str, Any]], world: str, rows: int, trials: int, key: str) -> float:
    """Of 100 rounds of a cell, how many promoted."""
    (cell,) = [
        each
        for each in cells
        if (each["world"], each["rows"], each["trials"]) == (world, rows, trials)
    ]
    return float(100 * cell[key] / cell["rounds"])
