"""Stores: where the files of the workspace lie, a folder or a bucket; a write is whole or absent.

A name is a relative path with slashes. Folders of files that are mapped into memory have a copy on
each host: in a folder they are that copy, from a bucket they are fetched once.
"""

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
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from sweepstake.errors import NotFoundError, SettingsError, StoreUnavailableError
from sweepstake.wording.near_misses import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST = "complete.json"
LONGEST_PART = 255
"""Bytes that the name of a file may have on common disks."""
LONGEST_NAME = 1000
"""Bytes of a whole name: buckets take 1,024."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """An address like ``s3://bucket/prefix``, and this host's folder for copies of what is there.

    Its text is the address alone, which holds no secret.
    """

    url: str
    cache: Path

    def __str__(self) -> str:
        return self.url


class Store(Protocol):
    """What the workspace needs of the place where its files are."""

    @property
    def local(self) -> Path:
        """This host's folder for what is mapped into memory."""

    def read(self, name: str) -> bytes:
        """The bytes of a file; ``FileNotFoundError`` where there is none."""

    def write(self, name: str, content: bytes) -> None:
        """Put a file in the place of the one before."""

    def create(self, name: str, content: bytes) -> None:
        """Write a file unless there is one: the first writer's stays."""

    def add(self, name: str, content: bytes) -> None:
        """The same without looking first: it is the place itself that refuses a second one."""

    def remove(self, name: str) -> None:
        """Take a file away, if there is one."""

    def names(self, folder: str) -> list[str]:
        """The names of the files directly in a folder, in their order."""

    def written(self, name: str) -> int:
        """When a file was written, in nanoseconds; ``FileNotFoundError`` where there is none."""

    def share(self, folder: str) -> None:
        """Let other hosts have a folder of ``local`` that is complete."""

    def bring(self, folder: str) -> None:
        """Have a shared folder in ``local``, or nothing where it was never shared."""


def open_store(place: Path | Bucket) -> Store:
    """The store of a folder or of a bucket."""
    return BucketStore(place) if isinstance(place, Bucket) else FolderStore(place)


@dataclass(frozen=True, slots=True)
class FolderStore:
    """Files in a folder that all who use them have mounted."""

    local: Path

    def read(self, name: str) -> bytes:
        """See `Store`."""
        try:
            return self._at(name).read_bytes()
        except NotADirectoryError as error:  # below a file there is none
            raise FileNotFoundError(error.errno, error.strerror, name) from error

    def write(self, name: str, content: bytes) -> None:
        """See `Store`."""
        write_atomically(self._at(name), content)

    def create(self, name: str, content: bytes) -> None:
        """See `Store`."""
        if not self._at(name).exists():
            self.add(name, content)

    def add(self, name: str, content: bytes) -> None:
        """See `Store`; a hard link is the second's refusal."""
        create_atomically(self._at(name), content)

    def remove(self, name: str) -> None:
        """See `Store`."""
        self._at(name).unlink(missing_ok=True)

    def names(self, folder: str) -> list[str]:
        """See `Store`."""
        return sorted(f"{folder}/{path.name}" for path in self._at(folder).glob("*"))

    def written(self, name: str) -> int:
        """See `Store`."""
        return self._at(name).stat().st_mtime_ns

    def share(self, folder: str) -> None:
        """Nothing to do: every host has the folder itself."""

    def bring(self, folder: str) -> None:
        """Nothing to do: every host has the folder itself."""

    def _at(self, name: str) -> Path:
        return self.local / checked(name)


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

    def sizes(self, name: str) -> dict[str, int]:
        """The bytes of a file, or of each file below a folder; empty where there is neither."""
        whole = self._path(name)
        with self._files() as files:
            found = files.find(whole, detail=True)
        start = whole.partition("://")[2].removesuffix(name)
        return {path.removeprefix(start): int(about["size"]) for path, about in found.items()}

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
            yield _file_system(self.place.url.partition("://")[0])


def checked(name: str) -> str:
    """A name again, if it is one of a place in the store: it may hold what others wrote in a tag.

    Raises:
        NotFoundError: it leads elsewhere, or no store could have such a file.
    """
    parts = name.split("/")
    leads_out = name.startswith("/") or not {".", ".."}.isdisjoint(parts)
    if leads_out or not name.isprintable() or _is_too_long(name):
        message = f"{shown(name)}: must name a place inside the workspace, but cannot. "
        raise NotFoundError(message + "Use the id of a sweep or a model.")
    return name


def _is_too_long(name: str) -> bool:
    """Of a printable name: half a surrogate pair is none, and has no bytes."""
    parts = (len(part.encode()) for part in name.split("/"))
    return len(name.encode()) > LONGEST_NAME or max(parts) > LONGEST_PART


def endpoint() -> str | None:
    """The address of the S3 server by the environment, ``None`` for Amazon's."""
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "MLFLOW_S3_ENDPOINT_URL")
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


def _file_system(protocol: str) -> Any:
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
            message = f"{place}: must be in a bucket that exists. Create it or mend the address."
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
    return f"{place}: must be open to the credentials in AWS_*, but got {cause}. Mend either."


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


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that readers see all of it or nothing, whoever is killed meanwhile."""
    with _written_beside(path, content) as temporary:
        temporary.replace(path)


def create_atomically(path: Path, content: bytes) -> None:
    """Write a file, complete or not at all, unless there is one: the first writer's stays."""
    with _written_beside(path, content) as temporary, suppress(FileExistsError):
        path.hardlink_to(temporary)


@contextmanager
def _written_beside(path: Path, content: bytes) -> Iterator[Path]:
    """A complete file in the folder of ``path`` for as long as the block runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid4().hex}.part")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
