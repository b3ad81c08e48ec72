"""The cast: rows of any form as the columns that a model was trained on."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from sweepstake.casting.column_cast import ColumnCast
from sweepstake.casting.numerals import Rules
from sweepstake.data import columns
from sweepstake.domain.spec import CsvSpec
from sweepstake.training import pipeline

FILE = pd.DataFrame(
    {
        "age": [31.0, np.nan, 55.0],
        "member": [True, None, False],
        "zip": ["0123", "99", "4.0"],
        "region": ["east", "None", None],
    }
)
TRAINED = pd.DataFrame({name: columns.feature(FILE[name]) for name in FILE})
CAST = ColumnCast.like(TRAINED)
GAPS = [None, np.nan, np.float64("nan"), pd.NA, pd.NaT, Decimal("nan")]


def cells(name, *given, cast=CAST):
    """What the cast makes of cells of one column, the others being gaps."""
    frame = pd.DataFrame({other: [None] * len(given) for other in cast.feature_names_in_})
    frame[name] = pd.Series(given, dtype=object)
    found = cast.transform(frame)[name].astype(object)
    return [None if gap else cell for cell, gap in zip(found, found.isna(), strict=True)]


def refusal(rows, cast=CAST):
    """What the cast says of rows that it refuses."""
    with pytest.raises(ValueError, match="must h") as caught:
        cast.transform(rows)
    return str(caught.value)


@pytest.mark.parametrize("cell", [-999, -999.0, "-999", " -999.0", np.int64(-999)])
def test_a_number_that_was_a_gap_in_the_file_is_a_gap(cell):
    """As a number and as text."""
    cast = ColumnCast.like(TRAINED, Rules.of(CsvSpec(missing=("-999", ""))))
    assert [None, 5.0] == cells("age", cell, 5, cast=cast)
    frame = TRAINED.assign(age=[-999.0, 5.0, 6.0])
    assert [True, False, False] == cast.transform(frame)["age"].isna().tolist()


@pytest.mark.parametrize("cell", [-999, -999.0, Decimal(-999), "-999"])
def test_a_number_that_was_a_gap_among_text_is_a_gap(cell):
    """Another number is the text that it was, and a truth value is no number."""
    cast = ColumnCast.like(TRAINED, Rules.of(CsvSpec(missing=("-999", "1", ""))))
    assert [None, "99", "True"] == cells("zip", *(cell, 99, True), cast=cast)


def test_the_rows_of_the_file_become_the_rows_trained_on():
    """Names, order, types, categories and gaps are those of training."""
    pd.testing.assert_frame_equal(TRAINED, CAST.transform(FILE.assign(other=1)[[*FILE][::-1]]))


@pytest.mark.parametrize(
    "rows",
    [
        FILE.astype({"age": "Float64", "member": "boolean", "zip": "category", "region": "string"}),
        FILE.astype({"age": "Int64", "member": "category", "region": "category"}),
        FILE.astype({"age": object, "zip": object, "region": object}),
        {name: FILE[name].tolist() for name in FILE},
        {name: FILE[name].to_numpy() for name in FILE},
        FILE.to_dict(orient="records"),
        FILE.to_numpy(),
        FILE.to_numpy().tolist(),
        pd.DataFrame([{name: FILE[name].tolist() for name in FILE}]),
    ],
)
def test_every_form_of_rows_is_taken(rows):
    """Frames of other types, mappings, records and arrays give the same rows."""
    pd.testing.assert_frame_equal(TRAINED, CAST.transform(rows))


def test_a_row_alone_is_what_it_is_in_company():
    """No cell depends on the rows beside it, nor on what pandas makes of a column of gaps."""
    for row in range(len(FILE)):
        alone = CAST.transform(pd.DataFrame(FILE.to_dict(orient="records")[row : row + 1]))
        expected = TRAINED.iloc[[row]].astype(object).reset_index(drop=True)
        pd.testing.assert_frame_equal(expected, alone.astype(object), check_dtype=False)


def test_numbers_take_what_is_a_number():
    """Whole numbers, truth values, decimals and numbers written as text are floats."""
    given = [3, np.int8(3), True, Decimal("2.5"), "2.5", " 1e3 ", 2**70, *GAPS]
    assert [3.0, 3.0, 1.0, 2.5, 2.5, 1000.0, 2.0**70, *[None] * 6] == cells("age", *given)


def test_truth_values_are_one_thing_however_they_are_written():
    """Text in any case, truth values and 1 and 0; other text is a value of its own."""
    given = [True, np.True_, "true", "TRUE", " True", 1, 1.0, False, "false", 0, "maybe", *GAPS]
    expected = [*["True"] * 7, *["False"] * 3, "maybe", *[None] * 6]
    assert expected == cells("member", *given)


def test_text_takes_numbers_as_the_file_writes_them():
    """What pandas reads as a number where it is alone is the text that training had."""
    given = [123, 123.0, 99, 99.0, 4, 4.0, 7, 7.0, 1.5, Decimal(99), True, 1]
    expected = ["0123", "0123", "99", "99", "4.0", "4.0", "7", "7", "1.5", "99", "True", "1"]
    assert expected == cells("zip", *given)


def test_text_is_kept_and_every_gap_is_one():
    """The text None is a value; None, NaN, NA and NaT are the same gap."""
    assert ["None", "never", *[None] * 6] == cells("region", "None", "never", *GAPS)


def test_a_narrow_model_gets_narrow_numbers():
    """A model of float32 is asked with float32."""
    cast = ColumnCast.like(pd.DataFrame({"a": np.array([1.5], dtype=np.float32)}))
    assert ["float32"] == [str(kind) for kind in cast.transform({"a": [1, 2]}).dtypes]
    assert "row 1 holds 1e+300" in refusal({"a": [1e300]}, cast)


def test_all_that_is_unfit_is_told_at_once():
    """Each column with its rule, the first cell against it and a way out."""
    rows = FILE.assign(age=["31", "x" * 99, "y"], region=["east", [1], None])
    assert (
        f"column 'age': must hold numbers, but row 2 holds '{'x' * 38}…. "
        "Send a number, or null for a gap. "
        "column 'region': must hold text, but row 2 holds [1]. Send text, or null for a gap."
    ) == refusal(rows)


@pytest.mark.parametrize(
    ("name", "cell", "expected"),
    [
        ("age", "1_000", "numbers, but row 1 holds '1_000'"),
        ("age", "nan", "numbers, but row 1 holds 'nan'"),
        ("age", "", "numbers, but row 1 holds ''"),
        ("age", np.inf, "finite numbers, but row 1 holds inf"),
        ("age", 10**400, "finite numbers, but row 1 holds 1000"),
        ("age", 1j, "numbers, but row 1 holds 1j"),
        ("age", b"1", "numbers, but row 1 holds b'1'"),
        ("age", datetime(2026, 1, 1, tzinfo=UTC), "numbers, but row 1 holds datetime"),
        ("region", datetime(2026, 1, 1, tzinfo=UTC), "text, but row 1 holds datetime"),
        ("region", {"a": 1}, "text, but row 1 holds {'a': 1}"),
        ("region", np.inf, "text, but row 1 holds inf"),
        ("member", b"true", "truth values, but row 1 holds b'true'"),
    ],
)
def test_what_no_cell_of_a_column_can_be_is_refused(name, cell, expected):
    """The column, its rule and the cell are named."""
    assert f"column {name!r}: must hold {expected}" in refusal(
        FILE.astype(object).assign(**{name: pd.Series([cell] * 3, dtype=object)})
    )


SHOP = CsvSpec(thousands=",", percent=True, units=("$",), missing=("?", ""))
ABROAD = CsvSpec(decimal=",", thousands=".")


@pytest.mark.parametrize(
    ("spec", "name", "given", "expected"),
    [
        (SHOP, "age", ["1,234", "5 %", "$3", " 7 ", "?", ""], [1234, 0.05, 3, 7, None, None]),
        (SHOP, "region", ["east", "None", "NA", " ? ", ""], ["east", "None", "NA", None, None]),
        (SHOP, "member", ["TRUE", "?", "", "NA"], ["True", None, None, "NA"]),
        (ABROAD, "age", ["1.234", "1.234,5", "0,5", "NA"], [1234, 1234.5, 0.5, None]),
        (ABROAD, "zip", ["0123", "NA", 99, "nan"], ["0123", None, "99", None]),
        (CsvSpec(), "age", ["1e3", "NA", " null ", "nan"], [1000, None, None, None]),
        (CsvSpec(), "region", ["east", "None", "NA", ""], ["east", None, None, None]),
        (CsvSpec(), "member", ["false", "None"], ["False", None]),
    ],
)
def test_text_means_what_it_meant_in_the_file(spec, name, given, expected):
    """Numbers and gaps are written as in the file that was trained on; other text is kept."""
    cast = ColumnCast.like(TRAINED, Rules.of(spec))
    assert expected == cells(name, *given, cast=cast)
    assert expected == cells(name, *given, cast=clone(cast))


@pytest.mark.parametrize("text", ["1,23", "1,5", "3 EUR", "five", "$" + " " * 50_000 + "x"])
def test_what_the_file_would_not_read_as_a_number_is_refused(text):
    """However long it is."""
    cast = ColumnCast.like(TRAINED, Rules.of(SHOP))
    rows = FILE.astype(object).assign(age=text)
    assert "column 'age': must hold numbers, but row 1 holds" in refusal(rows, cast)


@pytest.mark.parametrize("kind", ["datetime64[ns]", "complex128", "timedelta64[ns]"])
@pytest.mark.parametrize("name", ["age", "region", "member"])
def test_columns_of_other_types_are_refused(name, kind):
    """Dates and complex numbers are nothing that a model was trained on."""
    column = pd.Series([1, 2, 3]).astype(kind)
    assert f"column {name!r}: must hold" in refusal(FILE.assign(**{name: column}))


def test_missing_columns_are_named():
    """And so are those that are there."""
    expected = (
        "the rows: must have the columns 'age', 'region', but have 'zip', 'member'. "
        "Send every column of the data."
    )
    assert expected == refusal(FILE[["zip", "member"]])
    assert "have the columns 'age', 'member', 'zip', 'region', but have none" in refusal([{}, {}])


def test_a_column_that_is_there_twice_is_refused():
    """Nobody knows which one is meant."""
    assert "once, but have 'age' more often" in refusal(FILE[["age", *FILE]])


def test_a_pipeline_with_a_cast_is_one_of_scikit_learn():
    """It is cloned, knows its columns, and predicts what the fitted steps predict."""
    y = np.array([0, 1, 0])
    x = TRAINED[["age", "member"]]
    fitted = pipeline.build(LogisticRegression(), pipeline.Preprocess.AUTO, x).fit(x, y)
    whole = pipeline.castable(fitted, ColumnCast.like(x))
    assert ["age", "member"] == list(whole.feature_names_in_)
    assert 2 == whole.n_features_in_
    assert fitted.predict_proba(x).tolist() == whole.predict_proba(FILE).tolist()
    assert fitted.predict_proba(x).tolist() == clone(whole).fit(FILE, y).predict_proba(x).tolist()


def test_a_bare_classifier_gets_a_cast_too():
    """Without preprocessing the stored model is the cast and the classifier."""
    x = TRAINED[["age"]].fillna(0)
    whole = pipeline.castable(LogisticRegression().fit(x, [1, 0, 1]), ColumnCast.like(x))
    assert (Pipeline, ["cast", "classifier"]) == (type(whole), [name for name, _ in whole.steps])
    assert whole.predict(x[1:2]).tolist() == whole.predict([{"age": "0"}]).tolist()


def test_a_model_from_before_there_were_rules_answers():
    """What was stored without them reads text as it always did: no text is a gap."""
    stored = ColumnCast.__new__(ColumnCast)
    vars(stored)["columns"] = ColumnCast.like(pd.DataFrame({"a": [1.0]})).columns
    assert [2.0] == stored.transform(pd.DataFrame({"a": ["2"]}))["a"].tolist()
    with pytest.raises(ValueError, match="NA"):
        stored.transform(pd.DataFrame({"a": ["NA"]}))


def test_gaps_alone_are_no_numbers_to_a_column_of_text():
    """A frame in which nothing is given has columns of floats; those of text become such again."""
    trained = pd.DataFrame({"kind": pd.Categorical(["a", "b", None])})
    asked = pd.DataFrame({"kind": [None, None]}, dtype="float64")
    found = ColumnCast.like(trained).transform(asked)
    assert found["kind"].dtype != np.float64
    assert found["kind"].isna().all()
