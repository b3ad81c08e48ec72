"""Answering: what somebody says about a promotion that waits, for Airflow and for the workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweepstake.airflow_client.api import AirflowApi
from sweepstake.champions import approval
from sweepstake.storage.workspace import Workspace

if TYPE_CHECKING:
    from sweepstake.champions.approval import Answer, Proposal
    from sweepstake.settings import Settings

JUDGES = "champion"
"""The DAG that holds the rounds."""


def respond(asked: Proposal, given: Answer, settings: Settings) -> bool:
    """Tell the task that asks in Airflow; whether it still did, and so carries the answer out.

    Raises:
        StackError: Airflow does not answer.
        SettingsError: it does not let this user answer.
    """
    option = approval.PROMOTE if given.approved else approval.KEEP
    with AirflowApi.of(settings) as api:
        return api.respond(approval.DAG_ID, asked.run_id, "ask", option, given.why)


def answer(model: str, given: Answer, key: str, settings: Settings) -> Proposal:
    """Answer by Airflow, which records who does; where no task asks (yet), in the workspace.

    Then the rounds are held once more. ``key`` says which question is meant.

    Raises:
        NotFoundError: nothing is asked, or something else is.
        StackError: Airflow does not answer.
        SettingsError: the reason is too long, or this user may not answer.
    """
    workspace = Workspace(settings.workspace)
    asked = approval.must_wait(workspace, model, given, key)
    if not respond(asked, given, settings):
        approval.answer(workspace, model, given, key)
        with AirflowApi.of(settings) as api:
            api.trigger(JUDGES)
    return asked
