"""MLflow as a client uses it: runs, model versions, aliases and the ledger."""
