"""Pipeline: a classifier together with what prepares its columns, fitted on training rows only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sweepstake.domain.spec import Preprocess
from sweepstake.gridfile import estimators
from sweepstake.gridfile.transformers import OF_TEXT
from sweepstake.training import column_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pandas as pd
    from sklearn.base import BaseEstimator

    from sweepstake.casting.column_cast import ColumnCast
    from sweepstake.domain.spec import EstimatorSpec, Step, SweepSpec

LAST = "classifier"
"""The name of the last step, a regressor too."""
MOST_CATEGORIES = 100
"""Columns that one column of text becomes at most."""
_BINS = 8
"""Bins of equal width that a number falls into for a classifier of categories."""


def of_trial(
    point: EstimatorSpec, spec: SweepSpec, features: pd.DataFrame, classes: Sequence[Any]
) -> BaseEstimator:
    """The estimator of a point of the search space, to fit on columns such as ``features``.

    Raises:
        DataError: an entry of ``columns`` takes none of them, or one that another takes.
    """
    classifier = estimators.build(point, spec.seed, classes)
    placed = estimators.build_steps(point, spec.seed, classes)
    return build(classifier, spec.preprocess, features, placed)


def build(
    classifier: BaseEstimator,
    preprocess: Preprocess,
    features: pd.DataFrame,
    placed: Sequence[tuple[Step, Any]] = (),
) -> BaseEstimator:
    """The estimator to fit on columns such as ``features``.

    With ``auto`` a ``Pipeline``: gaps in numbers become the mean, numbers are standardised (scaled
    to 0..1 for classifiers that refuse negative numbers, put into bins for those of categories),
    categories become one column per value, unknown values none. Of a column with more than
    `MOST_CATEGORIES` values the rarest share one column, and unknown values fall into it: a column
    that only names the rows cannot take all memory. With ``none`` the classifier as it is.

    ``placed`` are the steps of the grid file. Those of columns take theirs out of that treatment;
    the others stand after it, and leave numbers to themselves.
    """
    steps = [(step.param, each) for step, each in placed if not step.columns]
    of_columns = [(step, each) for step, each in placed if step.columns]
    first = _first(classifier, preprocess, features, of_columns, raw=bool(steps))
    if not first and not steps:
        return classifier if preprocess is Preprocess.NONE else _pipeline([], classifier)
    return _pipeline([*first, *steps], classifier)


def _first(
    classifier: BaseEstimator,
    preprocess: Preprocess,
    features: pd.DataFrame,
    of_columns: Sequence[tuple[Step, Any]],
    *,
    raw: bool,
) -> list[tuple[str, Any]]:
    """What prepares the columns: those of the grid file's entries, then all others."""
    entries = list(dict.fromkeys(step.columns for step, _ in of_columns))
    groups = column_groups.groups(entries, features) if entries else {}
    taken = {name for names in groups.values() for name in names}
    numbers = [name for name in features.select_dtypes("number").columns if name not in taken]
    known = {*numbers, *taken}
    texts = [name for name in features.columns if name not in known]
    if preprocess is Preprocess.NONE:
        rest = [("others", "passthrough", [n for n in features.columns if n not in taken])]
        return _by_columns(of_columns, groups, rest) if entries else []
    scaled = [] if raw else _number_steps(classifier)
    if not texts and not entries:
        return scaled
    rest = [("numbers", _chain(scaled), numbers), ("categories", _encoder(), texts)]
    return _by_columns(of_columns, groups, rest)


def _by_columns(
    of_columns: Sequence[tuple[Step, Any]],
    groups: Mapping[str, list[str]],
    rest: Sequence[tuple[str, Any, list[str]]],
) -> list[tuple[str, Any]]:
    """One step that gives each part of the columns its own treatment."""
    from sklearn.compose import ColumnTransformer

    parts = [
        part
        for number, (entry, names) in enumerate(groups.items())
        for part in _parts(f"part{number}", [s for s in of_columns if s[0].columns == entry], names)
    ]
    return [("columns", ColumnTransformer([*parts, *(part for part in rest if part[2])]))]


def _parts(
    name: str, placed: Sequence[tuple[Step, Any]], columns: list[str]
) -> Iterator[tuple[str, Any, Any]]:
    """The parts of one entry: a vectoriser takes one column of text, so each has its own."""
    from sklearn.base import clone

    from sweepstake.casting import TextColumn

    chain = [(f"step{number}", each) for number, (_, each) in enumerate(placed)]
    if type(chain[0][1]).__name__ not in OF_TEXT:
        yield name, _chain(chain), columns
        return
    for number, column in enumerate(columns):
        steps = [(key, clone(each) if hasattr(each, "fit") else each) for key, each in chain]
        yield f"{name}_{number}", _chain([("text", TextColumn()), *steps]), column


