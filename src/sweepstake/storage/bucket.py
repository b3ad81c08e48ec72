"""Buckets: stores whose files are objects below an address that fsspec knows, such as S3's."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweepstake.errors import SettingsError, StoreUnavailableError
from sweepstake.storage.store import FolderStore, checked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sweepstake.storage.store import Store

MANIFEST = "complete.json"


@dataclass(frozen=True, slots=True)
class Bucket:
    """An address like ``s3://bucket/prefix``, and this host's folder for copies of what is there.

    Its text is the address alone, which holds no secret.
    """

    url: str
    cache: Path

    def __str__(self) -> str:
        return self.url


def open_store(place: Path | Bucket) -> Store:
    """The store of a folder or of a bucket."""
    return BucketStore(place) if isinstance(place, Bucket) else FolderStore(place)


@dataclass(frozen=True, slots=True)
class BucketStore:
    """Objects below an address that fsspec knows; putting one is all or nothing by itself."""

    place: Bucket

    @property
    def local(self) -> Path:
        """See `Store`; buckets have one each."""
        return self.place.cache / sha256(self.place.url.encode()).hexdigest()[:12]

    def read(self, name: str) -> bytes:
        """See `Store`."""
        with self._files() as files:
            return bytes(files.cat_file(self._path(name)))

    def write(self, name: str, content: bytes) -> None:
        """See `Store`."""
        with self._files() as files:
            files.pipe_file(self._path(name), content)

    def create(self, name: str, content: bytes) -> None:
        """See `Store`."""
        with self._files() as files:
            known = files.exists(self._path(name))
        if not known:
            self.add(name, content)

    def add(self, name: str, content: bytes) -> None:
        """See `Store`; a server that ignores ``If-None-Match`` lets the last of a moment win."""
        with suppress(FileExistsError), self._files() as files:
            files.pipe_file(self._path(name), content, mode="create")

    def remove(self, name: str) -> None:
        """See `Store`."""
        with self._files() as files, suppress(FileNotFoundError):
            files.rm_file(self._path(name))

    def names(self, folder: str) -> list[str]:
        """See `Store`."""
        try:
            with self._files() as files:
                found = files.ls(self._path(folder), detail=True)
        except FileNotFoundError:
            return []
        names = (each["name"].rpartition("/")[2] for each in found if each["type"] == "file")
        return sorted(f"{folder}/{name}" for name in names if name)

    def written(self, name: str) -> int:
        """See `Store`."""
        with self._files() as files:
            return int(files.modified(self._path(name)).timestamp() * 1e9)

    def sizes(self, folder: str) -> dict[str, int]:
        """See `Store`; of a file, its own."""
        whole = self._path(folder)
        with self._files() as files:
            found = files.find(whole, detail=True)
        start = whole.partition("://")[2].removesuffix(folder).lstrip("/")
        sizes = {path.lstrip("/"): int(about["size"]) for path, about in found.items()}
        return {path.removeprefix(start): size for path, size in sorted(sizes.items())}

    def clear(self, folder: str) -> None:
        """See `Store`; the list of its files goes first, so that nobody fetches a part of it."""
        self.remove(f"{folder}/{MANIFEST}")
        for name in self.sizes(folder):
            self.remove(name)
        FolderStore(self.local).clear(folder)

    def fetch(self, name: str, path: Path) -> None:
        """Copy a file to ``path``."""
        with self._files() as files:
            files.get_file(self._path(name), str(path))

    def matching(self, pattern: str) -> list[str]:
        """The addresses of the files that fit a pattern, in their order."""
        scheme = self.place.url.partition("://")[0]
        with self._files() as files:
            return sorted(f"{scheme}://{found}" for found in files.glob(self._path(pattern)))

    def share(self, folder: str) -> None:
        """See `Store`; the list of the files comes last and makes the folder complete."""
        made = {}
        for path in sorted((self.local / folder).iterdir()):
            content = path.read_bytes()
            self.write(f"{folder}/{path.name}", content)
            made[path.name] = sha256(content).hexdigest()
        self.write(f"{folder}/{MANIFEST}", json.dumps(made).encode())

    def bring(self, folder: str) -> None:
        """See `Store`; of the processes of a host one fetches and the others wait for it."""
        home = self.local / folder
        with _alone(home):
            if not home.is_dir():
                with suppress(FileNotFoundError):
                    self._fetch(folder, home)

    def _fetch(self, folder: str, home: Path) -> None:
        made = json.loads(self.read(f"{folder}/{MANIFEST}"))
        draft = Path(tempfile.mkdtemp(dir=home.parent, prefix=".", suffix=".part"))
        try:
            for name, digest in made.items():
                content = self.read(f"{folder}/{name}")
                self._check(f"{folder}/{name}", content, digest)
                (draft / Path(name).name).write_bytes(content)
            draft.rename(home)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _check(self, name: str, content: bytes, digest: str) -> None:
        found = sha256(content).hexdigest()
        if found != digest:
            message = f"{self.place}/{name}: must have the SHA-256 {digest}, but got {found}."
            message += " It is fetched again; if that does not help, run the sweep's plan again."
            raise StoreUnavailableError(message)

    def _path(self, name: str) -> str:
        return f"{self.place.url}/{checked(name)}"

    @contextmanager
    def _files(self) -> Iterator[Any]:
        """The file system; fsspec keeps one for each process, also after a fork."""
        with store_faults(self.place):
            yield file_system(self.place.url.partition("://")[0])


def endpoint() -> str | None:
    """The address of the S3 server by the environment, ``None`` for Amazon's."""
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "MLFLOW_S3_ENDPOINT_URL")
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


