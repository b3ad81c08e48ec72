"""Asking: a promotion as a question in Airflow, which waits there without a worker slot."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Param
from airflow.sdk.exceptions import AirflowSkipException

from sweepstake.airflow.adapter import PlainText
from sweepstake.champions import approval, notices
from sweepstake.champions.approval import DAG_ID, KEEP, PROMOTE
from sweepstake.champions.question import body
from sweepstake.errors import NotFoundError
from sweepstake.settings import load_settings
from sweepstake.storage.workspace import Workspace

if TYPE_CHECKING:
    from airflow.sdk import Context


class AskApproval(PlainText, HITLOperator):
    """Asks whether a version may take over; its texts, those of users, are no templates."""

    template_fields = ()

    def __init__(self, **kwargs: Any) -> None:
        kinds = ["null", "string"]  # nobody has to say why
        why = Param(None, type=kinds, title="Why", description="For the ledger.")
        super().__init__(
            subject="A promotion waits for approval",
            options=[PROMOTE, KEEP],
            params={"why": why},
            **kwargs,
        )

    def execute(self, context: Context) -> Any:
        """Ask about the promotion that the DAG run was started for, until its time is over."""
        asked = question(context["dag_run"].conf or {})
        left = max(asked.left, timedelta(seconds=1))
        self.subject = f"May {asked.model} v{asked.version} become champion?"
        self.body = body(asked, load_settings())
        self.defaults = [PROMOTE if asked.then == "promote" else KEEP]
        self.response_timeout = left
        settings = load_settings()
        if settings.notifiers:
            notice = notices.of_digest(asked.key, asked.sweep, approval.digest(asked).to_json())
            notices.add(Workspace(settings.workspace), notice)
        return super().execute(context)


class StartApproval(PlainText, TriggerDagRunOperator):
    """Starts the run that asks about a promotion, if there is none yet."""

    template_fields = ()


ask_in_airflow = partial(
    StartApproval.partial,
    trigger_dag_id=DAG_ID,
    logical_date=None,
    skip_when_already_exists=True,
    map_index_template="{{ task.trigger_run_id }}",
)


def questions() -> list[dict[str, Any]]:
    """The arguments to start the DAG run of each promotion that waits for approval."""
    workspace = Workspace(load_settings().workspace)
    return [
        {"trigger_run_id": each.run_id, "conf": {"model": each.model, "key": each.key}}
        for each in approval.every(workspace)
    ]


def question(conf: dict[str, str]) -> approval.Proposal:
    """The promotion that a DAG run is about.

    Raises:
        AirflowSkipException: it was answered elsewhere.
    """
    asked = approval.waiting(Workspace(load_settings().workspace), conf.get("model", ""))
    if asked is None or asked.key != conf.get("key"):
        message = f"{conf.get('model')}: this promotion was answered already."
        raise AirflowSkipException(message)
    return asked


def take_answer(conf: dict[str, str], given: dict[str, Any]) -> None:
    """Carry out what was answered in Airflow, unless the command line was first."""
    from sweepstake.champions.rounds import judge

    settings = load_settings()
    user = given.get("responded_by_user") or {}
    by = user.get("name") or approval.NOBODY
    approved = PROMOTE in given["chosen_options"]
    why = str((given.get("params_input") or {}).get("why") or "")[: approval.LONGEST_WHY]
    answer = approval.Answer(approved, by, why)
    with suppress(NotFoundError):
        approval.answer(Workspace(settings.workspace), conf["model"], answer, conf["key"])
    judge(conf["model"], settings)
