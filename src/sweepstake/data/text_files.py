"""Text files: packed or not and in any encoding, as UTF-8 on this host, unpacked under a cap.

Messages start with the place in the grid file that has to change: ``data.source: ...``.
"""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sweepstake.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNK = 1 << 20
"""Bytes that are looked at together."""
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF8: "utf-8",
}
"""Byte order marks and the encodings that they say; the longer ones come first."""
_NUL, _CONTROL = re.compile("\0"), re.compile("[\0\x80-\x9f]")
"""What Latin-1 has in the places of Windows' dashes and quotes."""
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
OTHERS = {
    b"PK\x03\x04": "a ZIP archive or a spreadsheet",
    b"PK\x05\x06": "an empty ZIP archive",
    b"\xd0\xcf\x11\xe0": "a spreadsheet",
    b"PAR1": "Parquet",
    b"BZh": "packed by bzip2",
    b"\xfd7zXZ": "packed by xz",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"%PDF": "a PDF",
    b"SQLite format 3": "a database",
    b"\x89HDF": "HDF5",
    b"ARROW1": "an Arrow file",
}
"""How files begin that are often named like CSV."""
TEXTS = (
    (
        rb"<!doctype html|<html",
        "a web page",
        "Fetch the file itself: a log-in may be in its place.",
    ),
    (rb"<\?xml", "XML", "Save it as CSV."),
    (rb"\[\s*\{|\{\s*[\"'}]", "JSON", "Save it as CSV, as pandas.read_json(...).to_csv(...) does."),
    (
        rb"(?:%[^\n]*\n\s*)*@relation\s",
        "ARFF",
        "Save it as CSV: the lines after @data, below a header.",
    ),
    (rb"version https://git-lfs", "a pointer of Git LFS", "Fetch the file itself: git lfs pull."),
)
"""How text begins that is no table, what it is, and the way out."""
BEYOND = re.compile(rb"[\x80-\xff]+")
"""Letters beyond ASCII that stand together, in an encoding of single bytes."""
CELL_ENDS = " \t\r\n,;|\"'"
"""What usually stands between cells, or around one."""
CODE = re.compile(rf"[{CELL_ENDS}]0\d+[{CELL_ENDS}]")
"""A whole number with a leading zero, alone in its cell."""


@dataclass(frozen=True, slots=True)
class Text:
    """UTF-8 text in a file: ``lines`` counts its line ends.

    ``codes`` says whether a whole number with a leading zero stands between two of `CELL_ENDS`.
    """

    path: Path
    lines: int
    codes: bool


def as_utf8(path: Path, source: str, encoding: str, largest: float, folder: Path) -> Text:
    """The text of the file at ``path``; it is written into ``folder`` unless it is UTF-8 already.

    Raises:
        DataError: it has more than ``largest`` bytes, or holds no text of its encoding.
    """
    with path.open("rb") as file:
        head = file.read(CHUNK)
    _refuse_others(head, source)
    packed = next((kind for kind in (GZIP, ZSTD) if head.startswith(kind)), b"")
    if packed:
        unpacked = folder / "unpacked"
        _unpack(path, packed, source, largest, unpacked)
        path = unpacked
        with path.open("rb") as file:
            head = file.read(CHUNK)
    _refuse_texts(head, source)
    mark = next((name for mark, name in MARKS.items() if head.startswith(mark)), "")
    return _checked(path, source, mark or encoding or "utf-8", folder)


def _refuse_others(head: bytes, source: str) -> None:
    for beginning, what in OTHERS.items():
        if head.startswith(beginning):
            message = "must be CSV or Parquet by its content and its name, but "
            message += f"{source!r} is {what}. Save it as CSV, or name it as what it is."
            raise DataError.one(message, "data.source")


def _refuse_texts(head: bytes, source: str) -> None:
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()
    for beginning, what, way_out in TEXTS:
        if re.match(beginning, start, re.IGNORECASE):
            message = f"must be a table, but {source!r} is {what}. {way_out}"
            raise DataError.one(message, "data.source")


