"""CSV files in every form that people have them in."""

from __future__ import annotations

import gzip

import numpy as np
import pyarrow as pa
import pytest

from sweepstake.data import csv_files, reading, sources, text_files
from sweepstake.domain.spec import CsvSpec, DataSpec
from sweepstake.errors import DataError

PLAIN = "age,town,left\n31,Köln,no\n55,Nîmes,yes\n"


def load(folder, content, name="case.csv", *, drop=(), **csv):
    """What is read of a file with this content."""
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return sources.load(DataSpec(name, ("left",), drop, csv=CsvSpec(**csv)), [folder])


def refusal(folder, content, name="case.csv", **csv):
    """The one message about a file."""
    with pytest.raises(DataError) as caught:
        load(folder, content, name, **csv)
    (message,) = map(str, caught.value.faults)
    return message


def zstd(content):
    """Bytes packed by Zstandard."""
    return pa.compress(content, codec="zstd", asbytes=True)


FORMS = {
    "case.csv": PLAIN.encode(),
    "mark.csv": PLAIN.encode("utf-8-sig"),
    "wide.csv": PLAIN.encode("utf-16"),
    "wider.csv": PLAIN.encode("utf-32"),
    "wide-tabs.csv": PLAIN.replace(",", "\t").encode("utf-16"),
    "case.csv.gz": gzip.compress(PLAIN.encode()),
    "two.csv.gz": gzip.compress(PLAIN[:20].encode()) + gzip.compress(PLAIN[20:].encode()),
    "CASE.CSV.GZ": gzip.compress(PLAIN.encode("utf-16")),
    "wrongly-named.csv": gzip.compress(PLAIN.encode()),
    "case.csv.zst": zstd(PLAIN.encode()),
    "not-packed.csv.gz": PLAIN.encode(),
    "case.tsv": PLAIN.replace(",", "\t").encode(),
    "case.tsv.gz": gzip.compress(PLAIN.replace(",", "\t").encode()),
    "tabs.csv": PLAIN.replace(",", "\t").encode(),
    "excel.csv": f"sep=;\n{PLAIN.replace(',', ';')}".encode(),
    "excel-crlf.csv": f"sep=,\r\n{PLAIN}".encode("utf-8-sig"),
    "windows.csv": PLAIN.replace("\n", "\r\n").encode(),
    "old-mac.csv": PLAIN.replace("\n", "\r").encode(),
    "blank-lines.csv": PLAIN.replace("\n", "\n\n").encode(),
    "no-last-end.csv": PLAIN.rstrip().encode(),
    "separators-at-the-end.csv": PLAIN.replace("no", "no,").replace("yes", "yes,").encode(),
    "quoted.csv": '"age","town","left"\n"31","Köln","no"\n"55","Nîmes","yes"\n'.encode(),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.slow
def test_a_form_that_says_what_it_is_is_read(tmp_path, name):
    """Packing, marks, encodings by mark, tabs and Excel's first line need no option."""
    frame = load(tmp_path, FORMS[name], name).frame
    expected = {"age": [31, 55], "town": ["Köln", "Nîmes"], "left": ["no", "yes"]}
    assert expected == frame.to_dict(orient="list")


TOLD = {
    "cp1252": (PLAIN.encode("cp1252"), {"encoding": "cp1252"}),
    "separator": (PLAIN.replace(",", ";"), {"separator": ";"}),
    "comment": (f"# exported\n{PLAIN}# end\n", {"comment": "#"}),
    "comment behind": (PLAIN.replace("no\n", "no# so\n"), {"comment": "#"}),
    "skip": (f"Report of 2026,\n\n{PLAIN}", {"skip": 2}),
    "no header": (PLAIN.partition("\n")[2], {"columns": ("age", "town", "left")}),
    "no header, told": (
        f"# x\n{PLAIN.partition(chr(10))[2]}",
        {"columns": ("age", "town", "left"), "comment": "#"},
    ),
}


@pytest.mark.parametrize("case", TOLD)
def test_a_form_that_the_grid_file_tells_is_read(tmp_path, case):
    """Encoding, separator, comments, lines before the header and its absence are options."""
    content, csv = TOLD[case]
    frame = load(tmp_path, content, **csv).frame
    expected = {"age": [31, 55], "town": ["Köln", "Nîmes"], "left": ["no", "yes"]}
    assert expected == frame.to_dict(orient="list")


EVERY = "data.source: every row must have a value for each of 3 columns, but "
REFUSED = {
    "short": ("31,Köln,no\n55,Nîmes\n", f"{EVERY}line 3 of 'case.csv' has 2 values."),
    "short after a long cell": (
        '31,"Köln\nRhein",no\n\n55,Nîmes\n',
        f"{EVERY}line 5 of 'case.csv' has 2 values.",
    ),
    "short first": ("31\n55,Nîmes,no\n", f"{EVERY}line 2 of 'case.csv' has 1 value."),
    "long": ("31,Köln,no\n55,Nîmes,yes,9\n", f"{EVERY}line 3 of 'case.csv' has 4 values."),
    "all long": ("31,Köln,no,1\n55,Nîmes,yes,\n", f"{EVERY}line 2 of 'case.csv' has 4 values."),
    "decimal comma": ("3,1,Köln,no\n", f"{EVERY}line 2 of 'case.csv' has 4 values. Quote"),
    "open quote": ('31,"Köln,no\n55,Nîmes,yes\n', "data.source: a quote must be closed in its row"),
    "a quote over rows": (
        '31,"Köln,no\n55,Nîmes,yes\n56,Lyon,"yes\n',
        (
            "data.source: a quote must be closed in its row, but one in line 2 of 'case.csv' is "
            "not before the next row. Close it, or remove it."
        ),
    ),
    "NUL": ("31,Kö\0ln,no\n", "data.source: must be text, but line 2 of 'case.csv' has the byte"),
    "a total": (
        "31,Köln,no\nTotal 1 row\n",
        f"{EVERY}line 3 of 'case.csv' has 1 value.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_rows_that_do_not_fit_the_header_are_refused_by_line(tmp_path, case):
    """Pandas would fill short rows, cut long ones, and take lines into an open quote."""
    rows, expected = REFUSED[case]
    assert refusal(tmp_path, f"age,town,left\n{rows}").startswith(expected)


@pytest.mark.parametrize("title", ['Report,"open', 'Report,"weekly\nMarch"', "Report, it's"])
def test_quotes_in_the_lines_before_the_table_take_no_rows(tmp_path, title):
    """Skipped lines are left out whatever stands in them."""
    skip = title.count("\n") + 1
    found = load(tmp_path, f'{title}\nage,left\n1,no\n3,"u,v"\n5,no\n', skip=skip).frame
    assert [1, 3, 5] == found["age"].tolist()
    rows = f'{title}\n1,no\n3,"u,v"\n5,no\n'
    assert [1, 3, 5] == load(tmp_path, rows, skip=skip, columns=("age", "left")).frame.age.tolist()


def test_the_mark_of_a_file_says_more_than_the_grid_file(tmp_path):
    """UTF-8 with its mark is UTF-8."""
    found = load(tmp_path, PLAIN.encode("utf-8-sig"), encoding="cp1252").frame
    assert ["age", "town", "left"] == list(found.columns)
    assert ["Köln", "Nîmes"] == found["town"].tolist()


def test_the_dashes_of_windows_are_not_latin_1(tmp_path):
    """They would be control characters that nobody sees."""
    content = PLAIN.encode("cp1252").replace(b"ln", b"\x96n")
    message = refusal(tmp_path, content, encoding="latin-1")
    assert "line 2 of 'case.csv' has the byte 0x96, which is a control character" in message
    assert message.endswith("Write csv: {encoding: cp1252} under data.")


def test_letters_of_other_scripts_are_not_guessed_to_be_western(tmp_path):
    """As cp1252 they would be read as other letters without a word."""
    content = "age,town,left\n31,Москва,нет\n55,Тверь,да\n".encode("cp1251")
    message = refusal(tmp_path, content)
    assert "such as csv: {encoding: cp1251} for Cyrillic" in message
    assert "cp1252" not in message


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("<!DOCTYPE html>\n<html>a,b</html>", "a web page. Fetch the file itself"),
        ("\ufeff\n<HTML>", "a web page. Fetch the file itself"),
        ('<?xml version="1.0"?>', "XML. Save it as CSV."),
        ('[\n {"age": 1}]', "JSON. Save it as CSV"),
        ('{"age": 1}\n{"age": 2}', "JSON. Save it as CSV"),
        ("% of 1988\n%\n@RELATION iris\n", "ARFF. Save it as CSV: the lines after @data"),
        ("version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS. Fetch the file"),
    ],
)
def test_text_that_is_no_table_is_named(tmp_path, content, what):
    """What came in place of the table is told, with where to get it."""
    start = "data.source: must be a table, but 'case.csv' is "
    assert refusal(tmp_path, content).startswith(start + what)


def test_a_file_of_two_encodings_is_told(tmp_path):
    """No single encoding reads it."""
    content = PLAIN.encode() + "60,Zürich,no\n".encode("cp1252")
    assert refusal(tmp_path, content).endswith("the file mixes encodings. Save it again.")


def test_a_title_above_the_header_is_told_to_be_skipped(tmp_path):
    """The header has one name then, and the rows have more values."""
    assert refusal(tmp_path, f"Report of May\n{PLAIN}").endswith("write csv: {skip: 1} under data.")


def test_utf_16_without_its_mark_is_told(tmp_path):
    """Half of its bytes are NUL."""
    message = refusal(tmp_path, "age,left\n1,no\n2,yes\n".encode("utf-16-le"))
    assert message.endswith(
        "Save it as text in UTF-8, or write csv: {encoding: utf-16-le} under data."
    )


def test_truth_values_are_no_numbers(tmp_path):
    """Where the grid file asks for numbers."""
    found = load(tmp_path, "age,left\ntrue,no\nfalse,yes\n", types={"age": "number"})
    (fault,) = map(str, found.faults)
    assert "data.csv.types: a column of numbers must hold numbers, but 'age' holds truth" in fault


@pytest.mark.parametrize("content", [" -999,no\n5,yes\n", "-999.0,no\n5,yes\n"])
def test_a_number_that_is_a_gap_is_one_however_written(tmp_path, content):
    """Blanks around it and a fraction of 0 do not count."""
    found = load(tmp_path, f"age,left\n{content}", missing=("-999", "")).frame
    np.testing.assert_array_equal([np.nan, 5], found["age"])


def test_text_of_several_lines_is_no_open_quote(tmp_path):
    """A quoted cell may hold line ends, commas and separators."""
    rows = 'text,size,left\n"Dear all,\nthe end, so far.\n",1,no\n"a;b\nc",2,yes\n'
    assert 2 == len(load(tmp_path, rows).frame)


OTHERS = {
    "case.csv": (b"PK\x03\x04....", "is a ZIP archive or a spreadsheet. Save it as CSV"),
    "parquet.csv": (b"PAR1....", "is Parquet. Save it as CSV, or name it as what it is."),
    "broken.csv.gz": (gzip.compress(PLAIN.encode())[:-9], "must be packed soundly"),
    "broken.csv.zst": (zstd(PLAIN.encode())[:-9], "must be packed soundly"),
    "latin-1.csv": (PLAIN.encode("latin-1"), "has the byte 0xf6. Save it as UTF-8, or name its"),
    "no-mark.csv": (PLAIN.encode("utf-16-le"), "most likely csv: {encoding: utf-16-le}."),
    "semicolons.csv": (
        b"a;b;left\n1,5;2;no\n",
        (
            "columns must be separated by ',', but those of 'semicolons.csv' are by ';'. "
            'Write csv: {separator: ";", decimal: ","} under data.'
        ),
    ),
    "bars.csv": (b"a|b|left\n1.5|2|no\n", 'Write csv: {separator: "|"} under data.'),
    "comment.csv": (
        b"# mine\na,left\n1,2\n",
        'Write csv: {skip: 1} under data, or csv: {comment: "#"}.',
    ),
    "empty.csv": (b"", "has no header"),
    "wide.csv": (b"a," * 100_001, "must have at most 100,000 columns, but 'wide.csv' has 100,002"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_forms_are_refused_with_their_way_out(tmp_path, name):
    """What a file is instead, and what to do, stands in one sentence."""
    content, expected = OTHERS[name]
    message = refusal(tmp_path, content, name)
    assert message.startswith("data.source: ")
    assert expected in message


def test_a_packed_file_is_unpacked_under_a_cap(tmp_path, monkeypatch):
    """What counts is what comes out: a megabyte may hold a gigabyte."""
    monkeypatch.setattr(reading, "_memory", lambda: 80_000_000)
    packed = gzip.compress(b"a,left\n" + b"1,x\n" * 10_000_000, 1)
    message = refusal(tmp_path, packed, "bomb.csv.gz")
    assert "must have at most 0.0 GB when unpacked, but 'bomb.csv.gz' has more" in message


def test_a_header_is_checked_in_one_pass(tmp_path):
    """Twenty thousand names are looked at once each, not once for each other name."""
    seen = []

    class Name(str):
        __slots__ = ()

        def __eq__(self, other):
            seen.append(other)
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    from sweepstake.data import csv_files

    csv_files.check_names([Name(f"gene {number}") for number in range(20_000)], "wide.csv")
    assert len(seen) < 20_000


def test_the_line_of_a_fault_counts_blank_lines_and_long_cells(tmp_path):
    """It is the line that an editor shows."""
    rows = 'age,town,left\n\n31,"a\nb",no\n# no comment here,,\n55,Nîmes,yes\n56,Lyon,no\n'
    (fault,) = map(str, load(tmp_path, rows).faults)
    assert "'# no comment here' (line 5)" in fault


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_a_file_is_looked_at_in_pieces_of_any_size(tmp_path, monkeypatch, size):
    """Letters and codes that fall between two pieces are seen whole."""
    monkeypatch.setattr(text_files, "CHUNK", size)
    rows = load(tmp_path, "zip,town,left\n00123,Köln,no\n10999,Nîmes,yes\n")
    assert ["00123", "10999"] == rows.frame["zip"].tolist()


@pytest.mark.parametrize("size", [1, 7, 10, 1 << 20])
def test_no_part_of_a_number_is_taken_for_a_code(tmp_path, monkeypatch, size):
    """The file is read once more only where a code may stand in it."""
    monkeypatch.setattr(text_files, "CHUNK", size)
    file = tmp_path / "rows.csv"
    file.write_text("a,b\n0.0123,10.0099\n-0.001,1003\n0,00.5\n")
    assert not text_files.as_utf8(file, "rows.csv", "utf-8", 1e6, tmp_path).codes
    file.write_text("a,b\n0.0123,10.0099\n-0.001,003\n0,00.5\n")
    assert text_files.as_utf8(file, "rows.csv", "utf-8", 1e6, tmp_path).codes


@pytest.mark.parametrize("separator", [";", "|", ":", "~", "_", "\t"])
def test_codes_are_seen_between_any_separators(tmp_path, separator):
    """They are text, whatever sign the line names that Excel writes first."""
    rows = "zip,left\n00123,no\n10999,yes\n".replace(",", separator)
    frame = load(tmp_path, f"sep={separator}\n{rows}").frame
    assert ["00123", "10999"] == frame["zip"].tolist()


def test_columns_of_fractions_are_not_read_again_for_codes(tmp_path, monkeypatch):
    """One code in a wide table costs the columns of whole numbers alone."""
    log, frame = tmp_path / "asked", csv_files.CsvFile.frame

    def noted(file, **options):
        with log.open("a") as out:  # this is another process
            out.write(f"{options.get('usecols')}\n")
        return frame(file, **options)

    monkeypatch.setattr(csv_files.CsvFile, "frame", noted)
    rows = load(tmp_path, "zip,part,count,left\n001,0.5,3,no\n017,,4,yes\n")
    assert ["001", "017"] == rows.frame["zip"].tolist()
    assert "None\n['zip', 'count']\n" == log.read_text()


def test_text_that_is_told_to_be_is_kept_as_it_stands(tmp_path):
    """Codes without leading zeros stay text where the grid file says so."""
    frame = load(tmp_path, "code,left\n12,no\n1.50,yes\n,no\n", types={"code": "text"}).frame
    assert ["12", "1.50"] == frame["code"].dropna().tolist()
    assert np.isnan(frame["code"].iloc[2])