def file_system(protocol: str) -> Any:
    """Credentials and region come from the environment, as boto3 reads it."""
    import fsspec

    if protocol != "s3":
        return fsspec.filesystem(protocol, use_listings_cache=False)
    try:
        return fsspec.filesystem("s3", endpoint_url=endpoint(), use_listings_cache=False)
    except ImportError:
        message = "s3://: needs s3fs, but it is not installed. Install sweepstake[s3]."
        raise SettingsError(message) from None


@contextmanager
def store_faults(place: Bucket) -> Iterator[None]:
    """Translate what a bucket answers inside the block; a missing or present file passes.

    Raises:
        SettingsError: there is no such bucket, or no right to use it.
        StoreUnavailableError: the bucket's server does not answer, or with a fault of its own.
    """
    try:
        yield
    except (FileNotFoundError, FileExistsError) as error:
        if _code(error) == "NoSuchBucket":
            message = f"{place}: must be in a bucket that exists. Create it or fix the address."
            raise SettingsError(message) from None
        raise
    except PermissionError as error:
        raise SettingsError(_refused(place, _code(error) or "access denied")) from None
    except OSError as error:
        if _code(error) == "PreconditionFailed":  # that of `add`; not every server names it
            raise FileExistsError from None
        raise StoreUnavailableError(_silent(place, error)) from None
    except Exception as error:
        kind = type(error).__name__
        if not type(error).__module__.startswith(("botocore", "aiobotocore", "aiohttp")):
            raise
        if "Credential" in kind or "Token" in kind:
            raise SettingsError(_refused(place, kind)) from None
        raise StoreUnavailableError(_silent(place, error)) from None


def _code(error: BaseException) -> str:
    """What an S3 server called its refusal; never its text, which may quote a key."""
    response = getattr(error.__cause__, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def _refused(place: Bucket, cause: str) -> str:
    return f"{place}: must be open to the credentials in AWS_*, but got {cause}. Fix either."


def _silent(place: Bucket, error: BaseException) -> str:
    cause = _code(error) or type(error).__name__
    return f"{place}: must answer, but got {cause}. Start its server, or check AWS_ENDPOINT_URL."


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Keep other processes of this host out of the block for the same folder."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with home.with_name(f".{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
