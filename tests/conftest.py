"""What all tests need: none of them knows the stacks that run on this machine."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory):
    """Keep the record of running stacks in a folder of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield
