"""Model files of steps: what they may hold, and what becomes of changed ones."""

from __future__ import annotations

import os
import re

import numpy as np
import pytest
import smallsteps
from damaging import LIMITS, changed
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from sweepstake.errors import ModelFileError, TrialFailedError
from sweepstake.modelfile import audit
from sweepstake.modelfile.model_file import dump, loads
from sweepstake.modelfile.step_types import OF_STEPS
from sweepstake.modelfile.trusted_types import SCALARS, TRUSTED
from sweepstake.processes.isolation import Worker

ROUNDS = int(os.environ.get("MODEL_ROUNDS", "3"))
"""Changes that are tried on the file of each step."""
pytestmark = pytest.mark.filterwarnings("ignore")


class Judge:
    """Loads a model and asks it, in a process of its own."""

    def ask(self, name, content):
        """Whether the model was loaded and answered."""
        return len(loads(content).predict(smallsteps.rows_of(name)))


@pytest.fixture(scope="module")
def variants():
    """Every step, fitted, with the name of its class."""
    with threadpool_limits(1):
        return list(smallsteps.variants())


def test_every_step_survives_its_file(variants):
    """A pipeline that was written and read again answers as it did."""
    for name, model in variants:
        rows = smallsteps.rows_of(name)
        assert model.predict(rows).tolist() == loads(dump(model)).predict(rows).tolist(), name


def test_the_types_of_steps_are_exactly_those_that_steps_hold(variants):
    """No type is trusted that no step needs, and none is missing."""
    found = {pair for _, model in variants for pair in audit.names(dump(model))}
    known = {(means, name) for means, names in TRUSTED.items() for name in names}
    listed = {(means, name) for means, names in OF_STEPS.items() for name in names}
    own = {(means, name) for means, name in found if name not in SCALARS}
    assert listed == own - known


@pytest.mark.slow
def test_a_changed_step_is_refused_or_answers_and_ends_nobody(variants):
    """Words, knots, indices and shapes of every step: none of them ends a process."""
    ends = []
    with Worker(Judge()) as worker:
        for name, model in variants:
            content = dump(model)
            for number in range(ROUNDS):
                try:
                    worker.call("ask", name, changed(content, f"{name} {number}"), limits=LIMITS)
                except ModelFileError:
                    continue
                except TrialFailedError as error:
                    if re.match("It (crashed|was killed|took|needed|ended)", str(error)):
                        ends.append((name, number, str(error)))
    assert [] == ends


def _text_model():
    return smallsteps.fitted("TfidfVectorizer", {}, SVC())


def _word_beyond(model):
    model["s"].vocabulary_["red"] = 1 << 20


def _files(model):
    model["s"].input = "filename"


def _vectors_beyond(model):
    model["c"].support_vectors_.indices[0] = 1 << 20


def _weights_missing(model):
    weights = model["c"]._dual_coef_
    model["c"]._dual_coef_ = weights[:, :1] @ np.ones((1, weights.shape[1]))


@pytest.mark.parametrize("damage", [_word_beyond, _files, _vectors_beyond, _weights_missing])
def test_text_models_that_point_outside_of_themselves_are_refused(damage):
    """Words to columns, vectors to words, and a vectoriser to the files of the host."""
    model = _text_model()
    damage(model)
    with pytest.raises(ModelFileError, match=r"model\.skops: must"):
        loads(dump(model))


def test_a_vectoriser_that_opens_files_is_refused(tmp_path):
    """What is asked to be predicted could name any file of the host."""
    (tmp_path / "secret").write_text("secret")
    counter = CountVectorizer(input="filename").fit([str(tmp_path / "secret")])
    with pytest.raises(ModelFileError, match="must hold a step as training makes it"):
        loads(dump(counter))


@pytest.mark.parametrize("count", [0, -1, 1 << 40])
def test_a_hash_falls_into_a_column_that_exists(count):
    """The number of columns divides the hash in compiled code."""
    model = smallsteps.fitted("HashingVectorizer")
    model["s"].n_features = count
    with pytest.raises(ModelFileError, match="must hold a step as training makes it"):
        loads(dump(model))


def test_a_spline_with_too_few_figures_is_refused():
    """Compiled code takes a row of them for each interval between knots."""
    model = smallsteps.fitted("SplineTransformer")
    spline = model["s"].bsplines_[0]
    spline._c = spline._c[:2]  # noqa: SLF001 - the damage is done to what SciPy hides
    with pytest.raises(ModelFileError, match="must hold a step as training makes it"):
        loads(dump(model))
