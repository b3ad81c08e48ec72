"""An answer from a page: to the task that asks, or where none asks to the next round."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sweepstake.airflow_client import answering
from sweepstake.champions import approval
from sweepstake.champions.approval import Answer
from sweepstake.domain.promotion import Verdict
from sweepstake.domain.spec import PromotionPolicy
from sweepstake.errors import NotFoundError
from sweepstake.mlflow_client.ledger import Act
from sweepstake.settings import load_settings
from sweepstake.storage.workspace import Workspace

ACT = Act(Verdict.PROMOTE, "4", "1", "Trial 3 gains.", sweep="s", newest=6)
POLICY = PromotionPolicy(approval=True)
ANN = Answer(approved=True, by="ann", why="looked at it")


class Airflow:
    """An api-server on which a task asks, or none does."""

    def __init__(self, *, asks: bool) -> None:
        self.asks, self.told = asks, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def respond(self, dag, run, task, option, why):
        """Take an answer if one is waited for."""
        self.told.append((dag, task, option, why))
        return self.asks

    def trigger(self, dag):
        """Start a run."""
        self.told.append(dag)


@pytest.fixture
def settings(tmp_path):
    """A workspace in which a promotion waits."""
    made = load_settings({"SWEEPSTAKE_HOME": str(tmp_path)})
    approval.ask(Workspace(made.workspace), ACT, "m", POLICY)
    return made


@pytest.fixture
def answered(settings, monkeypatch):
    """A function that answers while a task asks, or none does; what Airflow was told."""

    def give(given, *, asks, key=""):
        airflow = Airflow(asks=asks)
        monkeypatch.setattr(answering.AirflowApi, "of", lambda _: airflow)
        answering.answer("m", given, key, settings)
        return airflow.told

    return give


def test_the_task_that_asks_carries_it_out(answered, settings):
    """Airflow knows who answered; nothing else is done."""
    told = answered(ANN, asks=True)
    assert [("approval", "ask", "Promote", "looked at it")] == told
    assert approval.ask(Workspace(settings.workspace), ACT, "m", POLICY) is None


def test_where_no_task_asks_the_next_round_does(answered, settings):
    """The answer lies in the workspace, and the champion DAG is started."""
    told = answered(replace(ANN, approved=False), asks=False)
    assert "champion" == told[-1]
    given = approval.ask(Workspace(settings.workspace), ACT, "m", POLICY)
    assert replace(ANN, approved=False) == given


def test_another_question_is_not_answered(answered):
    """Who saw an older question has not seen this one."""
    with pytest.raises(NotFoundError, match="waits for approval, but has none"):
        answered(ANN, asks=True, key="older")
