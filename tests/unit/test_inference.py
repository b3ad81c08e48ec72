"""What columns of text are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from pandas._libs.parsers import STR_NA_VALUES

from sweepstake.casting.numerals import Numerals, best_reading
from sweepstake.data import inference, sources
from sweepstake.domain.spec import MISSING, CsvSpec, DataSpec


def settle(*cells, **csv):
    """A column with these cells after it was looked at, and its faults."""
    frame = pd.DataFrame({"x": pd.Series(cells, dtype="str"), "label": range(len(cells))})
    where = lambda rows: {row: f"line {row + 2}" for row in rows}  # noqa: E731
    found, faults = inference.settled(frame, DataSpec("a", ("label",), csv=CsvSpec(**csv)), where)
    return found["x"], [str(each) for each in faults]


def fault(*cells, **csv):
    """The one fault of a column with these cells."""
    (message,) = settle(*cells, **csv)[1]
    return message


NUMBERS = {
    "blanks around": ([" 1", "2 ", "3", "4"], {}, [1, 2, 3, 4]),
    "gaps in blanks": (["1", "2", " ", "3"], {}, [1, 2, np.nan, 3]),
    "gaps with blanks": (["1", "2", " NA ", "3"], {}, [1, 2, np.nan, 3]),
    "thousands": (["800", "1,234", "1,234,567.5"], {"thousands": ","}, [800, 1234, 1234567.5]),
    "European": (["1.234,5", "12"], {"thousands": ".", "decimal": ","}, [1234.5, 12]),
    "European in whole": (["1.234,5", "1.234"], {"thousands": ".", "decimal": ","}, [1234.5, 1234]),
    "blank groups": (
        ["1 234", "1\u00a0234", "1\u202f234,5"],
        {"thousands": " ", "decimal": ","},
        [1234, 1234, 1234.5],
    ),
    "Swiss": (["1'234", "1\u2019234"], {"thousands": "'"}, [1234, 1234]),
    "Indian": (["1,23,456", "12,34,567"], {"thousands": ","}, [123456, 1234567]),
    "percent": (["12%", "7.5 %", "3"], {"percent": True}, [0.12, 0.075, 3]),
    "dollars": (["$5", "-$1,234.50", "$ 7"], {"units": ("$",), "thousands": ","}, [5, -1234.5, 7]),
    "euros behind": (["5 EUR", "1234 EUR"], {"units": ("EUR",)}, [5, 1234]),
    "told gaps": (["1", "?", "-", "3"], {"missing": ("?", "-")}, [1, np.nan, np.nan, 3]),
    "a typographic minus": (["\u22125", "3"], {}, [-5, 3]),
    "signs for gaps": (["-999 ", "-999.0", "5"], {"missing": ("-999",)}, [np.nan, np.nan, 5]),
    "rupees": (["Rs. 100", "Rs. 200"], {"units": ("Rs.",)}, [100, 200]),
    "scientific": (["1e3", "1E-2", "x"], {"missing": ("x",)}, [1000, 0.01, np.nan]),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_numbers_are_read_as_the_grid_file_says(case):
    """However numbers and gaps are written, a column of nothing else is one of numbers."""
    cells, csv, expected = NUMBERS[case]
    column, faults = settle(*cells, **csv)
    assert [] == faults
    np.testing.assert_array_equal(np.array(expected, dtype=float), column.to_numpy())


WAYS = {
    "one question mark": (["1", "2", "3", "?"], 'csv: {missing: ["?", ""]} where these are gaps'),
    "many of them": (["1", "2", *"???"], 'csv: {missing: ["?", ""]} where these are gaps'),
    "words": (["1", "2", "3", "4", "none", "n.a."], 'csv: {missing: [n.a., none, ""]}'),
    "thousands": (["800", "1,234", "9,300"], 'csv: {thousands: ","} to read them'),
    "decimal comma": (["1,5", "2,25", "3"], 'csv: {decimal: ","} to read them'),
    "both": (["1.234,5", "2.500,25"], 'csv: {decimal: ",", thousands: "."} to read them'),
    "blanks": (["1 234", "2 500"], 'csv: {thousands: " "} to read them'),
    "percent": (["12%", "13%"], "csv: {percent: true} to read them"),
    "dollars": (["$12", "$1,300"], 'csv: {thousands: ",", units: ["$"]} to read them'),
    "euros": (["12 EUR", "13 EUR"], "csv: {units: [EUR]} to read them"),
    "a unit": (["0.12kg", "0.3kg", "1kg", "2 kg"], "csv: {units: [kg]} to read them"),
    "a unit of most": (
        ["1 km/h", "2 km/h", "3 km/h", "4 mph"],
        'units: ["km/h"], missing: ["4 mph", ""]',
    ),
    "degrees": (["20\u00b0C", "21.5\u00b0C", "-3\u00b0C"], 'units: ["\u00b0C"]'),
    "gaps too": (["1,234", "2,500", "-"], 'csv: {thousands: ",", missing: ["-", ""]} to read'),
    "a bound": (["1", "2", "<5"], 'csv: {missing: ["<5", ""]} where these are gaps'),
    "kroner": (["kr 500", "kr 700"], "csv: {units: [kr]} to read them"),
    "reals": (["R$ 100", "R$ 200"], 'csv: {units: ["R$"]} to read them'),
    "Swiss groups": (["1\u2019234", "2\u2019500"], 'csv: {thousands: "\'"} to read them'),
    "accountants": (["(12)", "(7.5)", "(1,000)"], "'(12)' (line 2), '(7.5)'"),
    "signs behind": (["12-", "7-", "3"], "'12-' (line 2), '7-'"),
    "quotes": (["'10'", "'20'"], "\"'10'\" (line 2)"),
    "formulas": (['="10.5"', '="11"'], "'=\"10.5\"' (line 2)"),
    "a total": (["1", "2", "3", "Total"], "'Total' (line 5)"),
}


@pytest.mark.parametrize("case", WAYS)
def test_numbers_with_faults_are_refused_with_them_and_the_ways_out(case):
    """Never are they categories in silence."""
    cells, expected = WAYS[case]
    message = fault(*cells)
    assert message.startswith(
        "data.source: a column most of whose values are numbers must hold nothing else, but 'x' "
    )
    assert expected in message
    assert message.endswith("csv: {types: {x: text}} to keep it as text or drop: [x].")


def test_a_fault_names_the_texts_how_often_and_where_first():
    """Five different ones, the count of the others, and all of the rows."""
    message = fault(*"123456789", *"abcdefgab", *map(str, range(10, 30)))
    assert "in 9 of 38 values: 'a' (2 times, first in line 11), 'b' (2 times, " in message
    assert "'e' (line 15) and 2 more. Fix them, or" in message


TEXTS = {
    "words": (["red", "blue", "red", "1"], {}),
    "codes": (["A12", "B13", "C14"], {}),
    "ranges": (["10-20", "20-30", "30+"], {}),
    "addresses": (["10.0.0.1", "10.0.0.2"], {}),
    "releases": (["1.2.3", "1.2.4"], {}),
    "flights": (["LHR 123", "JFK 456"], {}),
    "ranks": (["1st", "2nd", "3rd", "4th", "5th", "6th", "7th"], {}),
    "two sizes": (["100ml", "250ml"], {}),
    "several units": (["100 g", "250 g", "1 kg", "2 kg", "3 mg", "4 mg"], {}),
    "currencies": (["5 EUR", "6 USD", "7 CHF"], {}),
    "zip codes": (["01234", "10999", "00001"], {}),
    "zip codes of two lands": (["01234", "10999", "K1A 0B1"], {}),
    "padded codes": (["01234 ", "05678 ", "99999 "], {}),
    "told to be text": (["1", "2", "?"], {"types": {"x": "text"}}),
    "dates told to be text": (["2026-01-01", "2026-01-02"], {"types": {"x": "text"}}),
}


@pytest.mark.parametrize("case", TEXTS)
def test_text_stays_text(case):
    """What only looks a little like numbers or dates is left alone."""
    cells, csv = TEXTS[case]
    column, faults = settle(*cells, **csv)
    assert ([], cells) == (faults, column.tolist())


DATES = [
    ["2026-01-15", "2026-02-28"],
    ["2026-01-15 10:00", "2026-01-15T10:00:00Z", "2026-01-15T10:00:00.123+01:00"],
    ["15/01/2026", "01/15/2026"],
    ["05/03/2025 10:00", "12/03/2025 03:00"],
    ["15.01.2026", "28.02.26"],
    ["Jan 5, 2026", "February 12th, 2026"],
    ["5 Jan 2026", "05-Mar-2026"],
    ["2026/01/15", "2026/1/5"],
    ["10:30", "23:59:59"],
    ["9:05 AM", "12:30 pm"],
    ["20260115T101500Z", "20260116T101500Z"],
    ["2026-01", "2026-02"],
    ["Jan 2024", "Feb 2024"],
    ["Mai-24", "Dez-24"],
    ["1. Mai 2024", "15 janvier 2024"],
    ["01/2024", "12/2024"],
    ["2024-W05", "2024W06"],
    ["2024Q1", "Q2 2024"],
    ["Mon, 15 Jan 2024", "Tue, 16 Jan 2024"],
    ["15-JAN-24 12.00.00.000000 AM", "16-JAN-24 12.00.00.000000 PM"],
    ["2024\u5e741\u670815\u65e5", "2024\u5e741\u670816\u65e5"],
    ["101:30:00", "7h30"],
    ["2026-01-15", "soon", "2026-01-16"],
]


@pytest.mark.parametrize("cells", DATES, ids=lambda cells: cells[0])
def test_dates_are_refused_with_an_example(cells):
    """They are no numbers, and as categories they are no help on another day."""
    assert fault(*cells) == (
        f"data.source: must not be a column of dates or times, but 'x' is: '{cells[0]}' (line 2)"
        f"{f' and {len(cells) - 1 - (chr(115) in cells[1][:1])} more'}. Convert it to numbers, or "
        "write under data drop: [x] or csv: {types: {x: text}} for one category each."
    )


def test_amounts_of_several_units_are_refused():
    """Told to leave both out, 1 kg would be less than 500 g."""
    assert fault("1kg", "500g", "2kg", units=("kg", "g")) == (
        "data.source: the numbers of a column must have one unit, but 'x' has 'kg' and others: "
        "'500g' (line 3). Convert them, or write under data drop: [x] or csv: {types: {x: text}} "
        "for one category each."
    )


@pytest.mark.parametrize("cell", ["0.750", "01.234", "0.123.456"])
def test_a_group_of_thousands_does_not_begin_with_0(cell):
    """It is a fraction whose sign for decimals the grid file says wrongly."""
    assert "other text in 1 of 3 values" in fault(cell, "1.500", "7", decimal=",", thousands=".")


@pytest.mark.parametrize(
    ("cell", "csv"),
    [
        ("9007199254740993 kg", {"units": ("kg",)}),
        ("9\u00a0007\u00a0199\u00a0254\u00a0740\u00a0993", {"thousands": " "}),
        ("\u22129007199254740993", {}),
        ("9007199254740993.0", {}),
    ],
)
def test_whole_numbers_beyond_floats_are_refused_however_written(cell, csv):
    """Different ones would be one."""
    assert "models do not tell neighbours apart" in fault(cell, "5", **csv)


def test_a_sign_that_is_taken_is_not_suggested_for_another_thing():
    """A comma that groups digits is no sign for decimals as well."""
    assert 'csv: {decimal: ",", thousands: " "} to read' in fault("1,23", "4,5", thousands=",")


def test_a_header_that_is_repeated_is_refused():
    """Files that were put together have one in the middle."""
    frame = pd.DataFrame({"a": ["x", "a", "z"], "label": ["p", "label", "q"]}, dtype="str")
    where = lambda rows: {row: f"line {row + 2}" for row in rows}  # noqa: E731
    _, faults = inference.settled(frame, DataSpec("a", ("label",)), where)
    assert ["data.source: must have one header, but line 3 repeats it. Remove the row."] == [
        str(each) for each in faults
    ]


def test_hexadecimal_numbers_are_refused():
    """What stands in them is an amount to who wrote it, and one category each to a classifier."""
    assert fault("0x1f", "0x2A", "unknown").startswith(
        "data.source: must not be a column of hexadecimal numbers, but 'x' is: '0x1f' (line 2) and "
        "1 more. Convert it to numbers, or write under data drop: [x] or csv: {types: {x: text}}"
    )


def test_a_column_told_to_be_numbers_is_held_to_it():
    """One number among words is enough where the grid file says so."""
    message = fault("1", "a", "b", "c", types={"x": "number"})
    assert "'a' (line 3), 'b' (line 4), 'c' (line 5). Fix" in message
    assert "types" not in message


def test_types_of_columns_that_are_not_there_are_told():
    """With the nearest name."""
    message = fault("a", "b", types={"lable": "text"})
    assert "data.csv.types: the data has no column 'lable'. Did you mean 'label'?" in message


def test_parquet_text_is_looked_at_in_the_same_way(tmp_path):
    """Text of numbers with a fault is refused; categories by type are what they are."""
    frame = pd.DataFrame({"x": ["1", "?", "3"], "c": pd.Categorical(["1", "?", "3"]), "y": "abc"})
    frame["n"] = ["1", None, "3"]
    pq.write_table(__import__("pyarrow").Table.from_pandas(frame), tmp_path / "a.parquet")
    found = sources.load(DataSpec("a.parquet", ("y",)), [tmp_path])
    (message,) = map(str, found.faults)
    assert "but 'x' holds other text in 1 of 3 values: '?' (row 2)." in message
    assert ["1", "?", "3"] == found.frame["c"].tolist()
    np.testing.assert_array_equal([1, np.nan, 3], found.frame["n"].to_numpy())


def test_the_usual_gaps_are_those_of_pandas():
    """A frame that pandas read for a prediction has the gaps that training saw."""
    assert sorted(STR_NA_VALUES) == sorted(MISSING)


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "1,23", "12,345,6", ",", ".", "1.2.3", "--1", "1e", "0x1f", "1_000", "$"]
)
def test_what_is_no_number_is_none(text):
    """Groups have three digits, a number one sign and one fraction."""
    assert None is Numerals(CsvSpec(thousands=",", units=("$",))).number(text)


def test_the_way_of_writing_that_reads_most_is_told():
    """Of equal ones the nearest to what the grid file says already."""
    reading = best_reading(["1,234", "2,5", "x"], CsvSpec())
    assert ({"decimal": ","}, ("x",)) == (reading.options, reading.others)
    assert {} == best_reading(["x"], CsvSpec()).options
