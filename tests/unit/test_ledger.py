from sweepstake.mlflow_client.ledger import Ledger


class Empty:
    """A tracking server that nothing was written to, and that nothing may be written to."""

    def get_experiment_by_name(self, name):
        """Nothing has this name."""


def test_reading_a_ledger_that_does_not_exist_creates_nothing():
    """A user who may only read asks for it, and must not become its owner."""
    assert () == Ledger(Empty()).entries("digits")