def _chain(steps: list[tuple[str, Any]]) -> Any:
    """Steps one after another: none are passed, one stands for itself."""
    from sklearn.pipeline import Pipeline

    if len(steps) > 1:
        return Pipeline(steps)
    return steps[0][1] if steps else "passthrough"


def _encoder() -> BaseEstimator:
    from sklearn.preprocessing import OneHotEncoder

    return OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        max_categories=MOST_CATEGORIES,
        sparse_output=False,
    )


def _pipeline(steps: list[tuple[str, Any]], classifier: BaseEstimator) -> BaseEstimator:
    """The steps and the classifier; imbalanced-learn's pipeline where one of them changes rows."""
    from sklearn.pipeline import Pipeline

    if any(hasattr(step, "fit_resample") for _, step in steps):
        from imblearn.pipeline import Pipeline as Resampling  # type: ignore[import-untyped]

        return Resampling([*steps, (LAST, classifier)])
    return Pipeline([*steps, (LAST, classifier)])


def asked(estimator: BaseEstimator) -> BaseEstimator:
    """The fitted ``estimator`` as it is asked: without what changed rows while it was fitted."""
    from sklearn.pipeline import Pipeline

    steps = getattr(estimator, "steps", [])
    kept = [pair for pair in steps if not hasattr(pair[1], "fit_resample")]
    return estimator if len(kept) == len(steps) else Pipeline(kept)


def writes_to_rows(estimator: BaseEstimator) -> bool:
    """Whether something of it is told to use the rows that it gets as its own (``copy: false``)."""
    params = estimator.get_params().items()
    return any(name.rpartition("__")[2].startswith("copy") and not value for name, value in params)


def own_rows(estimator: BaseEstimator) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """What gives an estimator rows of its own, where it would change those of others."""
    return (lambda rows: rows.copy()) if writes_to_rows(estimator) else (lambda rows: rows)


def needs_names(estimator: BaseEstimator, features: pd.DataFrame) -> bool:
    """Whether columns are told by name: for categories, and where a classifier may name some.

    Elsewhere an array does, which scikit-learn checks faster.
    """
    by_name = any(key.endswith("categorical_features") for key in estimator.get_params())
    by_name = by_name or "columns" in dict(getattr(estimator, "steps", ()))
    return by_name or any(kind.name == "category" for kind in features.dtypes)


def castable(estimator: BaseEstimator, cast: ColumnCast) -> BaseEstimator:
    """The fitted ``estimator`` behind a cast: it takes rows in any form.

    The fits themselves get their columns typed and do without: a cast learns nothing.
    """
    from sklearn.pipeline import Pipeline

    steps = estimator.steps if hasattr(estimator, "steps") else [(LAST, estimator)]
    return Pipeline([("cast", cast), *steps])


def classifier_of(estimator: BaseEstimator) -> BaseEstimator:
    """The classifier inside what ``build`` made, fitted or not."""
    return estimator[-1] if hasattr(estimator, "steps") else estimator


def prepared(estimator: BaseEstimator, features: Any) -> Any:
    """Columns as the classifier inside the fitted ``estimator`` gets them."""
    several = len(getattr(estimator, "steps", ())) > 1
    return estimator[:-1].transform(features) if several else features


def _number_steps(classifier: BaseEstimator) -> list[tuple[str, Any]]:
    from sklearn.impute import SimpleImputer
    from sklearn.naive_bayes import CategoricalNB
    from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, StandardScaler
    from sklearn.utils import get_tags

    members = list(_members(classifier))
    scale = StandardScaler()
    if any(isinstance(member, CategoricalNB) for member in members):
        scale = KBinsDiscretizer(_BINS, encode="ordinal", strategy="uniform")
    elif any(get_tags(member).input_tags.positive_only for member in members):
        scale = MinMaxScaler(clip=True)
    return [("impute", SimpleImputer(keep_empty_features=True)), ("scale", scale)]


def _members(classifier: BaseEstimator) -> Iterator[BaseEstimator]:
    """The classifier and every estimator among its parameters, however deep."""
    yield classifier
    values = classifier.get_params(deep=True).values()
    yield from (value for value in values if hasattr(value, "fit") and hasattr(value, "get_params"))
