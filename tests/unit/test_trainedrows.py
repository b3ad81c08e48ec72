"""Which rows of a holdout a model was trained on: by content, also with one column changed."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepstake.data import trained_rows
from sweepstake.data.dataset import Dataset

WORDS = ["a", "b", "c"]


def trained(features, y):
    """The data of a model that saw these rows, without a holdout."""
    return Dataset(features, y, features.iloc[:0], y[:0], ("no", "yes"), "0" * 64)


def plainly(known, known_y, asked, asked_y):
    """What `met` says, asked of tuples: whole rows, or all but one column that is not needed."""
    found = np.zeros(len(asked), dtype=bool)
    for left_out in [None, *known.columns]:
        names = [name for name in known.columns if name != left_out]
        old, new = (
            list(zip(y, *(frame[name].astype(object) for name in names), strict=True))
            for frame, y in ((known, known_y), (asked, asked_y))
        )
        if left_out is None or len(set(old)) >= trained_rows.TELLING * len(old):
            found |= np.array([row in set(old) for row in new], dtype=bool)
    return found


@st.composite
def tables(draw):
    """Two small tables of the same columns, with rows in common."""
    width = draw(st.integers(1, 5))
    texts = draw(st.lists(st.booleans(), min_size=width, max_size=width))
    drawn = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    most = draw(st.integers(1, 12))

    def frame(rows):
        return pd.DataFrame(
            {
                f"c{number}": pd.Categorical(drawn.choice(WORDS, rows), categories=WORDS)
                if text
                else drawn.integers(0, most, rows).astype(float)
                for number, text in enumerate(texts)
            }
        )

    known, new = frame(draw(st.integers(1, 30))), frame(draw(st.integers(1, 30)))
    asked = pd.concat([new, known.iloc[: draw(st.integers(0, 5))]], ignore_index=True)
    return known, drawn.integers(0, 2, len(known)), asked, drawn.integers(0, 2, len(asked))


@given(tables(), st.sampled_from([1, 40, 10_000_000]))
def test_rows_are_met_as_plain_comparison_finds_them(tables, cells):
    """However many columns are looked at together, the answer is that of comparing tuples."""
    known, known_y, asked, asked_y = tables
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trained_rows, "MOST_CELLS", cells)
        found = trained_rows.met(trained(known, known_y), asked, asked_y)
    assert plainly(known, known_y, asked, asked_y).tolist() == found.tolist()
