"""Make the small data sets of the example grids and of the tests: the same bytes every time.

Run it from the project's root: ``python tests/grids/make_data.py``. ``churn`` describes customers
of a telephone company: who pays monthly, calls support often and is new is likelier to leave.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

ROWS = 600


def churn() -> pd.DataFrame:
    """Customers with numbers, categories, gaps and a text label."""
    random = np.random.default_rng(20)
    contract = random.choice(["monthly", "one year", "two years"], ROWS, p=[0.55, 0.25, 0.2])
    tenure = np.minimum(random.gamma(2.0, 14.0, ROWS).round(), 72)
    calls = random.poisson(1.4, ROWS)
    gigabytes = random.lognormal(2.2, 0.7, ROWS).round(1)
    fee = (12 + 0.9 * gigabytes + random.normal(0, 4, ROWS)).clip(8).round(2)
    log_odds = 0.5 + 1.6 * (contract == "monthly") - 0.06 * tenure + 0.65 * calls + 0.03 * fee - 1.8
    left = random.random(ROWS) < 1 / (1 + np.exp(-log_odds))
    frame = pd.DataFrame(
        {
            "customer": [f"C{number:04d}" for number in range(ROWS)],
            "region": random.choice(["north", "east", "south", "west"], ROWS),
            "contract": contract,
            "tenure_months": tenure.astype(int),
            "monthly_fee": fee,
            "support_calls": calls,
            "data_gb": gigabytes,
            "paperless": random.choice(["yes", "no"], ROWS),
            "churned": np.where(left, "yes", "no"),
        }
    )
    frame.loc[random.random(ROWS) < 0.07, "data_gb"] = np.nan
    frame.loc[random.random(ROWS) < 0.04, "region"] = None
    return frame


def flowers() -> pd.DataFrame:
    """Three kinds of flowers, with a row number, a constant and a copy of the label."""
    random = np.random.default_rng(3)
    kind = np.repeat(["aster", "daisy", "tulip"], 20)
    height = np.repeat([10.0, 25.0, 40.0], 20) + random.normal(0, 4, 60)
    return pd.DataFrame(
        {
            "row": range(60),
            "height": height.round(1),
            "petals": np.repeat([30, 21, 6], 20) + random.integers(-3, 4, 60),
            "garden": ["south"] * 60,
            "code": np.repeat(["A", "D", "T"], 20),
            "kind": kind,
        }
    )


def tags() -> pd.DataFrame:
    """Two numbers and three labels of 0 and 1 each, for multilabel."""
    random = np.random.default_rng(4)
    frame = pd.DataFrame({"x": random.normal(0, 1, 80), "y": random.normal(0, 1, 80)}).round(3)
    return frame.assign(
        up=(frame.y > 0).astype(int),
        right=(frame.x > 0).astype(int),
        far=(frame.x**2 + frame.y**2 > 1).astype(int),
    )


def answers() -> pd.DataFrame:
    """A number and an answer of yes or no."""
    numbers = np.arange(60) % 10
    return pd.DataFrame({"number": numbers, "answer": np.where(numbers > 4, "yes", "no")})


def visits() -> pd.DataFrame:
    """Visits over eight days, forty a day: who stays long likes it, a little less every day."""
    random = np.random.default_rng(6)
    minutes = random.gamma(2.0, 10.0, 320).round(1)
    likes = minutes + random.normal(0, 6, 320) > 15 + np.arange(320) / 40
    times = pd.date_range("2026-01-01T00:18", periods=320, freq="36min")
    frame = pd.DataFrame({"time": times.astype("datetime64[s]"), "minutes": minutes})
    return frame.assign(likes=np.where(likes, "yes", "no"))


def write_visits(home: Path) -> None:
    """The visits in one file, and those of each of the first three days in a file of its own."""
    rows = visits().assign(time=visits()["time"].dt.strftime("%Y-%m-%dT%H:%M:%S"))
    rows.to_csv(home / "visits.csv", index=False)
    for day, part in list(rows.groupby(rows["time"].str[:10]))[:3]:
        part.to_csv(home / f"visits-{day}.csv", index=False)


def patients() -> pd.DataFrame:
    """Measurements of sixty patients, four each: groups, times, weights, and what spoils them."""
    random = np.random.default_rng(8)
    rows = np.arange(240)
    pressure = random.normal(120, 15, 240).round(1)
    age = random.integers(20, 80, 240)
    fee = (2.5 * age + pressure + random.normal(0, 9, 240)).round(2)
    ill = np.where(pressure + random.normal(0, 8, 240) > 125, "yes", "no")
    days = pd.Timestamp("2026-03-01") + pd.to_timedelta(random.permutation(rows) // 4, "D")
    frame = pd.DataFrame({"patient": [f"P{n // 4:02d}" for n in rows], "visited": days.date})
    frame = frame.assign(age=age, pressure=pressure, weight=random.integers(0, 5, 240), fee=fee)
    return frame.assign(
        ward=np.where(rows < 120, "east", "west"),
        nobody=frame.patient.where(rows != 6),
        someday=frame.visited.astype(str).where(rows != 2, "soon"),
        oneday="2026-03-01",
        noweight=frame.weight.where(rows != 9),
        minus=frame.weight.where(rows != 4, -1),
        many=frame.weight.astype(float).where(rows != 5, np.inf),
        worded=frame.weight.astype(str).where(rows != 7, "heavy"),
        nothing=0,
        note=np.where(rows % 2 == 0, "calm", "loud"),
        late=np.where(frame.visited.astype(str) > "2026-04-25", "yes", "no"),
        flat=7,
        nofee=frame.fee.where(rows != 3),
        ill=ill,
    )


def main() -> None:
    """Write every file."""
    home = Path(__file__).parent / "data"
    examples = Path(__file__).parents[2] / "grids" / "data"
    churn().to_csv(examples / "churn.csv", index=False)
    flowers().to_csv(home / "flowers.csv", index=False)
    flowers().to_parquet(home / "flowers.parquet", index=False)
    flowers().assign(height=None).to_csv(home / "gaps.csv", index=False)
    flowers().iloc[:23].to_csv(home / "rare.csv", index=False)
    flowers().assign(kind="aster").to_csv(home / "one_class.csv", index=False)
    flowers().assign(kind=flowers().kind.where(flowers().row > 1)).to_csv(
        home / "unlabelled.csv", index=False
    )
    write_visits(home)
    patients().to_csv(home / "patients.csv", index=False)
    answers().to_csv(home / "yesno.csv", index=False)
    tags().to_csv(home / "tags.csv", index=False)
    (home / "empty.csv").write_text("", encoding="utf-8")
    (home / "header.csv").write_text("height,kind\n", encoding="utf-8")
    (home / "doubled.csv").write_text("height,height,kind\n1,2,a\n2,3,b\n", encoding="utf-8")
    (home / "broken.parquet").write_bytes(b"PAR1 but no more")


if __name__ == "__main__":
    main()
