"""Make the daily slices of the example `grids/cancer-daily.yaml`: the same bytes every time.

Run it from the project's root: ``python scripts/make_days.py``. Each day of January 2026 is a draw
of 120 patients from scikit-learn's breast cancer data, measured by an instrument that slowly
drifts: its gain grows by half a percent a day and its noise with it, so that a model of the first
days is worse at the end of the month.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd  # noqa: TC002 - it comes with the data anyway
from sklearn.datasets import load_breast_cancer

FIRST = date(2026, 1, 1)
DAYS = 31
PATIENTS = 120
FEATURES = (
    "mean radius",
    "mean texture",
    "mean smoothness",
    "mean compactness",
    "mean concave points",
    "mean symmetry",
)
DRIFTING = ("mean radius", "mean texture", "mean concave points")


def slice_of(day: int, data: pd.DataFrame) -> pd.DataFrame:
    """The patients of a day, by its number from 0."""
    random = np.random.default_rng(2026 * 100 + day)
    rows = data.iloc[random.choice(len(data), PATIENTS, replace=False)]
    drawn = rows[list(FEATURES)].copy()
    for name in DRIFTING:
        noise = random.normal(0, 0.15 + 0.02 * day, PATIENTS) * data[name].std()
        drawn[name] = drawn[name] * 1.005**day + noise
    drawn.columns = [name.replace(" ", "_") for name in drawn.columns]
    diagnosis = np.where(rows["target"] == 0, "malignant", "benign")
    return drawn.round(4).assign(diagnosis=diagnosis)


def main() -> None:
    """Write one CSV file for each day."""
    folder = Path(__file__).parents[1] / "grids" / "data" / "cancer-daily"
    folder.mkdir(parents=True, exist_ok=True)
    data = load_breast_cancer(as_frame=True).frame
    for day in range(DAYS):
        file = folder / f"{FIRST + timedelta(days=day)}.csv"
        slice_of(day, data).to_csv(file, index=False)


if __name__ == "__main__":
    main()
