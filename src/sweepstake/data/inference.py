"""Inference: what columns of text are, numbers, dates, codes or categories, and what is faulty.

A column most of whose values are numbers is a column of numbers with faults: it is refused with
them, never taken for categories. Messages start with the place in the grid file that has to change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sweepstake.casting.numerals import Numerals, best_reading
from sweepstake.data.date_texts import DATE
from sweepstake.domain.spec import MISSING
from sweepstake.errors import DataFault
from sweepstake.wording import notation
from sweepstake.wording.near_misses import did_you_mean, shown
from sweepstake.wording.notation import flow

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    import numpy as np
    import pandas as pd

    from sweepstake.domain.spec import CsvSpec, DataSpec

    Where = Callable[[Iterable[int]], Mapping[int, str]]
    """Says of positions of rows where they stand in the file: ``line 3``."""

TEXT, NUMBER = "text", "number"
EXACT = 2**53
"""Beyond it, different whole numbers are the same float64."""
MOST = 0.5
"""From more than this share of numbers on, a column is one of numbers."""
CODE = re.compile(r"0[0-9]+")
_MOST_SHOWN = 5
_MOST_GAPS = 5
"""Different texts that a message suggests as gaps."""
_MOST_LOOKED_AT = 1000
_ODD_NUMBER = re.compile(
    r"\s*(?:\([0-9., ]*[0-9][0-9., ]*\)|[0-9.,]*[0-9]-|'[0-9.,]*[0-9]'|=\"[0-9.,]*[0-9]\"|"
    r"[0-9.]*[0-9]d[-+]?[0-9]{1,3})\s*",
    re.IGNORECASE,
)
"""Numbers as accountants, spreadsheets and Fortran write them, which nothing here reads."""
_NO_FEATURES = {
    "dates or times": DATE,
    "hexadecimal numbers": re.compile("[-+]?0x[0-9a-f]+", re.IGNORECASE),
}
"""Kinds of text that are neither numbers nor categories."""


@dataclass(frozen=True, slots=True, eq=False)
class _Words:
    """The different texts of a column; ``codes`` says which one a row has, -1 for a gap."""

    name: str
    texts: list[str]
    codes: np.ndarray

    def count(self, chosen: np.ndarray) -> int:
        """How many rows have one of the texts that are ``chosen``."""
        import numpy as np

        return int(np.append(chosen, False)[self.codes].sum())

    def named(self, chosen: np.ndarray, where: Where, most: int = _MOST_SHOWN) -> str:
        """Some of the texts that are ``chosen``, how often they are there and where first."""
        import numpy as np

        places = np.flatnonzero(chosen)[:most]
        firsts = {int(place): int((self.codes == place).argmax()) for place in places}
        lines = where(firsts.values())
        parts = []
        for place, row in firsts.items():
            times = int((self.codes == place).sum())
            often = f"{times:,} times, first in " if times > 1 else ""
            parts.append(f"{shown(self.texts[place])} ({often}{lines[row]})")
        more = int(chosen.sum()) - len(places)
        return ", ".join(parts) + (f" and {more:,} more" if more > 0 else "")


def settled(
    frame: pd.DataFrame, spec: DataSpec, where: Where, categories: Iterable[str] = ()
) -> tuple[pd.DataFrame, list[DataFault]]:
    """``frame`` with the numbers that its columns of text hold, and what is faulty in them.

    ``categories`` are columns of text that were read as such. What is no feature stays as it is.
    """
    apart = {*spec.drop, *spec.labels, *spec.apart}
    frame = _without_signs(frame, Numerals(spec.csv), apart)
    found: dict[str, pd.Series] = {}
    faults: list[DataFault] = []
    for name in [*_texts(frame), *categories]:
        if name not in apart:
            column, fault = _settled(frame[name], spec.csv, where)
            found[name] = column
            faults += [DataFault("data.source", fault)] if fault and name not in spec.target else []
    faults += [*_of_types(frame, spec), *_of_header(frame, where)]
    return (frame.assign(**found) if found else frame), faults


def _without_signs(
    frame: pd.DataFrame, numerals: Numerals, apart: Collection[str | None]
) -> pd.DataFrame:
    """The frame with the numbers that count as gaps, as -999 may, left out of its numbers."""
    if not numerals.gaps:
        return frame
    signs = list(numerals.gaps)
    numbers = (name for name in frame.select_dtypes("number") if name not in apart)
    found = {str(name): frame[name].isin(signs).to_numpy(bool, na_value=False) for name in numbers}
    return frame.assign(**{name: frame[name].mask(at) for name, at in found.items() if at.any()})


def are_codes(column: pd.Series) -> bool:
    """Whether a column of text is one of whole numbers that are names, as one begins with 0."""
    import pyarrow as pa
    from pyarrow import compute

    texts = compute.utf8_trim_whitespace(pa.array(column, pa.string(), from_pandas=True))
    whole = compute.match_substring_regex(texts, "^[0-9]+$")
    led_by_zero = compute.match_substring_regex(texts, f"^{CODE.pattern}$")
    return bool(compute.all(whole).as_py() and compute.any(led_by_zero).as_py())


def _texts(frame: pd.DataFrame) -> Iterator[str]:
    """The columns of text, as they come from CSV."""
    import pandas as pd
    from pandas.api import types

    for name, kind in frame.dtypes.items():
        of_text = types.is_object_dtype(kind) or isinstance(kind, pd.StringDtype)
        if of_text and types.infer_dtype(frame[name], skipna=True) == "string":
            yield str(name)


def _of_types(frame: pd.DataFrame, spec: DataSpec) -> Iterator[DataFault]:
    for name in spec.csv.types:
        if name not in frame.columns:
            hint = did_you_mean(name, list(frame.columns)) or " Name a column that it has."
            yield DataFault("data.csv.types", f"the data has no column {name!r}.{hint}")
        elif spec.csv.types[name] == NUMBER and str(frame[name].dtype) in {"bool", "boolean"}:
            yield (
                DataFault(
                    "data.csv.types",
                    f"a column of numbers must hold numbers, but {name!r} holds truth "
                    "values. Write them as 1 and 0, or leave it out here.",
                )
            )


def _of_header(frame: pd.DataFrame, where: Where) -> Iterator[DataFault]:
    """A row that repeats the header, as files that were put together have."""
    texts = list(_texts(frame))
    if len(texts) == len(frame.columns):  # such a row makes each column one of text
        same = (frame == frame.columns).all(axis=1).to_numpy()
        if same.any():
            row = int(same.argmax())
            again = where([row])[row]
            yield DataFault(
                "data.source", f"must have one header, but {again} repeats it. Remove the row."
            )


def _settled(column: pd.Series, csv: CsvSpec, where: Where) -> tuple[pd.Series, str]:
    """A column of text as what it is, or why it is neither."""
    import numpy as np

    words, numerals = _words(column), Numerals(csv)
    gaps = np.array([numerals.is_gap(text) for text in words.texts], dtype=bool)
    kind = csv.types.get(words.name)
    if kind == TEXT or (kind != NUMBER and any(map(CODE.fullmatch, map(str.strip, words.texts)))):
        return _without(column, words, gaps), ""
    values = _numbers(words.texts, numerals, csv)
    odd = np.isnan(values) & ~gaps
    values[gaps | np.isin(values, list(numerals.gaps))] = np.nan
    if not odd.any():
        fault = _fault_of_units(words, numerals, where) or _fault_of_size(words, numerals)
        return _spread(column, words, values), fault
    if kind == NUMBER or _are_numbers(words, odd, gaps, csv):
        return column, _fault_of_numbers(words, odd, gaps, csv, where)
    for what, pattern in _NO_FEATURES.items():
        found = np.array([bool(pattern.fullmatch(text.strip())) for text in words.texts])
        if found.size and words.count(found) > MOST * words.count(~gaps):
            return column, _fault_of(what, words, found, where)
    return _without(column, words, gaps), ""


def _words(column: pd.Series) -> _Words:
    import pandas as pd

    codes, texts = pd.factorize(column)
    return _Words(str(column.name), [str(text) for text in texts], codes)


def _numbers(texts: list[str], numerals: Numerals, csv: CsvSpec) -> np.ndarray:
    """The numbers that texts are; NaN for other text.

    Pandas' own reading comes first, so that a number is the same whatever its neighbours are; not
    where the file has a sign for decimals that pandas does not know here: 1.234 may be 1234 then.
    """
    import numpy as np
    import pandas as pd

    if not texts:
        return np.empty(0)
    plain = np.full(len(texts), np.nan)
    if csv.decimal == ".":
        plain[:] = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce")
    for place in np.flatnonzero(np.isnan(plain)):
        number = numerals.number(texts[place])
        plain[place] = np.nan if number is None else number
    return plain


def _are_numbers(words: _Words, odd: np.ndarray, gaps: np.ndarray, csv: CsvSpec) -> bool:
    """Whether most rows, or most different texts, are numbers in some way of writing."""
    import numpy as np

    odd_texts = [words.texts[place] for place in np.flatnonzero(odd)[:_MOST_LOOKED_AT]]
    others = {
        text for text in best_reading(odd_texts, csv).others if not _ODD_NUMBER.fullmatch(text)
    }
    left = np.array([text in others for text in words.texts], dtype=bool) & odd
    if odd.sum() > _MOST_LOOKED_AT:  # text mostly, as far as it was looked at
        left = odd if len(others) > MOST * _MOST_LOOKED_AT else left
    present = ~gaps
    return bool(
        words.count(left) < MOST * words.count(present) or left.sum() < MOST * present.sum()
    )


def _spread(column: pd.Series, words: _Words, values: np.ndarray) -> pd.Series:
    import numpy as np
    import pandas as pd

    return pd.Series(np.append(values, np.nan)[words.codes], index=column.index, name=column.name)


def _without(column: pd.Series, words: _Words, gaps: np.ndarray) -> pd.Series:
    """The column of text with what counts as a gap left out."""
    import numpy as np

    return column.mask(np.append(gaps, False)[words.codes]) if gaps.any() else column


def _fault_of_numbers(
    words: _Words, odd: np.ndarray, gaps: np.ndarray, csv: CsvSpec, where: Where
) -> str:
    import numpy as np

    texts = [words.texts[place] for place in np.flatnonzero(odd)]
    reading = best_reading(texts, csv)
    options: dict[str, Any] = dict(reading.options)
    if 0 < len(reading.others) <= _MOST_GAPS:
        known = [] if csv.missing == MISSING else [text for text in csv.missing if text]
        options["missing"] = [*known, *sorted(map(str.strip, reading.others)), ""]
    ways = [f"drop: [{notation.name(words.name)}]"]
    if csv.types.get(words.name) != NUMBER:
        ways.insert(0, f"csv: {flow({'types': {words.name: TEXT}})} to keep it as text")
    if options:
        reason = "to read them" if reading.options else "where these are gaps"
        if reading.options and "missing" in options:
            reason += ", the others being gaps"
        ways.insert(0, f"csv: {flow(options)} {reason}")
    return (
        f"a column most of whose values are numbers must hold nothing else, but "
        f"{words.name!r} holds other text in {words.count(odd):,} of {words.count(~gaps):,} "
        f"values: {words.named(odd, where)}. Fix them, or write under data {either(ways)}."
    )


def _fault_of(what: str, words: _Words, found: np.ndarray, where: Where) -> str:
    name = words.name
    return (
        f"must not be a column of {what}, but {name!r} is: "
        f"{words.named(found, where, 1)}. Convert it to numbers, or write under data "
        f"{either(ways_around(name))}."
    )


def _fault_of_units(words: _Words, numerals: Numerals, where: Where) -> str:
    """What is wrong with amounts of which one has another unit than the first."""
    import numpy as np

    units = [numerals.unit(text) for text in words.texts]
    first = next(filter(None, units), "")
    others = np.array([bool(unit) and unit != first for unit in units], dtype=bool)
    if not others.any():
        return ""
    return (
        f"the numbers of a column must have one unit, but {words.name!r} has "
        f"{first!r} and others: {words.named(others, where)}. Convert them, or write under data "
        f"{either(ways_around(words.name))}."
    )


def _fault_of_size(words: _Words, numerals: Numerals) -> str:
    """What is wrong with whole numbers of which different ones would be one to a model."""
    wholes = (number for text in words.texts if (number := numerals.whole(text)) is not None)
    large = next((number for number in wholes if abs(number) > EXACT), None)
    return "" if large is None else fault_of_size(words.name, large)


def fault_of_size(name: str, large: int, *, typed: bool = False) -> str:
    """What is wrong with a feature that has a whole number beyond `EXACT`.

    A column that is ``typed`` cannot be told to be text by the grid file.
    """
    way_out = f"Write under data {either(ways_around(name))}."
    if typed:
        way_out = f"Write the column as text, or add drop: [{notation.name(name)}] under data."
    return (
        f"whole numbers must be within {EXACT:,}, beyond which models do not tell "
        f"neighbours apart, but {name!r} holds {shown(large)}. {way_out}"
    )


def ways_around(name: str) -> list[str]:
    """What a grid file can say of a column of text that is no feature."""
    return [
        f"drop: [{notation.name(name)}]",
        f"csv: {flow({'types': {name: TEXT}})} for one category each",
    ]


def either(ways: list[str]) -> str:
    """``a, b or c``."""
    return " or ".join([", ".join(ways[:-1]), ways[-1]]) if len(ways) > 1 else ways[0]
