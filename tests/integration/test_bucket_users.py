"""What the bucket's three users of docker-compose.yml can do on a server that keeps them apart."""

import subprocess
from pathlib import Path

import boto3
import pytest
import s3server
from botocore.exceptions import ClientError
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from sweepstake.store import Bucket, BucketStore

USERS = {name: (f"team:{name}", f"{name}-secret") for name in ("root", "writer", "reader")}
BUCKET = "models"
ATTEMPTS = {
    "read": ("get_object", {"Bucket": BUCKET, "Key": "mlflow/model"}),
    "list": ("list_objects_v2", {"Bucket": BUCKET, "Prefix": "mlflow/"}),
    "write": ("put_object", {"Bucket": BUCKET, "Key": "mlflow/mine", "Body": b"mine"}),
    "delete": ("delete_object", {"Bucket": BUCKET, "Key": "mlflow/mine"}),
    "make a bucket": ("create_bucket", {"Bucket": "another"}),
    "delete the bucket": ("delete_bucket", {"Bucket": BUCKET}),
}


@pytest.fixture(scope="module")
def server(start_s3):
    """Its address; the bucket is made and shared as the service `bucket` does, and has a model."""
    keys = [word for user in USERS.values() for word in user]
    uri = start_s3("swift", *keys).uri
    subprocess.run(s3server.sharing("swift", BUCKET, uri, *keys), check=True)
    client(uri, "writer").put_object(Bucket=BUCKET, Key="mlflow/model", Body=b"model")
    return uri


def client(uri, user):
    """S3's client for a user."""
    access, secret = USERS[user]
    keys = {"aws_access_key_id": access, "aws_secret_access_key": secret}
    return boto3.client("s3", endpoint_url=uri, region_name="us-east-1", **keys)


@pytest.mark.parametrize(
    ("user", "may"), [("writer", {"read", "list", "write", "delete"}), ("reader", {"read", "list"})]
)
def test_users_keep_to_their_rights(server, user, may):
    """Tasks read, write and delete in the one bucket; whoever reads models changes nothing."""
    passed = set()
    for name, (method, arguments) in ATTEMPTS.items():
        try:
            getattr(client(server, user), method)(**arguments)
            passed.add(name)
        except ClientError:
            pass
    assert may == passed


@pytest.fixture
def become(server, monkeypatch):
    """A function that gives this process the keys of a user."""

    def change(user):
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        for name, value in zip(names, USERS[user], strict=True):
            monkeypatch.setenv(name, value)
        for name in ("AWS_ENDPOINT_URL_S3", "MLFLOW_S3_ENDPOINT_URL"):
            monkeypatch.setenv(name, server)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    return change


def test_the_writers_rights_are_enough_for_the_workspace(become, tmp_path):
    """Everything that tasks do with it works without a right on the server itself."""
    become("writer")
    store = BucketStore(Bucket(f"s3://{BUCKET}/workspace", tmp_path))
    store.add("plans/a", b"plan")
    assert (b"plan", ["plans/a"]) == (store.read("plans/a"), store.names("plans"))
    store.remove("plans/a")
    assert [] == store.names("plans")


def test_the_readers_rights_are_enough_to_load_a_model(become, tmp_path):
    """MLflow's client finds and fetches what the writer's has put there."""
    become("writer")
    (tmp_path / "model.skops").write_bytes(b"x" * 9_000_000)  # in several parts
    place = f"s3://{BUCKET}/mlflow/1/run/artifacts"
    get_artifact_repository(place).log_artifact(str(tmp_path / "model.skops"), "model")
    become("reader")
    repository = get_artifact_repository(place)
    assert ["model/model.skops"] == [file.path for file in repository.list_artifacts("model")]
    fetched = repository.download_artifacts("model/model.skops", str(tmp_path / "there"))
    assert 9_000_000 == Path(fetched).stat().st_size
