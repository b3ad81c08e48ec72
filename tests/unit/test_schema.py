"""The schema, its messages and the reference written from it."""

from __future__ import annotations

from pathlib import Path

from jsonschema import Draft202012Validator

from sweepstake.domain.spec import DataSpec, Limits, PromotionPolicy, SweepSpec
from sweepstake.gridfile import allowlist, boosters, metrics, schema, units
from sweepstake.gridfile.document import Document
from sweepstake.gridfile.reference import reference

DOCS = Path(__file__).parents[2] / "docs" / "grid-reference.md"
MARK = (
    "<!-- written from schemas/sweep.schema.json by sweepstake.gridfile.reference.reference() -->\n"
)


def _objects(part):
    """Every mapping within the schema."""
    if isinstance(part, dict):
        yield part
        for inner in part.values():
            yield from _objects(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _objects(inner)


def test_the_schema_is_valid():
    """It is a schema of the draft that it names."""
    Draft202012Validator.check_schema(schema.schema())


def test_the_packaged_schema_is_the_published_one():
    """Editors and the loader read the same file."""
    published = Path(__file__).parents[2] / "schemas" / "sweep.schema.json"
    assert published.read_text("utf-8") == schema.text()


def test_every_keyword_that_can_fail_has_its_words():
    """No mistake ends in the jargon of the validator."""
    silent = {
        "$schema", "$defs", "$ref", "title", "description", "default", "examples", "errorMessage",
            "typeMessage",
        "properties", "items", "if", "then", "else", "allOf", "anyOf", "not", "pattern",
        "additionalProperties", "propertyNames",
    }  # fmt: skip
    used = {keyword for part in _objects(schema.schema()) if "type" in part for keyword in part}
    assert used - silent - set(schema.RULES) == set()


def test_anything_worded_by_the_schema_has_a_message():
    """``anyOf``, ``not`` and ``pattern`` say nothing to a user without ``errorMessage``."""
    parts = [part for part in _objects(schema.schema()) if {"not", "pattern"} & part.keys()]
    assert [] == [part for part in parts if "errorMessage" not in part]


def test_editors_complete_every_classifier():
    """The examples of ``estimator`` are the estimators that the loader takes, with all extras."""
    names = [name.rpartition(".")[2] for name in allowlist.estimator_names()]
    short = sorted([*names, *boosters.BOOSTERS])
    assert short == schema.schema()["$defs"]["estimator"]["examples"]


def test_every_key_is_described_with_a_title():
    """Completion shows what a key is for."""
    properties = {
        name: {**schema.schema()["$defs"].get(part.get("$ref", "")[8:], {}), **part}
        for owner in _objects(schema.schema())
        if owner.get("additionalProperties") is False
        for name, part in owner["properties"].items()
    }
    assert [] == [name for name, part in properties.items() if not part.get("description")]
    assert [] == [name for name, part in properties.items() if not part.get("title")]


def test_the_docs_are_written_from_the_schema():
    """The tables of the grid reference equal what ``reference()`` writes."""
    assert DOCS.read_text("utf-8").partition(MARK)[2].strip() == reference().strip()


def test_defaults_of_the_schema_are_those_of_the_records():
    """What the schema promises for a key left out is what the loader does."""
    keys = schema.schema()["properties"]
    data, limits = schema.schema()["$defs"]["data"]["properties"], keys["limits"]["properties"]
    promised = {
        "metric": keys["metric"]["default"],
        "cv": keys["cv"]["default"],
        "seed": keys["seed"]["default"],
        "holdout": data["holdout"]["default"],
        "max_trials": limits["max_trials"]["default"],
        "max_failed": limits["max_failed"]["default"],
        **{
            f"promotion.{key}": keys["promotion"]["properties"][key]["default"]
            for key in ("min_delta", "confidence", "approval", "then")
        },
        "promotion.guards": tuple(keys["promotion"]["properties"]["guards"]["default"]),
        "promotion.wait": units.seconds_of(keys["promotion"]["properties"]["wait"]["default"]),
    }
    spec = SweepSpec("a", "a", DataSpec("x"), (), "f1_macro")
    assert promised == {
        "metric": spec.metric,
        "cv": spec.cv,
        "seed": spec.seed,
        "holdout": spec.data.holdout,
        "max_trials": Limits().max_trials,
        "max_failed": Limits().max_failed,
        **{
            f"promotion.{key}": getattr(PromotionPolicy(), key)
            for key in ("min_delta", "confidence", "approval", "then", "guards", "wait")
        },
    }


def test_example_metrics_exist():
    """The metrics that editors suggest are scorers."""
    suggested = schema.schema()["properties"]["metric"]["examples"]
    assert [] == [name for name in suggested if metrics.problem_of(name)]


def test_a_misspelt_key_is_not_also_missing():
    """One slip is one message."""
    document = Document({"data": {"sourse": "a"}, "estimator": "SVC"}, {"": 1, "data.sourse": 1})
    assert ["line 1: data.sourse: unknown key. Did you mean 'source'?"] == [
        str(problem) for problem in schema.problems_of(document)
    ]
