"""Finals: the best version by cross-validation that can be asked meets the champion.

Models are read here and asked in a process of their own: one that crashes, hangs or takes too much
memory is refused, and its round goes on with the next.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING

from sweepstake.data.dataset import open_staged
from sweepstake.data.trained_rows import met, problem_of
from sweepstake.domain.answers import Answers, Pair, ask
from sweepstake.domain.promotion import Finalist, Incumbent, Outcome, Terrain, decide
from sweepstake.domain.ranking import order
from sweepstake.errors import DataError, PermanentError, TrialFailedError
from sweepstake.modelfile.model_file import opened
from sweepstake.processes.isolation import Worker, repeat_once
from sweepstake.processes.single_core import one_core

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    import numpy as np

    from sweepstake.data.dataset import Dataset
    from sweepstake.domain.promotion import Decision
    from sweepstake.domain.spec import SweepSpec
    from sweepstake.mlflow_client.model_version import Version
    from sweepstake.mlflow_client.registry import Registry
    from sweepstake.modelfile.model_file import StoredModel
    from sweepstake.storage.workspace import Workspace
    from sweepstake.sweeps.provenance import Provenance

LONGEST = 600.0
"""Seconds that a model may take to be read and to answer, where the grid file gives no limit."""
TIMED_ROWS = 11
"""Single rows whose answers are timed."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a final takes place: the sweep's spec, its data, and what is known beside them.

    ``test`` tells which test of this holdout a comparison with the champion is; ``barred`` gives
    the reason for each trial key that may not become champion.
    """

    spec: SweepSpec
    digest: str
    registry: Registry
    workspace: Workspace
    provenance: Provenance
    test: Callable[[str, str], int]
    barred: dict[str, str] = field(default_factory=dict)

    def dataset(self, digest: str) -> Dataset:
        """The staged data set of this digest."""
        return open_staged(self.workspace.bring_data(digest), digest)


def by_cv(versions: Collection[Version]) -> list[Version]:
    """Versions by their score in cross-validation, the best first, of equals the lower trial.

    Those without a finite score are left out.
    """
    scored = [each for each in versions if math.isfinite(each.cv_score)]
    return sorted(scored, key=lambda v: (*order(v.cv_score, v.trial_number), int(v.version)))


def hold(ranked: Sequence[Version], champion: Version | None, ground: Ground) -> Outcome:
    """Let the first of ``ranked`` that can be asked meet ``champion``."""
    dataset = ground.dataset(ground.digest)
    refused: dict[str, str] = {}
    with Worker(_Examiner(dataset)) as worker:
        final = _Final(ground, dataset, worker)
        for version in ranked:
            try:
                answers = final.try_out(version)
            except PermanentError as error:
                refused[version.version] = str(error)
                continue
            score = version.cv_score
            finalist = Finalist(version.version, version.trial_number, score, len(ranked))
            decision = final.meet(finalist, answers, champion)
            return Outcome(decision, refused, f"v{version.version} is, with {score:.4f}.")
    return Outcome(None, refused, "none of them can be asked.")


def pair_up(version: Version, other: Version, ground: Ground) -> tuple[Pair, int]:
    """What two versions say of the holdout that neither knows, and how many rows were left out.

    The holdout is that of the data of ``version``, which ``ground`` is of.

    Raises:
        PermanentError: one of them cannot be asked, or the other's training rows are not known.
    """
    dataset = ground.dataset(ground.digest)
    with Worker(_Examiner(dataset)) as worker:
        final = _Final(ground, dataset, worker)
        answers = final.ask(version)
        new, said = final.ask_champion(other)
    return _paired(dataset, new, answers, said), int((~new).sum())


def _paired(dataset: Dataset, new: np.ndarray, answers: Answers, said: Answers) -> Pair:
    """What finalist and champion said of the ``new`` rows of the holdout."""
    beside = dataset.beside_holdout.take(new)
    truth = dataset.y_holdout[new]
    return Pair(truth, answers.take(new), said.take(new), beside.weights, beside.groups)


@dataclass(frozen=True, slots=True)
class _Final:
    ground: Ground
    dataset: Dataset
    worker: Worker

    def try_out(self, version: Version) -> Answers:
        """What a finalist says of the holdout.

        Raises:
            PermanentError: it cannot be asked, or may not become champion.
        """
        if reason := self.ground.barred.get(version.trial_key):
            raise TrialFailedError(reason)
        policy, stored = self.ground.spec.promotion, self._read(version)
        if policy.max_size is not None and stored.size > policy.max_size:
            message = f"Its file has {stored.size:,} bytes, more than promotion.max_size allows "
            raise TrialFailedError(message + f"({policy.max_size:,}).")
        return self._ask(stored, None, policy.max_latency)

    def meet(self, finalist: Finalist, answers: Answers, champion: Version | None) -> Decision:
        """The decision between a finalist and the champion, if there is one."""
        spec, beside = self.ground.spec, self.dataset.beside_holdout
        terrain = Terrain(spec.model, spec.metric, self.ground.digest)
        pair = Pair(self.dataset.y_holdout, answers, None, beside.weights, beside.groups)
        incumbent = None
        if champion:
            try:
                new, said = self.ask_champion(champion)
            except PermanentError as error:
                incumbent = Incumbent(champion.version, str(error))
            else:
                incumbent = Incumbent(champion.version)
                pair = _paired(self.dataset, new, answers, said)
                number = self.ground.test(finalist.version, champion.version)
                terrain = replace(terrain, excluded=int((~new).sum()), test=number)
        return decide(finalist, incumbent, pair, terrain, spec.promotion)

    def ask(self, version: Version) -> Answers:
        """What a version of the sweep says of the holdout, whatever it is and takes.

        Raises:
            PermanentError: it cannot be asked.
        """
        return self._ask(self._read(version), None)

    def ask_champion(self, champion: Version) -> tuple[np.ndarray, Answers]:
        """Which rows of the holdout a champion was not trained on, and what it says of all.

        Raises:
            PermanentError: it cannot be asked, or its training rows are not known.
        """
        trained = self._trained(champion)
        new = self._new_rows(trained)
        columns = None if trained is None else list(trained.X_train.columns)
        return new, self._ask(self._read(champion), columns)

    def _trained(self, champion: Version) -> Dataset | None:
        """The data that the champion was trained on, ``None`` where they are those of the sweep.

        Raises:
            DataError: nobody knows them.
        """
        if champion.data_digest == self.ground.digest:
            return None
        try:
            return self.ground.dataset(champion.data_digest)
        except DataError:
            message = "its training rows are not known: its data are no longer in the workspace"
            raise DataError.one(message) from None

    def _new_rows(self, trained: Dataset | None) -> np.ndarray:
        """Which rows of the holdout a champion that was trained on these data does not know.

        Raises:
            DataError: it cannot be asked about such rows.
        """
        import numpy as np

        if trained is None:
            return np.ones(len(self.dataset.y_holdout), dtype=bool)
        features = self.dataset.X_holdout
        if problem := problem_of(trained, features, self.dataset.classes):
            raise DataError.one(problem)
        return ~met(trained, features[list(trained.X_train.columns)], self.dataset.y_holdout)

    def _read(self, version: Version) -> StoredModel:
        self.ground.provenance.vouch(version)
        return self.ground.registry.files.read(version)

    def _ask(
        self, stored: StoredModel, columns: list[str] | None, max_latency: float | None = None
    ) -> Answers:
        """What a model says of the holdout.

        Raises:
            PermanentError: it cannot be read, raises, hangs, or is too slow.
        """
        limits = self.ground.spec.limits
        limits = replace(limits, trial_timeout=limits.trial_timeout or LONGEST)
        asked = (stored, columns, max_latency)
        answers: Answers = repeat_once(lambda: self.worker.call("answers", *asked, limits=limits))
        return answers


class _Examiner:
    """Asks models about the holdout of a data set, in the process that is forked for it."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def answers(
        self, stored: StoredModel, columns: list[str] | None, max_latency: float | None
    ) -> Answers:
        """What a model says of the rows, if it is quick enough."""
        rows = self._dataset.X_holdout
        features = rows if columns is None else rows[columns]
        with one_core():
            estimator = opened(stored)
            said = ask(estimator, features)
            if max_latency is not None:
                taken = median(_seconds(estimator, features, n) for n in range(TIMED_ROWS))
                if taken > max_latency:
                    message = f"One answer took {taken:.4f} s; promotion.max_latency is "
                    raise TrialFailedError(message + f"{max_latency:g}.")
        return said


def _seconds(estimator: object, features: object, number: int) -> float:
    row = features.iloc[[number % len(features)]]  # type: ignore[attr-defined,arg-type]
    start = time.perf_counter()
    estimator.predict(row)  # type: ignore[attr-defined]
    return time.perf_counter() - start
