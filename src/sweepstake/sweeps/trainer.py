"""The trainer: what a batch's isolated process does, fitting a trial and writing its model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweepstake.domain.spec import OnInvalid
from sweepstake.errors import InvalidPointError, SweepstakeError
from sweepstake.gridfile import boosters
from sweepstake.gridfile.estimators import names_in, releases
from sweepstake.preflight.trial_fits import sentence
from sweepstake.training.shared_fits import SharedFits

if TYPE_CHECKING:
    from pathlib import Path

    from sklearn.base import BaseEstimator

    from sweepstake.data.dataset import Dataset
    from sweepstake.domain.spec import SweepSpec
    from sweepstake.domain.trial import Trial, TrialResult
    from sweepstake.mlflow_client.model_folders import Template


class Trainer:
    """Fits trials of a sweep on its data and keeps the last fitted estimator for its file.

    ``template`` is the folder of the files that all models of the sweep share.
    """

    def __init__(self, spec: SweepSpec, dataset: Dataset, template: Path) -> None:
        from sweepstake.mlflow_client import model_folders

        model_folders.load_libraries()  # now, not in each process that is forked
        self._spec = spec
        self._dataset = dataset
        self._template = template
        parts = [part for each in spec.candidates for part in (each.estimator, *each.grids)]
        boosters.load_libraries(names_in(parts))
        self._packages = releases(parts)
        self._cache = SharedFits(share=spec.share)
        self._fitted: BaseEstimator | None = None
        self._shared: Template | None = None

    def fit(self, trial: Trial) -> TrialResult:
        """Train ``trial``; raises whatever its fit raises.

        Raises:
            InvalidPointError: scikit-learn refuses it, and the grid file says to skip such points.
        """
        try:
            return self._train(trial)
        except (MemoryError, OSError, SweepstakeError):
            raise  # of the machine, whatever the point
        except Exception as error:
            if self._spec.on_invalid is OnInvalid.REFUSE:
                raise
            raise InvalidPointError(sentence(error)) from None

    def _train(self, trial: Trial) -> TrialResult:
        from sweepstake.training import fit_trial, portions

        if trial.portion:
            return portions.rate(trial, trial.portion, self._spec, self._dataset, self._cache)
        self._fitted, result = fit_trial.train(trial, self._spec, self._dataset, cache=self._cache)
        return result

    def write(self, run_id: str, folder: Path) -> str:
        """Write the fitted estimator as the model of a run into the new folder; its sha256.

        Raises:
            ModelFileError: the estimator holds a type that is not on the reviewed list.
        """
        from sweepstake.mlflow_client.model_folders import open_template, write_model

        self._shared = self._shared or open_template(
            self._template, self._fitted, self._dataset.X_train, self._packages
        )
        return write_model(self._shared, self._fitted, run_id, folder)
