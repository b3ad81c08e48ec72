"""No text of a user is a template: every field that one reaches, filled by Airflow's own code."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from sweepstake.intake import daily_files
from sweepstake.intake.daily_files import Daily
from sweepstake.storage.workspace import Workspace

DAGS = Path(__file__).parents[2] / "src" / "sweepstake" / "dags"
DAILY = Daily("churn", "churn (2).yaml", "", "", "UTC")


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """A home for Airflow of its own, set before anything of Airflow is imported."""
    folder = tmp_path_factory.mktemp("airflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(folder))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "false")
        patch.setenv("SWEEPSTAKE_HOME", str(folder))
        patch.setenv("SWEEPSTAKE_NOTIFIERS", "receivers:notifiers")
        patch.setenv("SWEEPSTAKE_POOL", "training")  # as in the other tests of this process
        yield folder


@pytest.fixture(scope="module")
def dags(home):
    """All DAGs, that of a file with data by day among them."""
    from airflow.dag_processing.dagbag import DagBag

    daily_files.publish([DAILY], (), Workspace(home / "workspace"))
    bag = DagBag(DAGS, bundle_path=DAGS, bundle_name="dags")
    assert {} == bag.import_errors
    return bag.dags


@pytest.fixture
def mark(tmp_path):
    """A file that exists once a text was run."""
    return tmp_path / "RUN"


@pytest.fixture
def text(mark):
    """A text that makes the mark if it is rendered."""
    return "{{ macros.uuid.os.system('touch " + str(mark) + "') }}"


def filled(value, text):
    """``value`` with the text in the place of every ``TEXT``."""
    if isinstance(value, dict):
        return {name: filled(inner, text) for name, inner in value.items()}
    return text if value == "TEXT" else value


def context_of(task, result):
    """What Airflow renders in, for the first mapped task, where every other task returned this."""
    from airflow.sdk.execution_time.context import MacrosAccessor

    instance = SimpleNamespace(map_index=0, xcom_pull=lambda **_: result, task=None)
    run = SimpleNamespace(conf={})
    return {"ti": instance, "dag": task.dag, "dag_run": run, "macros": MacrosAccessor()}


def executed(task, arguments, *, literal):
    """The task as Airflow executes it with these mapped arguments, and its label.

    Without ``literal`` they are the result of the task before, as they are in earnest.
    """
    from airflow.sdk.definitions._internal.expandinput import (
        DictOfListsExpandInput,
        ListOfDictsExpandInput,
    )
    from airflow.sdk.execution_time.task_runner import _render_map_index

    given = task._get_specified_expand_input()  # noqa: SLF001 - as Airflow does
    results = [arguments]
    if isinstance(given, DictOfListsExpandInput):
        results = list(arguments.values())
    context = context_of(task, results)
    if literal:
        kind = type(given)
        each = {name: [value] for name, value in arguments.items()}
        put = kind([arguments] if kind is ListOfDictsExpandInput else each)
        task._get_specified_expand_input = lambda: put  # noqa: SLF001 - as Airflow does
    try:
        task.render_template_fields(context, task.dag.get_template_env())
    finally:
        vars(task).pop("_get_specified_expand_input", None)
    context["map_index_template"] = task.partial_kwargs["map_index_template"]
    label = _render_map_index(context, context["ti"], logging.getLogger(__name__))
    return context["task"], label


MAPPED = [
    ("sweep", "train", {"batch": {"sweep": "TEXT", "first": 0, "last": 1, "label": "TEXT"}}),
    ("sweep", "waves.train_1", {"batch": {"sweep": "TEXT", "first": 0, "label": "TEXT"}}),
    ("sweep__churn", "train", {"batch": {"sweep": "TEXT", "label": "TEXT"}}),
    ("champion", "judge", {"model": "TEXT"}),
    ("champion", "replay", {"model": "TEXT"}),
    ("notify", "tell", {"receiver": "TEXT"}),
    ("champion", "ask", {"trigger_run_id": "TEXT", "conf": {"model": "TEXT", "key": "TEXT"}}),
    ("intake", "start", {"trigger_run_id": "TEXT", "conf": {"snapshot": "TEXT", "file": "TEXT"}}),
]


@pytest.mark.parametrize("literal", [False, True], ids=["result", "literal"])
@pytest.mark.parametrize("mapped", MAPPED, ids=lambda mapped: "-".join(mapped[:2]))
def test_what_is_mapped_stays_text(dags, mapped, literal, text, mark):
    """Arguments and label of each mapped task are the texts themselves; nothing in them is run."""
    dag, name, arguments = mapped
    task = dags[dag].get_task(name)
    given = filled(arguments, text)
    made, label = executed(task, given, literal=literal)
    taken = made.op_kwargs if hasattr(made, "op_kwargs") else vars(made)
    assert given == {argument: taken[argument] for argument in given}
    assert (text, False) == (label, mark.exists())


def test_every_mapped_task_is_looked_at(dags):
    """A mapped task that is added later has to stand in the list above; one wave is as another."""
    mapped = {
        (dag.dag_id, re.sub(r"_\d+$", "_1", task.task_id))
        for dag in dags.values()
        for task in dag.tasks
        if task.is_mapped
    }
    assert {(dag, name) for dag, name, _ in MAPPED} == mapped


def test_what_a_task_returned_stays_text(dags, text, mark):
    """An argument that is another task's result is handed on as it is."""
    settle = dags["approval"].get_task("settle")
    given = {"chosen_options": [text], "params_input": {"why": text}}
    taken = settle.prepare_for_execution()
    taken.render_template_fields(context_of(settle, given), settle.dag.get_template_env())
    assert (given, False) == (taken.op_args[0], mark.exists())


def test_no_operator_renders_texts(dags):
    """Every operator of every DAG takes its arguments as data, mapped or not."""
    from sweepstake.airflow.adapter import PlainText

    kinds = {
        task.operator_class if task.is_mapped else type(task)
        for dag in dags.values()
        for task in dag.tasks
    }
    assert kinds
    assert all(issubclass(kind, PlainText) for kind in kinds)


def test_a_start_has_no_template_fields(dags):
    """Ids and digests are all that it is given, and none of it is rendered."""
    start = dags["intake"].get_task("start")
    assert () == tuple(start.template_fields) == tuple(start.operator_class.template_fields)


def test_the_page_of_a_dag_is_plain(dags):
    """A file's name stands in it as code, and no name that the folder takes can end that."""
    assert "The sweep of `churn (2).yaml`" in dags["sweep__churn"].doc_md
