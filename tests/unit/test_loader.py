"""From the bytes of a grid file to its spec."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepstake.domain.spec import (
    Candidate,
    DataSpec,
    EstimatorSpec,
    Limits,
    Preprocess,
    PromotionPolicy,
    SweepSpec,
)
from sweepstake.errors import GridFileError
from sweepstake.gridfile import loader
from sweepstake.gridfile.schema import schema
from sweepstake.settings import load_settings

SETTINGS = load_settings({})
FULL = b"""
name: digits-forest
model: digits
data: {source: "sklearn:digits", target: label, drop: [id], holdout: 0.3}
preprocess: none
estimator: SVC
params: {kernel: rbf}
grid:
  - {C: [1, 2]}
  - {gamma: [scale]}
metric: accuracy
cv: 3
seed: 7
register: {top: 4}
limits: {max_trials: 9, max_failed: 2, trials_per_task: 3}
promotion: {min_delta: 0.1}
"""


def _parse(text, file="grids/a.yaml", settings=SETTINGS):
    return loader.parse(text if isinstance(text, bytes) else text.encode(), file, settings)


def _message(content, file="a.yaml"):
    with pytest.raises(GridFileError) as caught:
        _parse(content, file)
    return str(caught.value)


def _answer(content, file):
    """The problems of a file; none if it is right."""
    try:
        _parse(content, file)
    except GridFileError as error:
        return error.problems
    return ()


def test_every_key_reaches_the_spec():
    """A file that uses every key is parsed into the record that it describes."""
    expected = SweepSpec(
        name="digits-forest",
        model="digits",
        data=DataSpec("sklearn:digits", ("label",), ("id",), 0.3),
        candidates=(
            Candidate(
                EstimatorSpec("sklearn.svm.SVC", {"kernel": "rbf"}),
                ({"C": (1, 2)}, {"gamma": ("scale",)}),
            ),
        ),
        metric="accuracy",
        cv=3,
        seed=7,
        preprocess=Preprocess.NONE,
        register_top=4,
        limits=Limits(9, 2, 3),
        promotion=PromotionPolicy(0.1),
    )
    assert expected == _parse(FULL).spec


def test_a_sweep_is_named_by_its_content():
    """The id is the name and the first digits of the hash of the bytes."""
    grid = _parse(FULL)
    digest = sha256(FULL).hexdigest()
    assert (digest, f"digits-forest__{digest[:12]}") == (grid.digest, grid.sweep_id)


def test_the_courses_shape_has_defaults_for_everything():
    """A classifier alone is a sweep of one trial over the default data."""
    spec = _parse("classificator: sklearn.svm.SVC\nkwargs: [{C: 2}, {kernel: rbf}]").spec
    estimator = EstimatorSpec("sklearn.svm.SVC", {"C": 2, "kernel": "rbf"})
    assert (spec.candidates, spec.metric) == ((Candidate(estimator),), "f1_macro")
    assert ("a", "a", "sklearn:iris") == (spec.name, spec.model, spec.data.source)


def test_the_default_data_is_a_setting():
    """The operator says what the course's shape trains on."""
    settings = replace(SETTINGS, default_source="sklearn:wine")
    assert "sklearn:wine" == _parse("classificator: SVC", settings=settings).spec.data.source


@pytest.mark.parametrize(("register", "expected"), [("all", None), ("best", 1), ("{top: 3}", 3)])
def test_register_says_how_many(register, expected):
    """All is no bound, best is one."""
    spec = _parse(f"classificator: SVC\nregister: {register}").spec
    assert expected == spec.register_top


def test_the_suffix_decides_how_a_file_is_read():
    """The same bytes are JSON in one file and YAML in the other."""
    text = '{"classificator": "SVC"}'
    assert _parse(text, "a.JSON").spec == _parse(text, "a.yaml").spec
    assert "is not valid JSON" in _message("classificator: SVC", "a.json")


def test_lines_of_parts_can_be_asked_for():
    """Later checks put their messages on the line of the part they are about."""
    grid = _parse(FULL)
    places = ["data.target", "grid[1].gamma", "grid[1].nowhere", "cv"]
    assert [4, 10, 10, 12] == [grid.line_of(place) for place in places]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("estimator: SVC", ["estimator"]),
        ("candidates: [{estimator: SVC}, {estimator: SVC}]", [
            "candidates[0].estimator", "candidates[1].estimator"
        ]),
    ],
)  # fmt: skip
def test_the_place_of_a_classifier_is_known_in_every_shape(text, expected):
    """Messages about a fit point at the classifier that was fitted."""
    grid = _parse(f'data: {{source: "sklearn:iris"}}\n{text}')
    actual = [grid.classifier_path(number) for number in range(len(grid.spec.candidates))]
    assert expected == actual


