"""The stage: an embedded stack of its own with a bucket, on which everything that is shown runs."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import s3server

from sweepstake import embedded
from sweepstake.embedded.ports import DEFAULTS, setting
from sweepstake.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PROGRAM = str(Path(sys.executable).with_name("sweepstake"))
BUCKET = "sweeps"
ACCESS = "report"
PATIENCE_SECONDS = 600


@dataclass(frozen=True)
class Stage:
    """The stack, the environment of its commands, and the address of its bucket's server."""

    settings: Settings
    environ: dict[str, str]
    folder: Path

    def say(self, *words: str) -> str:
        """What a command prints."""
        command = [PROGRAM, *words]
        return subprocess.run(
            command,
            env=self.environ,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout

    def record(self, *words: str) -> Any:
        """What a command prints for programs."""
        return json.loads(self.say(*words, "--json"))

    def files(self) -> list[str]:
        """The folders and files of the bucket, by name."""
        root = self.folder / "bucket" / "buckets" / BUCKET
        return sorted(str(each.relative_to(root)) for each in root.rglob("*") if each.is_file())


@contextmanager
def running() -> Iterator[Stage]:
    """The stage; everything of it is gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="sweepstake-report-"))
    try:
        with _bucket(folder / "bucket") as keys:
            yield from _stack(folder, keys)
    finally:
        shutil.rmtree(folder)


def _stack(folder: Path, keys: dict[str, str]) -> Iterator[Stage]:
    grids = folder / "grids"
    shutil.copytree(ROOT / "grids" / "data", grids / "data")
    environ = {
        **os.environ,
        **keys,
        **{setting(server): "auto" for server in DEFAULTS},
        "SWEEPSTAKE_HOME": str(folder / "home"),
        "SWEEPSTAKE_GRIDS": str(grids),
        "SWEEPSTAKE_WORKSPACE": f"s3://{BUCKET}/workspace",
        "XDG_STATE_HOME": str(folder / "state"),
    }
    os.environ.update(environ)
    settings = load_settings(environ)
    try:
        embedded.up(settings, print, environ)
        yield Stage(load_settings(environ), environ, folder)
    finally:
        embedded.down(settings, print, environ)


@contextmanager
def _bucket(folder: Path) -> Iterator[dict[str, str]]:
    """A bucket, and the environment that names its server; a small server in MinIO's place."""
    folder.mkdir()
    secret, port = secrets.token_hex(16), _free_port()
    server = subprocess.Popen(s3server.command("rclone", folder, port, ACCESS, secret))
    address = f"http://127.0.0.1:{port}"
    try:
        _await(address)
        subprocess.run(s3server.making(BUCKET, address, ACCESS, secret), check=True)
        yield {
            "AWS_ACCESS_KEY_ID": ACCESS,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_ENDPOINT_URL_S3": address,
            "AWS_DEFAULT_REGION": "us-east-1",
        }
    finally:
        server.kill()
        server.wait()


def _await(address: str, *, well: bool = False) -> None:
    """Wait for an answer, or for one that is no complaint."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if httpx.get(address, timeout=60).is_success or not well:
                return
        time.sleep(0.1)
    raise TimeoutError(address)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(stage: Stage, model: str) -> Iterator[str]:
    """The address of a server of a champion."""
    port = _free_port()
    command = [PROGRAM, "serve", model, "--port", str(port)]
    server = subprocess.Popen(command, env=stage.environ, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _await(f"{address}/version", well=True)
        yield address
    finally:
        server.terminate()
        server.wait()
