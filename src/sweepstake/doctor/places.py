"""Places: folders and buckets, tried as Sweepstake uses them."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from sweepstake.champions import model_faults
from sweepstake.doctor import answers
from sweepstake.errors import SettingsError
from sweepstake.storage.bucket import Bucket, BucketStore, endpoint, open_store
from sweepstake.storage.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sweepstake.storage.store import Store

AMAZON = "https://s3.amazonaws.com"
FOLDER = "doctor"
FIRST, SECOND = b"first", b"second"


def watched_folder(folder: Path) -> str:
    """How many entries it has, and whether mistakes can be told beside the files."""
    with _used("SWEEPSTAKE_GRIDS", folder, "a folder that can be read"):
        count = len([*folder.iterdir()])
    told = "" if os.access(folder, os.W_OK) else "; mistakes are told in Airflow alone: read-only"
    return f"{folder}, {count} entries{told}"


def data_root(root: Path | Bucket) -> str:
    """The root, if what is in it can be listed."""
    if isinstance(root, Bucket):
        BucketStore(root).matching("*")
    else:
        with _used("SWEEPSTAKE_DATA_ROOTS", root, "a folder that can be read"):
            next(root.iterdir(), None)
    return str(root)


def s3() -> str:
    """The server of the buckets, if it answers, whatever it says."""
    server = endpoint() or AMAZON
    answers.ask("S3", server, "Start it, or check AWS_ENDPOINT_URL_S3.")
    return server


def s3_clock() -> str:
    """How its clock goes."""
    return answers.clock("S3", endpoint() or AMAZON)


def workspace(place: Path | Bucket) -> str:
    """The workspace, after a file went there and back.

    Raises:
        SettingsError: it cannot be written, or does not give back what was put there.
        StoreUnavailableError: its server does not answer, or with a fault of its own.
    """
    home = place.cache if isinstance(place, Bucket) else place
    setting = "SWEEPSTAKE_CACHE" if isinstance(place, Bucket) else "SWEEPSTAKE_WORKSPACE"
    with _used(setting, home, "a folder that can be written"):
        round_trip(open_store(home), str(home))
    if not isinstance(place, Bucket):
        return str(place)
    exclusive = round_trip(open_store(place), str(place))
    race = "its server does not know If-None-Match, so two claims of the same moment both succeed"
    return str(place) if exclusive else f"{place}; {race}"


def round_trip(store: Store, shown: str) -> bool:
    """Put, get, list and delete a file; whether the place itself keeps the first of two writers."""
    name = f"{FOLDER}/{uuid4().hex}"
    try:
        store.add(name, FIRST)
        held, listed = store.read(name), store.names(FOLDER)
        store.add(name, SECOND)
        exclusive = store.read(name) == FIRST
    finally:
        store.remove(name)
    if held != FIRST or name not in listed or name in store.names(FOLDER):
        message = f"{shown}: must give back, list and delete what was put there, but did not. "
        raise SettingsError(message + "Use a server that is consistent, and no cache before it.")
    return exclusive


def models(root: Path | Bucket) -> str:
    """That every model could be judged."""
    model_faults.tell(Workspace(root))
    return "no model waits for something to be fixed"


@contextmanager
def _used(setting: str, folder: Path, rule: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"{setting}: must be {rule}, but {folder} is not: {error.strerror}. "
        raise SettingsError(message + "Create it, fix its rights, or name another.") from None
