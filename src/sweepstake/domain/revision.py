"""Revision: which training code, on which libraries, a score is of.

A trial is reused where its key is the same, so the key has all that a score depends on and that is
neither in the grid file nor in the data's digest.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

from sweepstake.domain.tags import Tag

REVISION = 3
"""Raised by hand when a trial may score otherwise than before; CONTRIBUTING.md says how."""
BOOSTING = 1
"""The same of `boosting`: raised when trials of boosters alone may score otherwise."""
LIBRARIES = ("scikit-learn", "numpy", "scipy")
"""Whose releases compute scores. What others read and prepare is in the data's digest."""


@cache
def origin() -> dict[str, str]:
    """The revision, and the release of each of the libraries."""
    return {"revision": str(REVISION), **{name: version(name) for name in LIBRARIES}}


def training_tag() -> dict[str, str]:
    """``revision 2, scikit-learn 1.9.1, numpy 2.4.6, scipy 1.17.1`` as a tag."""
    return {Tag.TRAINING: ", ".join(f"{name} {text}" for name, text in origin().items())}
