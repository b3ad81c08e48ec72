"""What deploy/make_bucket.sh asks of MinIO, and what each of the bucket's users may do then."""

import json
import os
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "deploy" / "make_bucket.sh"
MC = """#!/bin/sh
printf '%s\\n' "$MC_HOST_store $*" >> "$TOLD/commands"
case "$*" in
    "admin policy create"*) cp "$6" "$TOLD/$5.json" ;;
    "admin user add"*) cat >> "$TOLD/users" ;;
    "stat "*) [ -e "$TOLD/object" ] ;;
    "pipe "*) cat > "$TOLD/object" ;;
esac
"""
KEYS = {
    "S3_BUCKET": "models",
    "S3_ENDPOINT": "http://minio:9000",
    "MINIO_ROOT_USER": "root-user",
    "MINIO_ROOT_PASSWORD": "root-password",
    "S3_WRITER_ACCESS_KEY": "writer",
    "S3_WRITER_SECRET_KEY": "writer $secret % key",
    "S3_READER_ACCESS_KEY": "reader",
    "S3_READER_SECRET_KEY": "reader-secret",
}


@pytest.fixture
def told(tmp_path):
    """The folder of what a stand-in for MinIO's client is asked, and how the script ended."""
    program = tmp_path / "mc"
    program.write_text(MC)
    program.chmod(0o755)

    def run(**changed):
        paths = f"{tmp_path}:{os.environ['PATH']}"
        secrets = tmp_path / "secrets"
        secrets.mkdir()
        for name in KEYS.keys() - {"S3_BUCKET", "S3_ENDPOINT"}:
            (secrets / name).write_text(f"{KEYS[name]}\n")
        settings = {name: KEYS[name] for name in ("S3_BUCKET", "S3_ENDPOINT")}
        places = {"PATH": paths, "TOLD": str(tmp_path), "SECRETS": str(secrets)}
        environment = {**places, **settings, **changed}
        done = subprocess.run(
            ["sh", SCRIPT], env=environment, text=True, capture_output=True, check=False
        )
        assert (0, "") == (done.returncode, done.stderr)
        return tmp_path, done.stdout

    return run


def test_both_users_get_their_keys_and_one_policy_each(told):
    """Secret keys go by standard input, where no list of processes shows them."""
    folder, _ = told()
    assert ["writer", "writer $secret % key", "reader", "reader-secret"] == (
        (folder / "users").read_text().splitlines()
    )
    lines = (folder / "commands").read_text().splitlines()
    root = "http://root-user:root-password@minio:9000 "
    assert all(line.startswith(root) for line in lines)
    assert [
        "mb --ignore-existing store/models",
        "stat store/models/workspace/closed-days",
        "pipe store/models/workspace/closed-days",
        "admin policy create store sweepstake-writer /tmp/sweepstake-writer.json",
        "admin policy create store sweepstake-reader /tmp/sweepstake-reader.json",
        "admin user add store",
        "admin policy attach store sweepstake-writer --user writer",
        "admin user add store",
        "admin policy attach store sweepstake-reader --user reader",
    ] == [line.removeprefix(root) for line in lines]


def test_what_the_triggerer_watches_is_made_once(told, tmp_path):
    """It is there from the beginning, and what others wrote since stays."""
    (tmp_path / "object").write_text("digits__0123456789ab__2026-01-01")
    folder, _ = told()
    assert "pipe" not in (folder / "commands").read_text()
    assert "digits__0123456789ab__2026-01-01" == (folder / "object").read_text()


def allows(policy, action, resource, prefix=None):
    """Whether one of a policy's statements, all of which allow, covers a request."""
    return any(
        any(fnmatchcase(action, each) for each in statement["Action"])
        and any(fnmatchcase(resource, each) for each in statement["Resource"])
        and meets(statement.get("Condition"), prefix)
        for statement in policy["Statement"]
        if statement["Effect"] == "Allow"
    )


def meets(condition, prefix):
    """Whether the listed prefix is one that the condition names."""
    if condition is None:
        return True
    patterns = condition["StringLike"]["s3:prefix"]
    return prefix is not None and any(fnmatchcase(prefix, each) for each in patterns)


BUCKET = "arn:aws:s3:::models"
REQUESTS = [
    # action, resource, listed prefix, whether the writer may, whether the reader may
    ("s3:GetObject", f"{BUCKET}/mlflow/1/a/artifacts/model.skops", None, True, True),
    ("s3:PutObject", f"{BUCKET}/mlflow/1/a/artifacts/model.skops", None, True, False),
    ("s3:DeleteObject", f"{BUCKET}/mlflow/1/a/artifacts/model.skops", None, True, False),
    ("s3:GetObject", f"{BUCKET}/workspace/plans/a.json", None, True, False),
    ("s3:PutObject", f"{BUCKET}/workspace/plans/a.json", None, True, False),
    ("s3:DeleteObject", f"{BUCKET}/workspace/plans/a.json", None, True, False),
    ("s3:GetObject", f"{BUCKET}/workspace/sweeps/a/models/0.json", None, True, True),
    ("s3:PutObject", f"{BUCKET}/workspace/sweeps/a/models/0.json", None, True, False),
    ("s3:GetObject", f"{BUCKET}/workspace/closed-days", None, True, True),
    ("s3:PutObject", f"{BUCKET}/workspace/closed-days", None, True, False),
    ("s3:ListBucket", BUCKET, "workspace/sweeps/a/models/", True, True),
    ("s3:ListBucket", BUCKET, "mlflow/1/a/artifacts/", True, True),
    ("s3:ListBucket", BUCKET, "workspace/plans/", True, False),
    ("s3:ListBucket", BUCKET, "", True, False),
    ("s3:ListBucket", BUCKET, None, True, False),
    ("s3:DeleteBucket", BUCKET, None, False, False),
    ("s3:PutBucketPolicy", BUCKET, None, False, False),
    ("s3:CreateBucket", "arn:aws:s3:::others", None, False, False),
    ("s3:ListAllMyBuckets", "arn:aws:s3:::*", None, False, False),
    ("s3:GetObject", "arn:aws:s3:::others/mlflow/1", None, False, False),
    ("s3:GetObject", "arn:aws:s3:::models-of-others/mlflow/1", None, False, False),
    ("s3:PutObject", "arn:aws:s3:::models-of-others/x", None, False, False),
    ("admin:CreateUser", "arn:aws:s3:::*", None, False, False),
]


@pytest.mark.parametrize(("action", "resource", "prefix", "writer", "reader"), REQUESTS)
def test_users_may_do_what_their_work_needs(told, action, resource, prefix, writer, reader):
    """Tasks use the whole of one bucket; others read models, hashes and that a day has closed."""
    folder, _ = told()
    policies = {
        name: json.loads((folder / f"sweepstake-{name}.json").read_text())
        for name in ("writer", "reader")
    }
    may = {name: allows(each, action, resource, prefix) for name, each in policies.items()}
    assert {"writer": writer, "reader": reader} == may


def test_another_s3_is_left_to_its_owner(told):
    """Where the bucket is not MinIO's, the script says what to make there and does nothing."""
    folder, said = told(S3_ENDPOINT="https://s3.example.org")
    assert "make the bucket models and both users there" in said
    assert not (folder / "commands").exists()