def _unpack(path: Path, packed: bytes, source: str, largest: float, target: Path) -> None:
    size = 0
    try:
        with _unpacking(path, packed) as stream, target.open("wb") as out:
            while chunk := stream.read(CHUNK):
                size += len(chunk)
                if size > largest:
                    message = f"must have at most {largest / 1e9:.1f} GB when "
                    message += f"unpacked, but {source!r} has more. Take part of its rows."
                    raise DataError.one(message, "data.source")
                out.write(chunk)
    except (OSError, EOFError, zlib.error) as error:
        cause = " ".join(str(error).split())[:200].rstrip(".")
        message = f"{source!r} must be packed soundly, but unpacking it ended with: "
        message += f"{cause}. Pack it again."
        raise DataError.one(message, "data.source") from None


def _unpacking(path: Path, packed: bytes) -> Any:
    if packed == GZIP:
        return gzip.open(path, "rb")
    import pyarrow as pa

    return pa.input_stream(str(path), compression="zstd")


def _checked(path: Path, source: str, encoding: str, folder: Path) -> Text:
    """The file itself where it is UTF-8, else a copy that is."""
    plain = codecs.lookup(encoding).name in {"utf-8", "ascii"}
    target = path if plain else folder / "text"
    lines, codes, tail = 0, False, "\n"
    with target.open("rb" if plain else "wb") as out:
        for text in _decoded(path, source, encoding):
            lines += text.count("\n") or text.count("\r")
            tail += text
            codes = codes or bool(CODE.search(tail))
            tail = tail[-32:]
            if not plain:
                out.write(text.encode())
    return Text(target, lines, codes or bool(CODE.search(f"{tail}\n")))


def _decoded(path: Path, source: str, encoding: str) -> Iterator[str]:
    """The text of a file, piece by piece.

    Raises:
        DataError: a byte is none of the encoding, or NUL.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    line, last = 1, False
    with path.open("rb") as file:
        while not last:
            chunk = file.read(CHUNK)
            last = not chunk
            try:
                text = decoder.decode(chunk, last)
            except UnicodeDecodeError as error:
                line += error.object.count(b"\n", 0, error.start)
                raise DataError.one(
                    _foreign(path, source, encoding, line, error), "data.source"
                ) from None
            if fault := _unseen(text, encoding):
                line += text.count("\n", 0, fault.start())
                raise DataError.one(_of_sign(path, source, line, fault[0]), "data.source")
            line += text.count("\n")
            yield text


def _unseen(text: str, encoding: str) -> re.Match[str] | None:
    """A sign that no text of the encoding has."""
    return (_CONTROL if encoding == "latin-1" else _NUL).search(text)


def _of_sign(path: Path, source: str, line: int, sign: str) -> str:
    """What to say of a sign that no text has."""
    message = f"must be text, but line {line} of {source!r} has the byte "
    if sign != "\0":
        message += f"0x{ord(sign):02x}, which is a control character in Latin-1. "
        return message + "Write csv: {encoding: cp1252} under data."
    likely = _likely(path)
    told = f", or write csv: {{encoding: {likely}}} under data" if "16" in likely else ""
    return f"{message}0x00. Save it as text in UTF-8{told}."


def _foreign(path: Path, source: str, encoding: str, line: int, error: UnicodeDecodeError) -> str:
    """What to say of a byte that is not of the encoding."""
    byte = f"0x{error.object[error.start]:02x}"
    message = f"must be text in {encoding.upper()}, but line {line} of {source!r} has "
    message += f"the byte {byte}. "
    if error.object[: error.start].isascii():
        message += "Save it as UTF-8, or name its encoding under data, "
        likely = _likely(path)
        if likely == "cp1252" and not _is_western(path):
            message += "such as csv: {encoding: cp1251} for Cyrillic, cp1253 for Greek, shift_jis "
            return f"{message}for Japanese or gb18030 for Chinese."
        return f"{message}most likely csv: {{encoding: {likely}}}."
    return f"{message}What stands before it is UTF-8: the file mixes encodings. Save it again."


def _likely(path: Path) -> str:
    """The encoding that a file without marks has most likely."""
    with path.open("rb") as file:
        head = file.read(CHUNK)
    if head.count(b"\0") > len(head) // 4:
        return "utf-16-le" if head[1::2].count(b"\0") > head[::2].count(b"\0") else "utf-16-be"
    try:
        head.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def _is_western(path: Path) -> bool:
    """Whether letters beyond ASCII mostly stand alone, as accents do: other scripts have words."""
    with path.open("rb") as file:
        found = BEYOND.findall(file.read(CHUNK))
    return sum(map(len, found)) < 2 * len(found)
