"""Tags and metrics: every name under which Sweepstake writes something into MLflow."""

from __future__ import annotations

from typing import Final

PREFIX: Final = "sweepstake."


class Tag:
    """The tags of Sweepstake, on runs, versions, models and the ledger's entries."""

    AS_OF: Final = "sweepstake.as_of"
    BACKFILL: Final = "sweepstake.backfill"
    BATCH: Final = "sweepstake.batch"
    CANDIDATES: Final = "sweepstake.candidates"
    CV_SCORE: Final = "sweepstake.cv_score"
    DATA: Final = "sweepstake.data"
    DATA_DIGEST: Final = "sweepstake.data_digest"
    DECISION: Final = "sweepstake.decision"
    DIGEST: Final = "sweepstake.digest"
    ERROR: Final = "sweepstake.error"
    ESTIMATOR: Final = "sweepstake.estimator"
    GRID_DIGEST: Final = "sweepstake.grid_digest"
    GROWN_TREES: Final = "sweepstake.grown_trees"
    SHARED_STEPS: Final = "sweepstake.shared_steps"
    LIBRARIES: Final = "sweepstake.libraries"
    MANAGED: Final = "sweepstake.managed"
    METRIC: Final = "sweepstake.metric"
    MODEL: Final = "sweepstake.model"
    NAME: Final = "sweepstake.name"
    NEWEST: Final = "sweepstake.newest"
    PARTITION: Final = "sweepstake.partition"
    PORTION: Final = "sweepstake.portion"
    PREVIOUS: Final = "sweepstake.previous"
    PRUNED: Final = "sweepstake.pruned"
    REASON: Final = "sweepstake.reason"
    RECORD: Final = "sweepstake.record"
    ROLE: Final = "sweepstake.role"
    ROUND: Final = "sweepstake.round"
    RUNG: Final = "sweepstake.rung"
    SCIKIT_LEARN: Final = "sweepstake.scikit_learn"
    SCORE: Final = "sweepstake.score"
    SEED: Final = "sweepstake.seed"
    SHA256: Final = "sweepstake.sha256"
    SKIPPED: Final = "sweepstake.skipped"
    SWEEP: Final = "sweepstake.sweep"
    TEST_SCORE: Final = "sweepstake.test_score"
    TRAINING: Final = "sweepstake.training"
    TRIAL_KEY: Final = "sweepstake.trial_key"
    TRIAL_NUMBER: Final = "sweepstake.trial_number"
    VERDICT: Final = "sweepstake.verdict"
    WARNINGS: Final = "sweepstake.warnings"


class MlflowTag:
    """The tags of MLflow that Sweepstake writes or reads."""

    NAME: Final = "mlflow.runName"
    NOTE: Final = "mlflow.note.content"
    PARENT: Final = "mlflow.parentRunId"
    SOURCE: Final = "mlflow.source.name"
    USER: Final = "mlflow.user"


def own(name: str) -> str:
    """The tag of a name that only data know, such as a field of the ledger's entries."""
    return PREFIX + name


def mean_cv(metric: str) -> str:
    """The metric by which trials are ranked: the mean of its scores on the folds."""
    return f"mean_cv_{metric}"


def std_cv(metric: str) -> str:
    """The standard deviation of the scores on the folds."""
    return f"std_cv_{metric}"


def on_holdout(metric: str) -> str:
    """The score of a trial on the rows that are held out."""
    return f"test_{metric}"
