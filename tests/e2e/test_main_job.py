"""The main job on the real stack: a file is copied into the folder, the rest asked of the APIs."""

import time
from dataclasses import dataclass
from typing import Any

import httpx
import mlflow
import numpy as np
import pytest
from hands import ANSWER_SECONDS
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sweepstake.data import dataset, folds, splitting
from sweepstake.gridfile import estimators, loader
from sweepstake.intake.reports import REPORT_SUFFIX
from sweepstake.training import pipeline

pytestmark = [
    pytest.mark.e2e,
    # MLflow's import of its own agent types warns about them
    pytest.mark.filterwarnings("ignore:(?s).*Any type hint is inferred as AnyType:UserWarning"),
]

PATIENCE_SECONDS = 300
GRID = """\
model: digits
data: {source: "sklearn:digits", holdout: 0.25}
estimator: DecisionTreeClassifier
grid:
  max_depth: [2, 5, 9]
  min_samples_leaf: [1, 8]
metric: f1_macro
cv: 3
"""
CHOICES = {"max_depth": [2, 5, 9], "min_samples_leaf": [1, 8]}
TRIALS = 6


class Airflow:
    """Airflow's REST API, asked as any client would."""

    def __init__(self, settings):
        body = {"username": settings.airflow_user, "password": settings.airflow_password}
        self.url = f"{settings.airflow_url}/api/v2"
        answer = httpx.post(f"{settings.airflow_url}/auth/token", json=body, timeout=ANSWER_SECONDS)
        token = answer.json()["access_token"]
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path, **params):
        """The answer to a GET, as JSON."""
        return httpx.get(
            self.url + path, params=params, headers=self.headers, timeout=ANSWER_SECONDS
        ).json()

    def post(self, path, body):
        """The answer to a POST, as JSON."""
        url = self.url + path
        return httpx.post(url, json=body, headers=self.headers, timeout=ANSWER_SECONDS).json()

    def runs(self, dag):
        """The runs of a DAG, newest first."""
        answer = self.get(f"/dags/{dag}/dagRuns", order_by="-run_after", limit=100)
        return answer["dag_runs"]

    def run_ids(self, dag):
        """The ids of the runs of a DAG."""
        return {run["dag_run_id"] for run in self.runs(dag)}

    def tasks(self, dag, run):
        """The task instances of a run."""
        return self.get(f"/dags/{dag}/dagRuns/{run}/taskInstances")["task_instances"]


@dataclass(frozen=True)
class Swept:
    """A sweep that has ended, its champion decided, and the clients to ask about it."""

    settings: Any
    sweep_id: str
    spec: Any
    airflow: Airflow
    client: mlflow.MlflowClient


def wait(what, condition):
    """Wait until ``condition`` gives something true, and return it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.5)
    raise TimeoutError(what)


def ended(airflow, sweep_id):
    """The run of a sweep once it is over."""
    runs = (run for run in airflow.runs("sweep") if run["dag_run_id"] == sweep_id)
    return next((run for run in runs if run["state"] in {"success", "failed"}), None)


def an_intake_began_and_ended(airflow, since):
    """Whether intake has had a whole look at the folder after ``since``."""
    return any(
        run["state"] == "success" and run["start_date"] and run["start_date"] > since
        for run in airflow.runs("intake")
    )


def iso_now():
    """This moment as Airflow writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


@pytest.fixture(scope="module")
def swept(stack):
    """Copy a grid file into the folder; wait for its sweep and its champion."""
    settings = stack.settings
    airflow = Airflow(settings)
    content = GRID.encode()
    grid = loader.parse(content, "main-job.yaml", settings)
    (settings.grids / "main-job.yaml").write_bytes(content)
    run = wait("the sweep to end", lambda: ended(airflow, grid.sweep_id))
    assert "success" == run["state"]
    client = mlflow.MlflowClient(settings.tracking_uri)
    aliases = wait("a champion", lambda: champions(client))
    assert "champion" in aliases
    return Swept(settings, grid.sweep_id, grid.spec, airflow, client)


