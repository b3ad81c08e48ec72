"""Wide: a table of 20,000 columns and 72 rows, swept without Airflow and by ``GridSearchCV``."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.place import new_place
from bench.rounds import OURS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.place import Place

THEIRS = "grid_search"
COLUMNS, ROWS = 20_000, 72
TRIALS = {4: [0.01, 0.1, 1, 10], 20: [round(0.001 * 1.8**power, 4) for power in range(20)]}
"""Values of ``C``, by how many there are."""
GRID = """\
name: wide-{trials}
data: {{source: wide.csv, target: label, holdout: 0.25}}
estimator: LogisticRegression
params: {{max_iter: 1000}}
grid: {{C: {values}}}
seed: {seed}
"""
SEARCH = """\
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

table = pd.read_csv("wide.csv")
labels = table.pop("label")
train, held, y_train, y_held = train_test_split(table, labels, stratify=labels, random_state=0)
model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
search = GridSearchCV(model, {{"logisticregression__C": {values}}}, cv=5, scoring="f1_macro")
print(search.fit(train, y_train).score(held, y_held))
"""


def measure(say: Callable[[str], None], rounds: int, *, quick: bool) -> dict[str, Any]:
    """Seconds from the start of a program to its end, of both ways in turn, by trials."""
    records = []
    with new_place() as place:
        _write_table(place, 100 if quick else COLUMNS)
        for number in range(1, (1 if quick else rounds) + 1):
            for trials in TRIALS:
                taken = {"round": number, "trials": trials} | _take(place, trials, number)
                seconds = f"{taken[OURS]:.1f} s and {taken[THEIRS]:.1f} s"
                say(f"round {number}  {trials} trials  {seconds}")
                records.append(taken)
    return {"records": records}


def ratios(records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Ours divided by theirs in each round, the median; by trials."""
    return {
        f"wide_{trials}_vs_gridsearch": median(
            each[OURS] / each[THEIRS] for each in records if each["trials"] == trials
        )
        for trials in TRIALS
    }


def _take(place: Place, trials: int, number: int) -> dict[str, float]:
    """The seconds of each way; every other round begins with the other one."""
    values = TRIALS[trials]
    files = {
        OURS: (f"wide-{trials}.yaml", GRID.format(trials=trials, values=values, seed=number)),
        THEIRS: (f"wide-{trials}.py", SEARCH.format(values=values)),
    }
    commands = {OURS: ("sweepstake", "run"), THEIRS: ("python",)}
    taken = {}
    for way in list(files)[:: 1 if number % 2 else -1]:
        name, text = files[way]
        (place.folder / name).write_text(text, encoding="utf-8")
        began = time.monotonic()
        place.run(*commands[way], name)
        taken[way] = time.monotonic() - began
    return taken


def _write_table(place: Place, columns: int) -> None:
    """Normal numbers, a few of which tell the label."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(0)
    labels = np.arange(ROWS) % 2
    values = random.normal(size=(ROWS, columns)).round(4)
    values[:, :5] += labels[:, None]
    table = pd.DataFrame(values, columns=[f"gene_{place}" for place in range(columns)])
    table.assign(label=np.where(labels, "aml", "all")).to_csv(
        place.folder / "wide.csv", index=False
    )
