import pytest

from sweepstake.errors import NotFoundError
from sweepstake.runtime import ComponentState, logs, status
from sweepstake.settings import load_settings


def test_a_stack_that_does_not_run_has_stopped_components(tmp_path):
    """Status needs no stack: each component is listed as stopped."""
    components = status(load_settings({"SWEEPSTAKE_HOME": str(tmp_path)}))
    assert {component.state for component in components} == {ComponentState.STOPPED}


def test_each_component_has_its_log(tmp_path):
    """The log of a component lies in the state folder under its name."""
    settings = load_settings({"SWEEPSTAKE_HOME": str(tmp_path)})
    assert logs(settings, "scheduler") == tmp_path / "logs" / "scheduler.log"


def test_a_mistyped_component_gets_a_suggestion(tmp_path):
    """A name that is nearly right is answered with the right one."""
    settings = load_settings({"SWEEPSTAKE_HOME": str(tmp_path)})
    with pytest.raises(NotFoundError) as caught:
        logs(settings, "shceduler")
    assert str(caught.value) == (
        "component: must be one of the stack's, but got 'shceduler'. Did you mean 'scheduler'?"
    )
