from sweepstake.embedded import ComponentState, down, status
from sweepstake.settings import load_settings


def test_a_stack_that_does_not_run_has_stopped_components(tmp_path):
    """Status needs no stack: each component is listed as stopped."""
    components = status(load_settings({"SWEEPSTAKE_HOME": str(tmp_path)}))
    assert {component.state for component in components} == {ComponentState.STOPPED}


def test_stopping_a_stack_that_does_not_run_says_so(tmp_path):
    """Nothing is stopped there, and nothing made."""
    said = []
    down(load_settings({"SWEEPSTAKE_HOME": str(tmp_path / "home")}), said.append, {})
    assert ([f"no stack is up in {tmp_path / 'home'}"], []) == (said, list(tmp_path.iterdir()))
