"""The doctor on a real MLflow and real S3 servers, in order and with faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweepstake import doctor
from sweepstake.mlflow_client.connection import Connection

NOBODY = "http://127.0.0.1:9"
MLFLOW = ("MLflow", "MLflow clock", "MLflow log-in", "MLflow version", "MLflow app", "MLflow runs")
MLFLOW += ("MLflow artifacts", "MLflow registry")
BUCKETS = ("S3", "S3 clock", "workspace", "models", "data root")


@pytest.fixture
def environ(tmp_path, mlflow_uri):
    """Settings with an MLflow, buckets, and an Airflow that is not there."""
    (tmp_path / "grids").mkdir()
    return {
        "MLFLOW_TRACKING_URI": mlflow_uri,
        "SWEEPSTAKE_AIRFLOW_URL": NOBODY,
        "SWEEPSTAKE_CACHE": str(tmp_path / "cache"),
        "SWEEPSTAKE_DATA_ROOTS": "s3://team/data",
        "SWEEPSTAKE_GRIDS": str(tmp_path / "grids"),
        "SWEEPSTAKE_HOME": str(tmp_path / "home"),
        "SWEEPSTAKE_WORKSPACE": "s3://team/workspace",
    }


def faults(environ):
    """The messages of what has to be fixed, Airflow aside, by their names."""
    found = {each.name: each.message for each in doctor.examine(environ) if not each.ok}
    assert "must answer" in found.pop("Airflow")
    return found


def test_servers_in_order_are_told_so_and_left_as_they_were(s3, environ):
    """Everything is looked at, whatever of it was not there; nothing stays in MLflow's listings."""
    findings = {each.name: each for each in doctor.examine(environ)}
    ok = [name for name, each in findings.items() if each.ok]
    host = ["packages", "estimators", "trusted types", "watched folder"]
    assert [*host, *BUCKETS, *MLFLOW] == ok
    assert (s3.kind == "rclone") == ("If-None-Match" in findings["workspace"].message)
    client = Connection(environ["MLFLOW_TRACKING_URI"])
    names = [each.name for each in client.search_experiments()]
    names += [each.name for each in client.search_registered_models()]
    assert [] == [name for name in names if name.startswith("sweepstake-doctor")]


def test_a_second_look_finds_the_same(s3, environ):
    """What the first one has put into MLflow's bin is no obstacle."""
    assert [{}, {}] == [faults(environ), faults(environ)]


def test_a_missing_bucket_is_told_beside_all_others(s3, environ):
    """It costs the workspace's finding; S3 answers, and its clock is right."""
    found = faults({**environ, "SWEEPSTAKE_WORKSPACE": "s3://other/workspace"})
    assert ["workspace"] == list(found)
    assert found["workspace"].startswith("s3://other/workspace: must be in a bucket that exists")


def test_wrong_keys_are_told_for_each_bucket(s3, environ, monkeypatch):
    """Both are named, and no key is."""
    import s3fs

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wr0ng")
    s3fs.S3FileSystem.clear_instance_cache()
    found = faults(environ)
    s3fs.S3FileSystem.clear_instance_cache()
    assert ["workspace", "data root"] == list(found)
    assert {True} == {"must be open to the credentials" in each for each in found.values()}
    assert "wr0ng" not in str(found)


def test_a_server_of_buckets_that_is_gone_is_told_once(s3, environ, monkeypatch):
    """What needs it is not asked, since it would say the same again."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", NOBODY)
    found = faults(environ)
    assert ["S3"] == list(found)
    assert found["S3"].endswith("Start it, or check AWS_ENDPOINT_URL_S3.")


def test_a_cache_that_cannot_be_written_is_told(s3, environ):
    """The bucket is well, but this host has no room for copies."""
    Path(environ["SWEEPSTAKE_CACHE"]).touch()
    found = faults(environ)
    assert ["workspace"] == list(found)
    assert found["workspace"].startswith("SWEEPSTAKE_CACHE: must be a folder that can be written")


def test_an_artifact_store_that_refuses_is_told(s3, environ, start_mlflow):
    """Runs and versions are well; the address that MLflow names cannot be written."""
    server = start_mlflow("--default-artifact-root", "s3://nowhere/models")
    found = faults({**environ, "MLFLOW_TRACKING_URI": server.uri})
    assert ["MLflow artifacts"] == list(found)
    assert "NoSuchBucket" in found["MLflow artifacts"]


def test_an_mlflow_that_is_gone_is_told_once(s3, environ):
    """With its address."""
    found = faults({**environ, "MLFLOW_TRACKING_URI": NOBODY})
    assert ["MLflow"] == list(found)
    assert found["MLflow"].startswith(f"MLflow at {NOBODY}/health: must answer")
