"""The artifact store: which addresses are in it, and that no file is sought or put elsewhere.

Whoever may make an experiment in MLflow chooses where the files of its runs are: also a server of
his own, which MLflow's client would send its password to, or any folder of this host.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlsplit

from sweepstake.errors import ArtifactPlaceError

if TYPE_CHECKING:
    from collections.abc import Sequence

SETTING = "SWEEPSTAKE_ARTIFACT_ROOTS"


def confined(uri: str, roots: Sequence[str]) -> str:
    """``uri``, if it is an address below one of ``roots``.

    Raises:
        ArtifactPlaceError: it is none, or one that could be read in two ways.
    """
    if not any(_is_below(_parts(uri), _parts(root)) for root in roots):
        message = (
            f"{_shown(uri)}: must be in the artifact store ({', '.join(map(_shown, roots))}), but "
            f"is not, so nothing is read or written there. If you trust it, add it to {SETTING}."
        )
        raise ArtifactPlaceError(message)
    return uri


def artifact_uri(experiment: Any, run_id: str) -> str:
    """Where the files of a run of ``experiment`` lie, as ``SqlAlchemyStore.create_run`` has it."""
    from mlflow.utils.uri import append_to_uri_path

    return str(append_to_uri_path(experiment.artifact_location, run_id, "artifacts"))


def root_of(location: str, experiment_id: str) -> str:
    """The root of a store in which an experiment has the folder that MLflow chose for it."""
    return location.rstrip("/").removesuffix(f"/{experiment_id}")


def _parts(uri: str) -> SplitResult:
    """The parts of an address; that of a local path is a ``file:`` one, with no escapes in it."""
    parts = urlsplit(uri)
    if not parts.scheme:
        return SplitResult("file", "", uri, "", "")
    return parts._replace(path=unquote(parts.path)) if parts.scheme == "file" else parts


def _is_below(place: SplitResult, root: SplitResult) -> bool:
    path, top = PurePosixPath(place.path), PurePosixPath(root.path or "/")
    if place[:2] != root[:2] or place[3:] != ("", "") or not path.is_relative_to(top):
        return False
    return not set("%\\") & set(str(path.relative_to(top))) and ".." not in path.parts


def _shown(uri: str) -> str:
    """An address without the user and the password that may stand in it."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
