"""Rights: what somebody may see and do on the page, by what Airflow asks for the same.

Every act has the permission that Airflow's own REST API asks for what it does there. The names of
Airflow that it rests on are in `internals.NAMES`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, NamedTuple
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from airflow.api_fastapi.auth.managers.models.resource_details import (
    AccessView,
    DagAccessEntity,
    DagDetails,
)
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_view
from airflow.configuration import conf
from airflow.models.dag import DagModel
from fastapi import Depends, HTTPException, Request

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.base_auth_manager import ResourceMethod
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

CSRF_HEADER = "X-Sweepstake"
"""What no form of another site can send: a browser asks Airflow first, and is refused."""


class Right(NamedTuple):
    """A permission on a DAG."""

    method: ResourceMethod
    entity: DagAccessEntity
    told: str


SEE_RUNS = Right("GET", DagAccessEntity.RUN, "read its runs")
SEE_TASKS = Right("GET", DagAccessEntity.TASK_INSTANCE, "read its tasks")
SEE_XCOMS = Right("GET", DagAccessEntity.XCOM, "read what its tasks tell each other")
SUBMIT = Right("POST", DagAccessEntity.RUN, "trigger it")
RETRY = Right("PUT", DagAccessEntity.TASK_INSTANCE, "clear its tasks")
CANCEL = Right("PUT", DagAccessEntity.RUN, "change its runs")
BACKFILL = Right("POST", DagAccessEntity.RUN, "backfill it")
ANSWER = Right("PUT", DagAccessEntity.HITL_DETAIL, "answer what it asks")
ROLL_BACK = Right("PUT", DagAccessEntity.RUN, "change its runs")


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who is logged in; ``token`` is what Airflow's API knows them by."""

    user: BaseUser
    name: str
    token: str

    def may(self, dag: str, *rights: Right) -> bool:
        """Whether they have all of these permissions on a DAG."""
        details = DagDetails(id=dag, team_name=DagModel.get_team_name(dag))
        manager = get_auth_manager()
        return all(
            manager.is_authorized_dag(
                method=right.method, access_entity=right.entity, details=details, user=self.user
            )
            for right in rights
        )

    def must(self, dag: str, *rights: Right) -> None:
        """Hold that they have.

        Raises:
            HTTPException: 403, with the permission that is missing.
        """
        for right in rights:
            if not self.may(dag, right):
                message = f"DAG {dag}: you must be allowed to {right.told}, but are not. "
                raise HTTPException(403, message + "Ask the administrator of Airflow.")

    def may_see(self, dag: str) -> bool:
        """Whether they may read a DAG, its runs and its tasks."""
        return dag in self.readable() and self.may(dag, SEE_RUNS, SEE_TASKS)

    def readable(self) -> set[str]:
        """The ids of the DAGs that they may read at all."""
        return get_auth_manager().get_authorized_dag_ids(user=self.user, method="GET")


def reader(request: Request, user: GetUserDep) -> Reader:
    """Who asks; Airflow has answered 401 where that is nobody."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    token = given if scheme.lower() == "bearer" else request.cookies.get(COOKIE_NAME_JWT_TOKEN, "")
    return Reader(user, user.get_name(), token)


ReaderDep = Annotated[Reader, Depends(reader)]


def must_be_ours(request: Request) -> None:
    """Hold that what changes something was sent by a page of ours, and by no other site's.

    Raises:
        HTTPException: 403, it was not.
    """
    if CSRF_HEADER not in request.headers or not _is_same_origin(request):
        message = "This must be asked for by the page itself, but was not. Load the page again."
        raise HTTPException(403, message)


def _is_same_origin(request: Request) -> bool:
    """What the browser says of where a request comes from; programs say nothing of it."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site != "same-origin":
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    own = {
        request.headers.get("Host", ""),
        urlsplit(conf.get("api", "base_url", fallback="")).netloc,
    }
    return urlsplit(origin).netloc in own - {""}


def log_in_url(back: str) -> str:
    """Where one logs in to come back to an address of this server."""
    return get_auth_manager().get_url_login(next_url=back)


GUARDS = [Depends(requires_access_view(AccessView.PLUGINS))]
"""What every request needs: a log-in, and the permission to see plugins."""
