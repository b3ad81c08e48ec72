"""Near misses and values as messages show them."""

from __future__ import annotations

import pytest

from sweepstake.wording.near_misses import did_you_mean, listed, near_misses, shown


def test_a_suggestion_names_the_nearest_words():
    """Two words that are about equally near are both suggested."""
    known = ["learning_rate", "learning_rate_init", "alpha"]
    expected = " Did you mean 'learning_rate' or 'learning_rate_init'?"
    assert expected == did_you_mean("learning_rage", known)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("GAMMA", ["gamma"]), ("zzz", []), ("", []), ("x" * 100_000, [])],
)
def test_case_does_not_count_and_strangers_get_nothing(word, expected):
    """A word in another case is near; one that is like no other gets no suggestion."""
    assert expected == near_misses(word, ["gamma", "degree"])


def test_a_clearly_better_match_stands_alone():
    """A second suggestion that is much less like the word is left out."""
    assert ["data/flowers.csv"] == near_misses(
        "data/flower.csv", ["data/flowers.csv", "data/header.csv"]
    )


@pytest.mark.parametrize(
    ("words", "expected"), [([], ""), (["a"], "'a'"), (["a", "b", "c"], "'a', 'b' or 'c'")]
)
def test_words_are_listed_as_in_a_sentence(words, expected):
    """A list reads as a sentence does."""
    assert expected == listed(words)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (1e-3, "0.001"),
        ("rbf", "'rbf'"),
        ([1, [None]], "[1, [null]]"),
        ([], "an empty list"),
        ({}, "an empty mapping"),
        ({"a": 1}, "a mapping"),
        (list(range(1000)), "a list of 1,000"),
        ("x" * 100, f"'{'x' * 58}…"),
    ],
)
def test_a_value_is_shown_as_the_file_writes_it(value, expected):
    """Values appear in messages as YAML writes them, and short."""
    assert expected == shown(value)
