"""The main job on hosts that share no disk, and who may do what there."""

import json

import pytest
import tls
from jobs import GRID, PATIENCE_SECONDS, ask, await_champion, check_whole, drop
from moments import (
    TRIALS,
    kill,
    kill_workers_that_took,
    make_ready,
    revive,
    scheduler_in_a_transaction,
)

from cluster import WORKERS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(3 * PATIENCE_SECONDS)]

S3 = "rclone"
VARIABLES = {"WORKER_CONCURRENCY": "2", "TRAINING_SLOTS": "2", **tls.VARIABLES}
SECRETS = {}
LISTING = """if True:
    import boto3, json
    found = boto3.client("s3").list_objects_v2(Bucket="sweepstake", Delimiter="/")
    print(json.dumps([each["Prefix"] for each in found["CommonPrefixes"]]))
"""
REACHING = """if True:
    import json, os, psycopg2
    reached = []
    for role in ("airflow", "celery", "mlflow", "sweepstake"):
        for database in ("airflow", "celery", "mlflow", "mlflow_auth", "postgres"):
            for password in {{os.environ.get("PGPASSWORD", ""), *{passwords}}}:
                try:
                    psycopg2.connect(host="postgres", user=role, dbname=database, password=password)
                    reached.append(f"{{role}} {{database}}")
                except psycopg2.OperationalError:
                    pass
    print(json.dumps(reached))
"""
PREDICTION = """if True:
    import httpx, json, time
    from sklearn.datasets import load_digits
    rows = load_digits(as_frame=True).data.head(20)
    body = {"dataframe_split": rows.to_dict(orient="split")}
    for _ in range(60):
        answer = httpx.post("http://champion:8100/invocations", json=body, timeout=30)
        if "Retry-After" not in answer.headers:  # it follows the alias within seconds
            break
        time.sleep(int(answer.headers["Retry-After"]))
    print(json.dumps([answer.headers["X-Model-Version"], len(answer.json()["predictions"])]))
"""
PAGE = """if True:
    import httpx, json
    from sweepstake.airflow_client.api import AirflowApi
    from sweepstake.settings import load_settings
    settings = load_settings()
    with AirflowApi.of(settings) as api:
        api.call("GET", "/dags")  # it logs in at need
        headers = {"Authorization": api.client.headers["Authorization"]}
    page = httpx.get(settings.airflow_url + "/sweepstake/", headers=headers, timeout=120)
    told = ("/models/digits", "/sweeps/main-job__", "does not answer")
    print(json.dumps([page.status_code, *(each in page.text for each in told)]))
"""
INTRUSION = """if True:
    import json
    from sweepstake.mlflow_client.connection import Connection
    from sweepstake.errors import SettingsError
    from sweepstake.mlflow_client.registry import Registry
    from sweepstake.settings import load_settings
    client = Connection(load_settings().tracking_uri)
    experiment = client.get_experiment_by_name("digits").experiment_id
    run = client.search_runs([experiment], max_results=1)[0].info.run_id
    attempts = {
        "create_run": (experiment,),
        "log_metric": (run, "test_f1_macro", 1.0),
        "set_tag": (run, "mlflow.note.content", "mine"),
        "delete_run": (run,),
        "create_model_version": ("digits", f"runs:/{run}/model", run),
        "set_registered_model_alias": ("digits", "champion", "1"),
        "set_model_version_tag": ("digits", "1", "sweepstake.decision", "promote"),
        "delete_registered_model": ("digits",),
        "delete_experiment": (experiment,),
    }
    passed = []
    for method, arguments in attempts.items():
        try:
            getattr(client, method)(*arguments)
            passed.append(method)
        except SettingsError:
            pass
    print(json.dumps([len(attempts), passed]))
"""


@pytest.fixture(scope="module")
def swept(cluster):
    """The answer about the champion of a sweep that has ended."""
    drop(cluster, "main-job", GRID)
    await_champion(cluster, "digits")
    return ask(cluster, "champion", "digits")


