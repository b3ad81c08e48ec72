"""A promotion that somebody is asked about: the first answer counts, or the time without one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sweepstake.champions import approval
from sweepstake.champions.approval import Answer
from sweepstake.domain.promotion import Verdict
from sweepstake.domain.spec import PromotionPolicy, Unanswered
from sweepstake.errors import NotFoundError, SettingsError
from sweepstake.mlflow_client.ledger import Act
from sweepstake.storage.workspace import Workspace

RECORD = {"gain": {"score": 0.9, "gain": 0.02, "p": 0.01}, "guards": []}
ACT = Act(Verdict.PROMOTE, "4", "1", "Trial 3 gains.", sweep="s", newest=6, record=RECORD)
POLICY = PromotionPolicy(approval=True)


@pytest.fixture
def workspace(tmp_path):
    """An empty workspace."""
    return Workspace(tmp_path)


def test_nothing_is_answered_before_it_is(workspace):
    """What is asked is there for everybody, with its time and its figures."""
    assert approval.ask(workspace, ACT, "m", POLICY) is None
    (asked,) = approval.every(workspace)
    assert ("m", "4", "1", "keep") == (asked.model, asked.version, asked.previous, asked.then)
    assert 23.9 < asked.left.total_seconds() / 3600 <= 24


def test_asking_again_does_not_move_the_time(workspace):
    """A round that is held again while it waits asks the same question."""
    approval.ask(workspace, ACT, "m", POLICY)
    before = approval.waiting(workspace, "m")
    approval.ask(workspace, ACT, "m", replace(POLICY, wait=1.0))
    assert before == approval.waiting(workspace, "m")


def test_the_first_answer_counts(workspace):
    """Whoever answers later, in Airflow or on the command line, changes nothing."""
    approval.ask(workspace, ACT, "m", POLICY)
    approval.answer(workspace, "m", Answer(approved=True, by="ann", why="looked  at\nit"))
    approval.answer(workspace, "m", Answer(approved=False, by="bob"))
    given = approval.ask(workspace, ACT, "m", POLICY)
    assert Answer(approved=True, by="ann", why="looked at it") == given


@pytest.mark.parametrize(("then", "approved"), [("keep", False), ("promote", True)])
def test_without_an_answer_the_grid_file_decides(workspace, then, approved):
    """When the time is over, what the file says is done, in nobody's name."""
    policy = replace(POLICY, wait=-1.0, then=Unanswered(then))
    assert Answer(approved=approved, by="nobody in time") == approval.ask(
        workspace, ACT, "m", policy
    )


def test_another_champion_is_another_question(workspace):
    """An answer about one pair of versions is none about another."""
    approval.ask(workspace, ACT, "m", POLICY)
    approval.answer(workspace, "m", Answer(approved=True, by="ann"))
    assert approval.ask(workspace, replace(ACT, previous="2"), "m", POLICY) is None


def test_the_answer_is_in_the_act(workspace):
    """Who decided and why goes into reason and ledger; declined, the champion stays."""
    approved = approval.applied(ACT, Answer(approved=True, by="ann", why="fine"))
    declined = approval.applied(ACT, Answer(approved=False, by="bob"))
    assert (Verdict.PROMOTE, "ann", "Trial 3 gains. Approved by ann: fine.") == (
        approved.verdict,
        approved.by,
        approved.reason,
    )
    assert (Verdict.KEEP, "Trial 3 gains. Declined by bob.") == (declined.verdict, declined.reason)


def test_what_was_not_asked_cannot_be_answered(workspace):
    """An answer to nothing, to another question, or of any length is refused."""
    with pytest.raises(NotFoundError, match="must have a promotion that waits"):
        approval.answer(workspace, "m", Answer(approved=True, by="ann"))
    approval.ask(workspace, ACT, "m", POLICY)
    with pytest.raises(NotFoundError):
        approval.answer(workspace, "m", Answer(approved=True, by="ann"), key="another")
    with pytest.raises(SettingsError, match="at most 1000"):
        approval.answer(workspace, "m", Answer(approved=True, by="ann", why="x" * 1001))


def test_settled_questions_are_gone(workspace):
    """What was carried out is not asked again."""
    approval.ask(workspace, ACT, "m", POLICY)
    approval.settled(workspace, "m")
    assert () == approval.every(workspace)
