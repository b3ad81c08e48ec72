"""Column checks: whether the entries of ``columns`` fit the columns of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweepstake.domain.spec import EstimatorSpec
from sweepstake.errors import DataError, DataFault
from sweepstake.gridfile.search_space import all_products
from sweepstake.gridfile.transformers import OF_TEXT
from sweepstake.training import column_groups

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from sweepstake.domain.spec import SweepSpec


def check(spec: SweepSpec, features: pd.DataFrame) -> None:
    """See that every entry takes columns that no other takes, and of a kind that it can use.

    Raises:
        DataError: carries every entry that does not.
    """
    entries = list(dict.fromkeys(entry for entry, _ in _placed(spec)))
    if not entries:
        return
    groups = column_groups.groups(entries, features)
    if faults := list(dict.fromkeys(_unfit(spec, groups, features))):
        raise DataError(*faults)


def _placed(spec: SweepSpec) -> Iterator[tuple[str, str]]:
    """Each entry, with the class of each transformer that may stand in it."""
    for product in all_products(spec):
        values = dict(product.values())
        for step in product.estimator.steps:
            for value in values[step.param] if step.columns else ():
                yield step.columns, value.short_name if isinstance(value, EstimatorSpec) else ""


def _unfit(
    spec: SweepSpec, groups: Mapping[str, list[str]], features: pd.DataFrame
) -> Iterator[DataFault]:
    """Numbers that are given to what takes text."""
    for entry, short in _placed(spec):
        numbers = [n for n in groups[entry] if not column_groups.is_text(features[n])]
        if short in OF_TEXT and numbers:
            message = f"{short} takes text, but column {numbers[0]!r} holds numbers. Name columns "
            yield DataFault(f"columns.{entry}", f"{message}of text, or another transformer.")