def champions(client):
    """The aliases of the registered model, once ``champion`` is among them and none is pending."""
    pending = "name = 'digits' and tags.`sweepstake.decision` = 'pending'"
    found = client.search_registered_models("name = 'digits'")
    aliases = found[0].aliases if found else {}
    return aliases if "champion" in aliases and not client.search_model_versions(pending) else None


def parent(swept):
    """The parent run of the sweep."""
    experiment = swept.client.get_experiment_by_name("digits").experiment_id
    query = f"tags.`mlflow.runName` = '{swept.sweep_id}'"
    (found,) = swept.client.search_runs([experiment], query)
    return found


def children(swept):
    """The runs nested under the parent, by trial number."""
    above = parent(swept)
    query = f"tags.`mlflow.parentRunId` = '{above.info.run_id}'"
    found = swept.client.search_runs([above.info.experiment_id], query)
    return sorted(found, key=lambda run: int(run.data.tags["sweepstake.trial_number"]))


def versions(swept):
    """The versions of the registered model."""
    return swept.client.search_model_versions("name = 'digits'")


def divided(swept):
    """The rows as the trials saw them."""
    table = dataset.read(swept.spec.data, swept.settings.data_roots)
    split = splitting.split(table, swept.spec.data.holdout, swept.spec.seed)
    return dataset.divide(table, split)


def test_one_parent_holds_exactly_the_trials(swept):
    """One finished parent run, and under it one finished child for each point of the grid."""
    points = [
        (run.data.params["max_depth"], run.data.params["min_samples_leaf"])
        for run in children(swept)
    ]
    wanted = [(str(d), str(m)) for d in CHOICES["max_depth"] for m in CHOICES["min_samples_leaf"]]
    assert wanted == points
    assert {"FINISHED"} == {run.info.status for run in (parent(swept), *children(swept))}


def test_every_child_became_one_version(swept):
    """Each child's model is one version of the registered model, and there are no others."""
    assert {run.info.run_id for run in children(swept)} == {v.run_id for v in versions(swept)}
    assert TRIALS == len(versions(swept))


def test_metrics_equal_those_of_grid_search(swept):
    """Fold by fold, the children have the scores that GridSearchCV gets on the same folds."""
    rows = divided(swept)
    classifier = estimators.build(swept.spec.candidates[0].estimator, swept.spec.seed)
    search = GridSearchCV(
        clone(pipeline.build(classifier, swept.spec.preprocess, rows.X_train)),
        {f"classifier__{name}": values for name, values in CHOICES.items()},
        scoring="f1_macro",
        cv=folds.folds(rows.y_train, 3, swept.spec.seed),
    ).fit(rows.X_train, rows.y_train)
    wanted = [[search.cv_results_[f"split{k}_test_score"][n] for k in range(3)] for n in range(6)]
    found = [
        [point.value for point in swept.client.get_metric_history(run.info.run_id, "cv_f1_macro")]
        for run in children(swept)
    ]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)


def test_alias_and_stage_are_on_the_best_version(swept):
    """The best version by cross-validation has alias and stage; its reason is on it."""
    best = max(children(swept), key=lambda run: run.data.metrics["mean_cv_f1_macro"])
    champion = swept.client.get_model_version_by_alias("digits", "champion")
    assert (best.info.run_id, "Production") == (champion.run_id, champion.current_stage)
    assert "promote" == champion.tags["sweepstake.decision"]
    assert champion.tags["sweepstake.reason"]


def test_every_other_version_is_judged(swept):
    """No version waits for a verdict, and only the champion was promoted."""
    verdicts = sorted(version.tags["sweepstake.decision"] for version in versions(swept))
    assert [*["keep"] * (TRIALS - 1), "promote"] == verdicts


