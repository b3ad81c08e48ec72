"""Pipeline: a classifier together with what prepares its columns, fitted on training rows only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sweepstake.domain.spec import Preprocess

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from sklearn.base import BaseEstimator

    from sweepstake.casting.column_cast import ColumnCast

MOST_CATEGORIES = 100
"""Columns that one column of text becomes at most."""
_BINS = 8
"""Bins of equal width that a number falls into for a classifier of categories."""


def build(
    classifier: BaseEstimator, preprocess: Preprocess, features: pd.DataFrame
) -> BaseEstimator:
    """The estimator to fit on columns such as ``features``.

    With ``auto`` a ``Pipeline``: gaps in numbers become the mean, numbers are standardised (scaled
    to 0..1 for classifiers that refuse negative numbers, put into bins for those of categories),
    categories become one column per value, unknown values none. Of a column with more than
    `MOST_CATEGORIES` values the rarest share one column, and unknown values fall into it: a column
    that only names the rows cannot take all memory. With ``none`` the classifier as it is.
    """
    if preprocess is Preprocess.NONE:
        return classifier
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder

    numbers = features.select_dtypes("number").columns.tolist()
    known = set(numbers)
    texts = [name for name in features.columns if name not in known]
    steps = _number_steps(classifier)
    if texts:
        encode = OneHotEncoder(
            handle_unknown="infrequent_if_exist",
            max_categories=MOST_CATEGORIES,
            sparse_output=False,
        )
        parts = [("numbers", Pipeline(steps), numbers), ("categories", encode, texts)]
        steps = [("columns", ColumnTransformer([part for part in parts if part[2]]))]
    return Pipeline([*steps, ("classifier", classifier)])


def needs_names(estimator: BaseEstimator, features: pd.DataFrame) -> bool:
    """Whether columns are told by name: for categories, and where a classifier may name some.

    Elsewhere an array does, which scikit-learn checks faster.
    """
    by_name = any(key.endswith("categorical_features") for key in estimator.get_params())
    return by_name or any(kind.name == "category" for kind in features.dtypes)


def castable(estimator: BaseEstimator, cast: ColumnCast) -> BaseEstimator:
    """The fitted ``estimator`` behind a cast: it takes rows in any form.

    The fits themselves get their columns typed and do without: a cast learns nothing.
    """
    from sklearn.pipeline import Pipeline

    steps = estimator.steps if hasattr(estimator, "steps") else [("classifier", estimator)]
    return Pipeline([("cast", cast), *steps])


def classifier_of(estimator: BaseEstimator) -> BaseEstimator:
    """The classifier inside what ``build`` made, fitted or not."""
    return estimator[-1] if hasattr(estimator, "steps") else estimator


def prepared(estimator: BaseEstimator, features: Any) -> Any:
    """Columns as the classifier inside the fitted ``estimator`` gets them."""
    return estimator[:-1].transform(features) if hasattr(estimator, "steps") else features


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