def said(cluster, host, code):
    """The JSON that Python prints on a host."""
    done = cluster.run(host, "python", "-c", code)
    assert 0 == done.returncode, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_a_grid_file_becomes_a_champion_through_s3(cluster, swept):
    """Plans, staged data and models pass from host to host in the bucket alone."""
    board = ask(cluster, "leaderboard", "main-job")
    assert 6 == len(board["standings"])
    assert board["url"].startswith("https://mlflow.example.org/#/experiments/")
    assert ["mlflow/", "workspace/"] == said(cluster, "worker1", LISTING)


def test_the_champions_server_follows_the_alias(cluster, swept):
    """The service `champion` answers with the winner, as a user who may only read."""
    cluster.await_health("champion")
    assert [swept["champion"]["version"], 20] == said(cluster, "champion", PREDICTION)


def test_the_page_shows_sweeps_and_champions(cluster, swept):
    """The api-server reaches MLflow and the bucket, so that its page tells all of it."""
    assert [200, True, True, False] == said(cluster, "doctor", PAGE)


def test_readers_change_nothing(cluster, swept):
    """MLflow refuses a reader every way to alter a sweep, its versions or its champion."""
    assert [9, []] == said(cluster, "champion", INTRUSION)
    assert swept == ask(cluster, "champion", "digits")


@pytest.mark.parametrize(
    ("host", "reached"),
    [
        ("scheduler", ["airflow airflow", "celery celery"]),
        ("dag-processor", ["airflow airflow"]),
        ("mlflow", ["mlflow mlflow", "mlflow mlflow_auth"]),
        ("worker1", ["celery celery"]),
        ("champion", []),
    ],
)
def test_services_reach_their_own_databases_alone(cluster, swept, host, reached):
    """With all that a service knows it can log in as its own role, to its own databases."""
    known = sorted({text for text in cluster.environment(host).values() if len(text) >= 32})
    assert reached == said(cluster, host, REACHING.format(passwords=known))


def test_the_doctor_finds_the_deployment_in_order(cluster, swept):
    """The service `doctor` of the compose file has nothing to fix, and looked at everything."""
    done = cluster.run("doctor")
    assert 0 == done.returncode, done.stdout + done.stderr
    looked = {
        line.partition(":")[0].removeprefix("ok").strip() for line in done.stdout.splitlines()
    }
    assert looked >= {"workspace", "S3 clock", "MLflow registry", "DAG champion", "pool"}


def test_the_doctor_tells_a_wrong_password_once(cluster, swept):
    """With a wrong password MLflow is told once; its other checks are left out."""
    wrong = ("env", "MLFLOW_TRACKING_PASSWORD=wrong", "sweepstake", "doctor", "--json")
    found = json.loads(cluster.run("doctor", *wrong).stdout)
    assert ["MLflow log-in"] == [each["name"] for each in found if not each["ok"]]


def test_the_documented_proxy_speaks_tls_before_both_servers(cluster, swept):
    """Under the page's names MLflow lets its users in, and Airflow knows that it is on https."""
    proxy = tls.Proxy(cluster, "doctor")
    password = cluster.services["users"].environment["MLFLOW_READER_PASSWORD"]
    versions = "/api/2.0/mlflow/registered-models/get?name=digits"
    answers = [
        proxy.get("mlflow.example.org", versions, auth=("reader", each)).status_code
        for each in (password, "wrong")
    ]
    assert [200, 401] == answers
    wanted = {"next": "https://airflow.example.org/dags"}
    assert 307 == proxy.get("airflow.example.org", "/api/v2/auth/login", params=wanted).status_code
    left = proxy.get("airflow.example.org", "/api/v2/auth/logout")
    assert "; Secure" in left.headers["Set-Cookie"]


def test_a_sweep_outlives_its_scheduler_and_its_workers(cluster, swept):
    """The scheduler dies inside a transaction, then each worker with a task that it had taken."""
    make_ready(cluster, "outlives")
    with scheduler_in_a_transaction(cluster, 2):
        kill(cluster, "scheduler")
    revive(cluster, "scheduler")
    kill_workers_that_took(cluster, "outlives", 2)
    revive(cluster, *WORKERS)
    check_whole(cluster, "outlives", TRIALS)
