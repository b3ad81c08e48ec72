"""Every name that goes into MLflow is written down once."""

import io
import re
import tokenize
from pathlib import Path

import pytest

import sweepstake
from sweepstake.domain.tags import PREFIX, MlflowTag, Tag

PACKAGE = Path(sweepstake.__file__).parent
NAMED = re.compile(r"(?<![\w.])(sweepstake|mlflow)\.[a-z_]+(\.[a-z_]+)*(?![\w./])|mean_cv_|std_cv_")
"""What looks like a tag or a metric within a text."""
KNOWN = {
    *(value for owner in (Tag, MlflowTag) for name, value in vars(owner).items() if name.isupper())
}


def texts(file):
    """The texts of a module that are not docstrings."""
    tokens = tokenize.generate_tokens(io.StringIO(file.read_text(encoding="utf-8")).readline)
    return [token.string for token in tokens if token.type == tokenize.STRING]


@pytest.mark.parametrize(
    "file",
    [file for file in sorted(PACKAGE.rglob("*.py")) if file.name != "tags.py"],
    ids=lambda file: file.relative_to(PACKAGE).as_posix(),
)
def test_tags_and_metrics_are_named_in_one_place(file):
    """Whoever renames one changes one line; class paths and names of metrics in prose are none."""
    code = [text for text in texts(file) if not text.startswith('"""')]
    found = {match[0] for text in code for match in NAMED.finditer(text)}
    assert set() == found & (KNOWN | {"mean_cv_", "std_cv_"})


def test_our_tags_bear_our_name():
    """Tags of others are never mistaken for ours."""
    ours = {value for name, value in vars(Tag).items() if name.isupper()}
    assert all(value.startswith(PREFIX) for value in ours)
