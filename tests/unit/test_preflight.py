"""Preflight: refusals, estimates and warnings of whole grid files."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sweepstake.data import dataset, splitting
from sweepstake.errors import GridFileError
from sweepstake.gridfile import loader, search_space
from sweepstake.preflight import checks, refusals, time_estimate, trial_fits
from sweepstake.preflight.trial_fits import Outcome, Refusal, sentence, try_fit
from sweepstake.settings import load_settings

GRIDS = Path(__file__).parents[1] / "grids"
SETTINGS = replace(load_settings({}), data_roots=(GRIDS,))
IRIS = 'data: {source: "sklearn:iris"}\n'


def _grid(text):
    return loader.parse((IRIS + text).encode(), "a.yaml", SETTINGS)


def _rows(grid):
    table = dataset.read(grid.spec.data, ())
    train, _ = splitting.split(table, grid.spec.data.holdout, grid.spec.seed)
    return checks.first_fold(grid.spec, table, train)


class Timed:
    """A process with the 96 rows of a fold on which fits take what they are said to."""

    row_count = 96

    def __init__(self, seconds_of_rows):
        self._seconds_of_rows = seconds_of_rows

    def on_rows(self, _, count):
        """Take the time for so many rows."""
        return Outcome(self._seconds_of_rows(count))


def _messages(text):
    with pytest.raises(GridFileError) as caught:
        checks.check(_grid(text), SETTINGS)
    return [str(problem) for problem in caught.value.problems]


def test_a_sound_sweep_is_counted_and_timed():
    """Trials, rows and a time that is more than nothing."""
    checked = checks.check(_grid("estimator: GaussianNB"), SETTINGS)
    assert (1, 150, ()) == (checked.trial_count, checked.rows, checked.warnings)
    assert 0 < checked.estimate_seconds < 60


def test_the_fits_of_a_refused_metric_and_of_refused_points_come_together():
    """All mistakes at once, those of fits before those of the metric by their lines."""
    text = "estimator: LogisticRegression\ngrid: {solver: [lbfgs, liblinear]}\nmetric: f1"
    first, second = _messages(text)
    assert first.startswith("line 2: estimator: cannot be fitted in 1 of 2 trials, first with solv")
    assert second.startswith("line 4: metric: 'f1' cannot be taken of 'LogisticRegression': ")


def test_refused_points_may_be_skipped():
    """Each reason is a warning then, and counts its points; the time is that of the others."""
    text = "estimator: KNeighborsClassifier\ngrid: {n_neighbors: [3, 700, 800]}\non_invalid: skip"
    checked = checks.check(_grid(text), SETTINGS)
    expected = (
        "KNeighborsClassifier cannot be fitted in 2 of 3 trials, first with n_neighbors=700: "
        "n_neighbors must be at most the rows that are fitted, 96. Such trials are skipped."
    )
    assert (3, (expected,)) == (checked.trial_count, checked.warnings)
    assert checked.estimate_seconds > 0


def test_a_refused_metric_is_not_skipped():
    """It says nothing about a point."""
    text = "estimator: GaussianNB\ngrid: {var_smoothing: [0.1, 1.0]}\nmetric: f1\non_invalid: skip"
    (message,) = _messages(text)
    assert message.startswith("line 4: metric: 'f1' cannot be taken of 'GaussianNB': ")


def test_a_point_that_ends_its_process_is_not_skipped(monkeypatch):
    """It would fail as a trial: what it needs is memory, not another value."""

    def tried(point, *_):
        return os.abort() if point.params["C"] == 2 else Outcome(0.1)

    monkeypatch.setattr(trial_fits, "try_fit", tried)
    text = "estimator: LogisticRegression\ngrid: {C: [1, 2]}\non_invalid: skip"
    (message,) = _messages(text)
    assert "cannot be fitted in 1 of 2 trials, first with C=2: It crashed the " in message


def test_an_extreme_number_is_refused_for_all_its_trials(monkeypatch):
    """One value of a long axis is enough to be refused, and is counted with every choice."""
    monkeypatch.setattr(refusals, "PROBE_SECONDS", 600)  # a busy machine begins no probe after 20 s
    text = "estimator: KNeighborsClassifier\ngrid: {n_neighbors: [3, 999], p: [1, 2]}"
    (message,) = _messages(text)
    assert "cannot be fitted in 2 of 4 trials, first with n_neighbors=999, p=1: " in message


@pytest.mark.parametrize(
    ("values", "first"), [("3, 97, 50, 96, 700, 120", 97), ("700, 97, 120, 3, 50, 96", 700)]
)
def test_every_refused_number_is_counted(monkeypatch, values, first):
    """Three of six ask for more neighbours than the 96 rows of a fold, wherever they stand."""
    monkeypatch.setattr(refusals, "PROBE_SECONDS", 600)
    choices = "leaf_size: [10, 20], weights: [uniform, distance]"
    text = f"estimator: KNeighborsClassifier\ngrid: {{n_neighbors: [{values}], {choices}}}"
    (message,) = _messages(text)
    told = f"cannot be fitted in 12 of 24 trials, first with leaf_size=10, n_neighbors={first}, "
    assert told in message


def test_a_number_that_some_choices_refuse_is_counted_with_these(monkeypatch):
    """A share is taken where it is not used; the numbers of other axes are not to blame."""
    monkeypatch.setattr(refusals, "PROBE_SECONDS", 600)
    shares = "early_stopping: [false, true], validation_fraction: [0.001, 0.1]"
    text = f"estimator: SGDClassifier\ngrid: {{alpha: [0.001, 0.01, 0.1], {shares}}}"
    (message,) = _messages(text)
    assert "cannot be fitted in 3 of 12 trials, first with alpha=0.001, early_sto" in message


def test_a_rule_on_the_sizes_of_classes_is_judged_by_all_rows(tmp_path, monkeypatch):
    """Rows of each class that are as many hide that `nu` is too great for unequal classes."""
    monkeypatch.setattr(refusals, "PROBE_SECONDS", 600)
    rows = "".join(f"{n % 17},{n % 5},{'ab'[n % 10 == 0]}\n" for n in range(200))
    (tmp_path / "rows.csv").write_text(f"x,z,kind\n{rows}")
    settings = replace(SETTINGS, data_roots=(tmp_path,))
    text = b"data: {source: rows.csv, target: kind}\nestimator: NuSVC\ngrid: {nu: [0.1, 0.3, 0.5]}"
    with pytest.raises(GridFileError, match=r"in 2 of 3 trials, .*nu=.*: specified nu is"):
        checks.check(loader.parse(text, "a.yaml", settings), settings)


def test_what_only_few_rows_refuse_is_no_mistake():
    """Fifty neighbours need more rows than a first try has, but not more than a fold has."""
    text = "estimator: KNeighborsClassifier\nparams: {n_neighbors: 50}"
    assert 1 == checks.check(_grid(text), SETTINGS).trial_count


def test_the_search_for_refusals_ends_in_time(monkeypatch):
    """A grid of many choices is tried in part, and the warnings say so."""
    monkeypatch.setattr(refusals, "MOST_PROBES", 2)
    text = "estimator: SVC\ngrid: {kernel: [linear, rbf, poly]}"
    (warning,) = checks.check(_grid(text), SETTINGS).warnings
    expected = "Not every combination of choices was tried: there are too many, or they take long."
    assert expected == warning


def test_points_written_twice_are_warned_of():
    """What the grid repeats is trained once."""
    text = "estimator: GaussianNB\ngrid: [{var_smoothing: [1e-9]}, {var_smoothing: [1e-9, 1e-3]}]"
    checked = checks.check(_grid(text), SETTINGS)
    expected = "points that the grid writes more than once: 1; each is trained once."
    assert (checked.trial_count, checked.warnings) == (2, (expected,))


def means(spec, timed):
    """The estimates of the products of a sweep."""
    return tuple(each.mean for each in time_estimate.trial_seconds(spec, timed))


@pytest.mark.parametrize(
    ("seconds_of_rows", "expected"),
    [(lambda count: 0.01 * count, 0.96), (lambda _: 0.5, 0.5), (lambda _: 3.0, 3.0)],
)
def test_time_is_drawn_out_to_a_whole_fold_by_its_growth(seconds_of_rows, expected):
    """Each trial costs the seconds of one fold, once for each fold and once for the last fit."""
    grid = _grid("estimator: GaussianNB\ncv: 5")
    actual = means(grid.spec, Timed(seconds_of_rows))
    assert actual == pytest.approx((expected * 6,))


def test_a_fit_takes_what_it_computes_not_what_it_waits(monkeypatch):
    """Other work on the machine makes no estimate longer."""

    def slow(*_):
        time.sleep(0.3)
        return None, 0.0

    monkeypatch.setattr(trial_fits, "_refusal", slow)
    grid = _grid("estimator: GaussianNB")
    outcome = try_fit(search_space.all_products(grid.spec)[0][0], grid.spec, None)
    assert outcome.seconds < 0.3


def test_a_try_that_is_refused_on_few_rows_is_no_measure():
    """What the others weigh is compared with a fit, not with a refusal."""

    class OnMany(Timed):
        """A process that refuses what has fewer rows."""

        row_count = 1000

        def on_rows(self, _, count):
            """Refuse fewer rows than 800, in a short time."""
            refusal = trial_fits.Refusal("no.") if count < 800 else None
            return trial_fits.Outcome(0.03 if refusal else 0.3 * count / 1000, refusal)

    grid = _grid("estimator: KNeighborsClassifier\ngrid: {n_neighbors: [300, 5]}\ncv: 5")
    (seconds,) = time_estimate.trial_seconds(grid.spec, OnMany(lambda _: 0.0))
    assert {300: 1.0, 5: 1.0} == seconds.weights["n_neighbors"]


def test_slow_growth_is_extrapolated(monkeypatch):
    """From two timed sizes, the rest of the rows follows on the line through them."""
    monkeypatch.setattr(time_estimate, "FIRST_ROWS", 10)
    grid = _grid("estimator: GaussianNB\ncv: 5")
    actual = [
        each.mean
        for each in time_estimate.trial_seconds(grid.spec, Timed(lambda count: 0.8 + 0.01 * count))
    ]
    assert tuple(actual) == pytest.approx(((0.8 + 0.96) * 6,))


def test_the_estimate_is_the_mean_over_the_values_of_each_axis():
    """One kernel takes three times as long as the first one: two on average."""

    class OfKernels(Timed):
        """A process on which kernels take different times."""

        def on_rows(self, point, _):
            """Take the time of the kernel."""
            seconds = 0.3 if point.params["kernel"] == "poly" else 0.1
            return trial_fits.Outcome(seconds, None)

    values = ", ".join(f"{number / 100}" for number in range(1, 41))
    grid = _grid(f"estimator: SVC\ngrid: {{kernel: [linear, poly], tol: [{values}]}}\ncv: 5")
    assert means(grid.spec, OfKernels(lambda _: 0.0)) == pytest.approx((0.2 * 6,))


def test_products_beyond_the_time_for_timing_count_as_the_mean(monkeypatch):
    """Not every product needs to be timed for an estimate."""
    monkeypatch.setattr(time_estimate, "TIMING_SECONDS", -1.0)
    grid = _grid("candidates: [{estimator: GaussianNB}, {estimator: SVC, grid: {C: [1, 2, 3]}}]")
    actual = means(grid.spec, Timed(lambda _: 2.0))
    assert actual == pytest.approx((2.0 * 6, 2.0 * 6))


@pytest.mark.slow
def test_a_classifier_without_end_does_not_hold_preflight_up(monkeypatch):
    """A billion trees are ended, which is no mistake, and their estimate is no less than that."""
    monkeypatch.setattr(trial_fits, "LONGEST_SECONDS", 1.0)
    monkeypatch.setattr(refusals, "PROBE_SECONDS", 0.5)
    grid = _grid("estimator: RandomForestClassifier\nparams: {n_estimators: 1000000000}")
    checked = checks.check(grid, SETTINGS)
    assert (1, True) == (len(checked.warnings), checked.estimate_seconds > 6)


@pytest.mark.slow
def test_a_classifier_beyond_the_memory_is_refused():
    """It is ended before the machine has no memory left, and the limit is named."""
    text = "estimator: MLPClassifier\nparams: {hidden_layer_sizes: [6000, 6000]}\n"
    (message,) = _messages(text + "limits: {trial_memory: 300MB}")
    expected = "cannot be fitted with hidden_layer_sizes=[6000, 6000]: It needed more memory than "
    assert expected + "limits.trial_memory = 0.3 GB." in message


def test_few_rows_hold_each_class():
    """The first try has the given number of rows of each class."""
    grid = _grid("estimator: GaussianNB")
    few = _rows(grid).few_of_each_class(4)
    assert [0] * 4 + [1] * 4 + [2] * 4 == sorted(few.y_fit.tolist())


def test_a_refused_metric_suggests_those_that_were_tried():
    """Suggestions suit the fitted classifier: no probabilities, no ``roc_auc_ovr``."""
    grid = _grid("estimator: LinearSVC\nmetric: roc_auc")
    refusal = try_fit(grid.spec.candidates[0].estimator, grid.spec, _rows(grid)).refusal
    assert refusal == Refusal(
        "multi_class must be in ('ovo', 'ovr').",
        metric="roc_auc",
        place="metric",
        alternatives=("f1_macro", "balanced_accuracy"),
    )


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("one\ntwo"), "one."),
        (ValueError("  a   b.  "), "a b."),
        (KeyError(), "KeyError."),
        (ValueError("x" * 500), "x" * 299 + "…"),
    ],
)
def test_an_error_is_told_in_one_sentence(error, expected):
    """The first line is the sentence, with a full stop."""
    assert expected == sentence(error)
