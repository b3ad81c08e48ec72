"""Which addresses are in an artifact store."""

from __future__ import annotations

import pytest

from sweepstake.errors import ArtifactPlaceError
from sweepstake.mlflow_client.artifact_store import confined, root_of

INSIDE = [
    ("/srv/artifacts", "/srv/artifacts/7/abc/artifacts"),
    ("/srv/artifacts", "file:///srv/artifacts/7/abc/artifacts"),
    ("file:///srv/my%20files", "file:///srv/my%20files/7/abc/artifacts"),
    ("file:///srv/my%20files", "/srv/my files/7/abc/artifacts"),
    ("s3://team/mlflow", "s3://team/mlflow/7/abc/artifacts/model"),
    ("s3://team", "s3://team/7/abc/artifacts"),
    ("mlflow-artifacts:", "mlflow-artifacts:/7/abc/artifacts"),
    ("http://mlflow:5000/api/artifacts", "http://mlflow:5000/api/artifacts/7/abc"),
]
OUTSIDE = [
    ("/srv/artifacts", "/srv/artifacts-of-others/7"),
    ("/srv/artifacts", "/srv/artifacts/../secrets/7"),
    ("/srv/artifacts", "file:///srv/artifacts/%2e%2e/secrets/7"),
    ("/srv/artifacts", "file://evil/srv/artifacts/7"),
    ("/srv/artifacts", "http://evil/srv/artifacts/7"),
    ("/srv/artifacts", "srv/artifacts/7"),
    ("s3://team/mlflow", "s3://team/mlflow-of-others/7"),
    ("s3://team/mlflow", "s3://evil/mlflow/7"),
    ("s3://team/mlflow", "s3://team/mlflow/%2E%2E/workspace"),
    ("s3://team/mlflow", "s3://team/mlflow/..\\workspace"),
    ("s3://team/mlflow", "s3://team/mlflow/7?endpoint=evil"),
    ("mlflow-artifacts:", "mlflow-artifacts://evil/7/abc/artifacts"),
    ("mlflow-artifacts:", "mlflow-artifacts://evil:80/7/abc/artifacts"),
    ("mlflow-artifacts:", "http://127.0.0.1:9/7"),
    ("http://mlflow:5000/a", "http://mlflow:5000@evil/a/7"),
    ("http://mlflow:5000/a", "http://mlflow:50001/a/7"),
    ("http://mlflow:5000/a", "https://mlflow:5000/a/7"),
    ("http://mlflow:5000/a", "http://mlflow:5000/a/7#x"),
]


@pytest.mark.parametrize(("root", "uri"), INSIDE)
def test_what_lies_below_a_root_is_in_the_store(root, uri):
    """A local path is the same place however it is written."""
    assert uri == confined(uri, ["s3://another", root])


@pytest.mark.parametrize(("root", "uri"), OUTSIDE)
def test_what_lies_elsewhere_is_refused(root, uri):
    """Another host, scheme or folder is none of the store's, however it is spelt."""
    with pytest.raises(ArtifactPlaceError, match="must be in the artifact store"):
        confined(uri, [root])


def test_a_refusal_shows_no_password():
    """Neither that of the address nor that of the root."""
    with pytest.raises(ArtifactPlaceError) as caught:
        confined("ftp://ann:secret@evil/7?key=secret", ["ftp://bob:secret@store/mlflow"])
    assert "secret" not in str(caught.value)
    assert "ftp://store/mlflow" in str(caught.value)


@pytest.mark.parametrize(
    ("location", "root"),
    [
        ("mlflow-artifacts:/0", "mlflow-artifacts:"),
        ("s3://team/mlflow/0", "s3://team/mlflow"),
        ("/srv/artifacts/0/", "/srv/artifacts"),
    ],
)
def test_the_root_is_told_by_the_servers_own_experiment(location, root):
    """Its folder bears its id."""
    assert root == root_of(location, "0")