def test_the_champion_loads_and_predicts(swept, tmp_path):
    """The alias loads through MLflow and predicts the holdout as well as its run says."""
    rows = divided(swept)
    mlflow.set_tracking_uri(swept.settings.tracking_uri)
    model = mlflow.pyfunc.load_model("models:/digits@champion", dst_path=tmp_path)
    accuracy = np.mean(model.predict(rows.X_holdout) == rows.y_holdout)
    run = swept.client.get_run(model.metadata.run_id)
    assert run.data.metrics["test_accuracy"] == pytest.approx(accuracy)


def test_airflow_shows_named_tasks_with_links(swept):
    """Each mapped task has a readable name and a link to its runs in MLflow."""
    trains = [t for t in swept.airflow.tasks("sweep", swept.sweep_id) if t["task_id"] == "train"]
    path = f"/dags/sweep/dagRuns/{swept.sweep_id}/taskInstances/train/links"
    link = swept.airflow.get(path, map_index=0)["extra_links"]["MLflow"]
    assert all(task["rendered_map_index"] != str(task["map_index"]) for task in trains)
    assert link.startswith(swept.settings.tracking_uri)


def test_the_parent_tells_the_result(swept):
    """The parent run carries the leaderboard's files, its figures and a note with the links."""
    above = parent(swept)
    files = {item.path for item in swept.client.list_artifacts(above.info.run_id)}
    tables, pages = {"leaderboard.csv", "leaderboard.json"}, {"leaderboard.png", "report.html"}
    assert {*tables, *pages, "figures"} == files
    assert float(TRIALS) == above.data.metrics["trials_complete"]
    assert "viewStateShareKey" in above.data.tags["mlflow.note.content"]


def test_the_same_content_starts_nothing_new(swept):
    """The same bytes under a second name are the same sweep."""
    before, now = swept.airflow.run_ids("sweep"), iso_now()
    (swept.settings.grids / "main-job.yaml").rename(swept.settings.grids / "copy.yml")
    (swept.settings.grids / "main-job.yaml").write_text(GRID, encoding="utf-8")
    wait("intake to look", lambda: an_intake_began_and_ended(swept.airflow, now))
    assert before == swept.airflow.run_ids("sweep")


def test_judging_again_changes_nothing(swept):
    """Another round of the champion DAG leaves aliases and verdicts as they are."""
    before = [(v.version, v.aliases, v.current_stage, v.tags) for v in versions(swept)]
    run_id = swept.airflow.post("/dags/champion/dagRuns", {"logical_date": None})["dag_run_id"]
    wait("the round", lambda: done(swept.airflow, "champion", run_id))
    assert before == [(v.version, v.aliases, v.current_stage, v.tags) for v in versions(swept)]


def done(airflow, dag, run_id):
    """Whether a run has succeeded."""
    return airflow.get(f"/dags/{dag}/dagRuns/{run_id}")["state"] == "success"


def test_a_wrong_file_fails_visibly_and_stays(swept):
    """A file with mistakes ends as one failed run, its mistakes stand beside it, it stays there.

    No task is tried after the plan but those that close the run.
    """
    path = swept.settings.grids / "wrong.yaml"
    path.write_text(GRID.replace("max_depth", "max_dept"), encoding="utf-8")
    report = path.with_name(path.name + REPORT_SUFFIX)
    wait("the report", report.exists)
    run = wait("the failed run", lambda: failed_run(swept.airflow, "wrong__"))
    tasks = swept.airflow.tasks("sweep", run["dag_run_id"])
    assert ["close", "plan", "report"] == sorted(failed(tasks))
    said = "DecisionTreeClassifier has no parameter 'max_dept'. Did you mean 'max_depth'?"
    assert said in report.read_text(encoding="utf-8")
    assert path.exists()


def failed(tasks):
    """The names of the tasks that failed."""
    return [each["task_id"] for each in tasks if each["state"] == "failed"]


def failed_run(airflow, start):
    """The failed sweep run whose id starts so."""
    runs = (run for run in airflow.runs("sweep") if run["dag_run_id"].startswith(start))
    return next((run for run in runs if run["state"] == "failed"), None)
