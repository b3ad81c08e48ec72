"""Make the course's report from a real run: ``make report``.

It starts a stack of its own, runs the lab's configuration, a sweep of forests, its rivals and three
past days, takes pictures of all that is asked for, and writes ``docs/report*.md`` and their PDFs.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import camera
import httpx
import paper
import stage
from mlflow import MlflowClient
from sklearn.datasets import load_digits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from camera import Camera
    from stage import Stage

HERE = Path(__file__).parent
DOCS = stage.ROOT / "docs"
PICTURES = DOCS / "pictures" / "report"
FIRST, LAST = "2026-01-01", "2026-01-03"
MOST_FOLDERS = 24
DIGIT = 5
"""The row of the data set that the served champion is asked about."""


def main() -> None:
    """Run, photograph and write."""
    shutil.rmtree(PICTURES, ignore_errors=True)
    with stage.running() as made:
        figures = play(made)
        with camera.open_camera(made.settings, PICTURES) as taking:
            photograph(made, taking, figures)
    for name in ("report", "report.ru"):
        paper.write(HERE, name, figures, DOCS)


def play(made: Stage) -> dict[str, Any]:
    """Run everything that the report tells of, and return what came of it."""
    for file in ("lab.json", "digits-rivals.yaml"):
        shutil.copy(HERE / "grids" / file, made.folder)
    for file in ("digits-forest.yaml", "cancer-daily.yaml"):
        shutil.copy(stage.ROOT / "grids" / file, made.folder)
    for file in ("lab.json", "digits-forest.yaml", "digits-rivals.yaml"):
        made.say("submit", file, "--wait")
    shutil.copy(made.folder / "cancer-daily.yaml", made.settings.grids)
    made.say("backfill", "cancer-daily", "--from", FIRST, "--to", LAST)
    boards = {
        name.replace("-", "_"): made.record("leaderboard", name)
        for name in ("lab", "digits-forest", "digits-rivals")
    }
    return {
        **boards,
        "lab_file": (HERE / "grids" / "lab.json").read_text(encoding="utf-8").strip(),
        "lab_board": table(boards["lab"]),
        "champion": made.record("champion", "digits", "--history"),
        "days": made.say("champion", "cancer-daily", "--over", f"{FIRST}..{LAST}").strip(),
        "first": FIRST,
        "last": LAST,
    }


def table(board: dict[str, Any]) -> list[dict[str, str]]:
    """The finished trials of a leaderboard as rows of words."""
    score = f"mean_cv_{board['metric']}"
    return [
        {
            "number": str(each["number"]),
            "classifier": each["estimator"].rpartition(".")[2],
            "given": ", ".join(f"{name}={value}" for name, value in each["params"].items()) or "-",
            "score": f"{each['metrics'][score]:.4f}",
            "version": each["version"] or "-",
        }
        for each in board["standings"]
        if each["state"] == "COMPLETE"
    ]


def photograph(made: Stage, taking: Camera, figures: dict[str, Any]) -> None:
    """Take all pictures."""
    for name, url, sight in (*airflow_sights(made, figures), *mlflow_sights(made, figures)):
        taking.take(name, url, sight, unfolds=name == "mlflow-runs")
    taking.type("terminal-history", f"$ sweepstake champion digits --history\n{history(made)}")
    taking.type("terminal-bucket", bucket(made))
    taking.type("terminal-serve", served(made))


def airflow_sights(made: Stage, figures: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What is to be seen in Airflow: a name, an address, and a text that shows it is there."""
    airflow = made.settings.airflow_url
    sweep = figures["digits_forest"]["sweep"]
    run = f"{airflow}/dags/sweep/runs/{quote(sweep)}"
    yield "airflow-dags", f"{airflow}/dags", "intake"
    yield "airflow-sweep", run, "train"
    yield "airflow-mapped", f"{run}/tasks/train/mapped", "trials"
    yield "airflow-backfill", f"{airflow}/dags/sweep__cancer-daily/backfills", "cancer-daily"
    yield "page-sweeps", f"{airflow}/sweepstake/", "In service"
    yield "page-sweep", f"{airflow}/sweepstake/sweeps/{quote(sweep)}", "Won"
    yield "page-model", f"{airflow}/sweepstake/models/digits", "Decisions"


def mlflow_sights(made: Stage, figures: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What is to be seen in MLflow."""
    client = MlflowClient(made.settings.tracking_uri)
    board = figures["digits_forest"]
    experiment = client.get_experiment_by_name("digits").experiment_id
    runs = f"{made.settings.tracking_uri}/#/experiments/{experiment}/runs"
    parent = board["url"].partition("?")[0]
    best = f"{runs}/{board['standings'][0]['run_id']}"
    told = client.get_run(parent.rpartition("/")[2]).data.tags["mlflow.note.content"]
    (compared,) = {found[1] for found in re.finditer(r"\((\S+viewStateShareKey\S+)\)", told)}
    yield "mlflow-runs", f"{runs}?workflowType=machine_learning", "digits-forest"
    yield "mlflow-parent", f"{parent}?workflowType=machine_learning", "digits-forest"
    yield "mlflow-compare", f"{made.settings.tracking_uri}/{compared}", "mean_cv_f1_macro"
    yield "mlflow-trial", f"{best}?workflowType=machine_learning", "mean_cv_f1_macro"
    champion = client.get_model_version_by_alias("digits", "champion").version
    page = f"{made.settings.tracking_uri}/#/models/digits/versions/{champion}"
    yield "mlflow-model", f"{page}?workflowType=machine_learning", "champion"


def history(made: Stage) -> str:
    """What the ledger holds about the champion."""
    return made.say("champion", "digits", "--history").strip()


def bucket(made: Stage) -> str:
    """A listing of the bucket."""
    folders = Counter(file.rsplit("/", 1)[0] for file in made.files())
    shown = [f"{count:4}  {folder}/" for folder, count in sorted(folders.items())]
    more = [f"      ... {len(shown) - MOST_FOLDERS} folders more"] if shown[MOST_FOLDERS:] else []
    return "\n".join(["files in s3://" + stage.BUCKET, *shown[:MOST_FOLDERS], *more])


def served(made: Stage) -> str:
    """A question to the served champion, and its answer."""
    x, y = load_digits(as_frame=True, return_X_y=True)
    body = {"dataframe_split": x.iloc[[DIGIT]].to_dict(orient="split")}
    body["dataframe_split"].pop("index")
    with stage.serving(made, "digits") as address:
        version = httpx.get(f"{address}/version", timeout=60).text
        answer = httpx.post(f"{address}/invocations", json=body, timeout=60).text
    return (
        f"$ sweepstake serve digits &\n$ curl {address}/version\n{version.strip()}\n"
        f"$ curl {address}/invocations -d @row-{DIGIT}.json  # a handwritten {y.iloc[DIGIT]}\n"
        f"{answer.strip()}"
    )


main()