def test_a_file_that_is_too_large_is_refused_unread():
    """Ten megabytes are refused by their size."""
    expected = "a.yaml: must not be larger than 1,000,000 bytes. Split the sweep."
    assert expected == _message(b"#" * 10_000_000)


def test_a_large_file_is_not_read_whole(tmp_path):
    """Reading stops one byte after the limit."""
    (tmp_path / "a.yaml").write_bytes(b"#" * 3_000_000)
    assert 1_000_001 == len(loader.read(tmp_path / "a.yaml"))


@pytest.mark.parametrize(
    ("name", "reason"), [("absent.yaml", "No such file or directory"), ("", "Is a directory")]
)
def test_a_file_that_cannot_be_read_is_reported(tmp_path, name, reason):
    """No traceback for a file that is not there or is a folder."""
    path = tmp_path / name
    with pytest.raises(GridFileError) as caught:
        loader.load(path, SETTINGS)
    expected = f"{path}: cannot be read: {reason}. Check its name and permissions."
    assert expected == str(caught.value)


def test_a_grid_of_a_trillion_points_is_refused_at_once():
    """Size is computed, never counted."""
    names = ("C", "gamma", "degree", "coef0", "tol", "cache_size", "max_iter", "random_state")
    axes = "\n".join(f"  {name}: [{', '.join(map(str, range(1, 33)))}]" for name in names)
    text = f'data: {{source: "sklearn:iris"}}\nestimator: SVC\ngrid:\n{axes}\n'
    _message(text)
    began = time.perf_counter()
    assert "but has 1,099,511,627,776." in _message(text)
    assert time.perf_counter() - began < 1


def test_a_draft_keeps_the_data_of_a_file_with_other_mistakes():
    """The data can be checked although the grid is wrong."""
    draft = loader.draft(b'data: {source: "sklearn:iris"}\nestimator: SVCC', "a.yaml", SETTINGS)
    assert (draft.data, draft.grid) == (DataSpec("sklearn:iris"), None)
    broken = loader.draft(b"data: {sauce: 1}\nestimator: SVC", "a.yaml", SETTINGS)
    assert broken.data is None


def test_a_flood_of_mistakes_is_cut_short():
    """A hundred mistakes are told, the others counted, at the end."""
    values = ", ".join(["-1"] * 150)
    text = f'data: {{source: "sklearn:iris"}}\nestimator: SVC\ngrid: {{C: [{values}]}}\n'
    lines = _message(text).splitlines()
    expected = "a.yaml: line 3: …: and 50 more mistakes. Fix those above first."
    assert (len(lines), lines[-1]) == (101, expected)


KEYS = [*schema()["properties"], "source", "target", "C", "top"]
VALUES = st.recursive(
    st.sampled_from(["SVC", "sklearn:iris", "all", None, True, 0, -1, 5, 0.5, 1e300, "f1", ""]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6))
def test_no_tree_of_values_ends_in_another_error(tree):
    """Whatever the shape, the answer is a spec or a readable error."""
    answer = _answer(json.dumps(tree).encode(), "a.json")
    assert all(problem.message.endswith((".", "?")) for problem in answer)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_end_in_another_error(content):
    """Neither do bytes of any kind."""
    answers = [*_answer(content, "a.yaml"), *_answer(content, "a.json")]
    assert all(problem.message for problem in answers)


@pytest.mark.parametrize("key", ["limits: {trial_memory", "promotion: {max_size"])
def test_a_size_that_no_machine_has_is_a_mistake(key):
    """Hundreds of digits overflow a float: they are refused at their line, and raise nothing."""
    content = f'data: {{source: "sklearn:iris"}}\nestimator: SVC\n{key}: {"9" * 400}GB}}\n'.encode()
    with pytest.raises(GridFileError, match=r"line \d+: \w+\.\w+: must be"):
        loader.parse(content, "a.yaml", SETTINGS)


def test_what_nobody_thought_of_is_a_mistake_of_its_file(monkeypatch):
    """Whatever understanding a file raises, the file is refused, and those beside it are read."""
    monkeypatch.setattr(loader, "_spec", lambda *_: {}["lost"])
    with pytest.raises(GridFileError, match=r"ended with KeyError\. That is a fault"):
        loader.parse(FULL, "a.yaml", SETTINGS)
