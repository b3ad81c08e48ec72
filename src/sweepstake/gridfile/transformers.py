"""The allow-list of steps: the transformers and samplers that a grid file may name.

Reviewed for scikit-learn 1.9 and imbalanced-learn 0.14: each turns rows of numbers, or one column
of text, into numbers. None runs code that a file brings (``FunctionTransformer``), opens files or
keeps what a model file may not hold. The operator's setting adds those of other packages.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from sweepstake.errors import NotFoundError
from sweepstake.gridfile import allowlist
from sweepstake.wording.near_misses import did_you_mean, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

HOMES: Mapping[str, tuple[str, ...]] = {
    "sklearn.cluster": ("FeatureAgglomeration", "KMeans", "MiniBatchKMeans"),
    "sklearn.decomposition": (
        *("DictionaryLearning", "FactorAnalysis", "FastICA", "IncrementalPCA", "KernelPCA"),
        *("LatentDirichletAllocation", "MiniBatchDictionaryLearning", "MiniBatchNMF"),
        *("MiniBatchSparsePCA", "NMF", "PCA", "SparsePCA", "TruncatedSVD"),
    ),
    "sklearn.discriminant_analysis": ("LinearDiscriminantAnalysis",),
    "sklearn.ensemble": ("RandomTreesEmbedding",),
    "sklearn.feature_extraction.text": (
        *("CountVectorizer", "HashingVectorizer", "TfidfTransformer", "TfidfVectorizer"),
    ),
    "sklearn.feature_selection": (
        *("GenericUnivariateSelect", "RFE", "RFECV", "SelectFdr", "SelectFpr", "SelectFromModel"),
        *("SelectFwe", "SelectKBest", "SelectPercentile", "SequentialFeatureSelector"),
        "VarianceThreshold",
    ),
    "sklearn.impute": ("KNNImputer", "MissingIndicator", "SimpleImputer"),
    "sklearn.kernel_approximation": (
        *("AdditiveChi2Sampler", "Nystroem", "PolynomialCountSketch", "RBFSampler"),
        "SkewedChi2Sampler",
    ),
    "sklearn.manifold": ("Isomap", "LocallyLinearEmbedding"),
    "sklearn.neighbors": ("NeighborhoodComponentsAnalysis",),
    "sklearn.neural_network": ("BernoulliRBM",),
    "sklearn.preprocessing": (
        *("Binarizer", "KBinsDiscretizer", "MaxAbsScaler", "MinMaxScaler", "Normalizer"),
        *("OneHotEncoder", "OrdinalEncoder", "PolynomialFeatures", "PowerTransformer"),
        *("QuantileTransformer", "RobustScaler", "SplineTransformer", "StandardScaler"),
        "TargetEncoder",
    ),
    "sklearn.random_projection": ("GaussianRandomProjection", "SparseRandomProjection"),
}
SAMPLERS: Mapping[str, tuple[str, ...]] = {
    "imblearn.combine": ("SMOTEENN", "SMOTETomek"),
    "imblearn.over_sampling": (
        *("ADASYN", "BorderlineSMOTE", "KMeansSMOTE", "RandomOverSampler", "SMOTE", "SMOTEN"),
        *("SMOTENC", "SVMSMOTE"),
    ),
    "imblearn.under_sampling": (
        *("AllKNN", "ClusterCentroids", "CondensedNearestNeighbour", "EditedNearestNeighbours"),
        *("InstanceHardnessThreshold", "NearMiss", "NeighbourhoodCleaningRule"),
        *("OneSidedSelection", "RandomUnderSampler", "RepeatedEditedNearestNeighbours"),
        "TomekLinks",
    ),
}
"""They change rows while a model is fitted, and have no part in what it answers."""
OF_TEXT = frozenset({"CountVectorizer", "HashingVectorizer", "TfidfVectorizer"})
"""They take one column of text, not a table."""
NOT_OURS: Mapping[str, str] = {
    "FunctionTransformer": "It runs code, and no code runs from a grid file.",
    "FunctionSampler": "It runs code, and no code runs from a grid file.",
    "ColumnTransformer": "Write what happens to which columns under 'columns'.",
    "FeatureUnion": "Name one of its transformers, or give columns their own under 'columns'.",
    "Pipeline": "Write its steps one below the other.",
    "IterativeImputer": "It is experimental in scikit-learn. Take KNNImputer or SimpleImputer.",
    "DictVectorizer": "It takes mappings, not columns.",
    "FeatureHasher": "It takes mappings, not columns. Take HashingVectorizer.",
    "LabelEncoder": "It is for labels, which need none. Take OrdinalEncoder.",
    "LabelBinarizer": "It is for labels, which need none. Take OneHotEncoder.",
    "MultiLabelBinarizer": "It is for labels, which need none. Take OneHotEncoder.",
    "TSNE": "It cannot transform rows that it has not seen. Take PCA or Isomap.",
}
"""Well known, not allowed, and what to do instead."""
HELD: Mapping[str, tuple[Any, str]] = {
    "input": ("content", "no step opens files"),
    "memory": (None, "no step keeps files"),
    "importance_getter": ("auto", "no step reads attributes by name"),
}
"""Parameters that may have one value only, and why."""
SCORE_FUNC = "score_func"
SCORE_FUNCTIONS = ("chi2", "f_classif", "f_regression", "mutual_info_classif", "r_regression")
"""What selects features, by name: scikit-learn takes functions, which no file can write."""


@cache
def known() -> Mapping[str, str]:
    """Bare class names and their dotted ones; where two packages have one, scikit-learn's."""
    added = {name.rpartition(".")[2]: name for name in allowlist.added_transformers()}
    names = {short: f"{home}.{short}" for home, shorts in HOMES.items() for short in shorts}
    return added | _samplers() | names


@cache
def _samplers() -> dict[str, str]:
    """Those of imbalanced-learn, where it is installed."""
    if find_spec("imblearn") is None:
        return {}
    return {short: f"{home}.{short}" for home, shorts in SAMPLERS.items() for short in shorts}


def dotted(name: str) -> str | None:
    """The dotted name of a step named by its class or dotted name, else ``None``.

    >>> dotted("PCA"), dotted("sklearn.decomposition.PCA"), dotted("os.system")
    ('sklearn.decomposition.PCA', 'sklearn.decomposition.PCA', None)
    """
    full = known().get(name.rpartition(".")[2])
    return full if full is not None and name in {full, full.rpartition(".")[2]} else None


def resolve(name: str) -> str:
    """The dotted name of a step named by its class or dotted name.

    Raises:
        NotFoundError: not on the allow-list; the message suggests near misses.
    """
    found = dotted(name)
    if found is not None:
        return found
    message = f"must be a transformer that is allowed as a step, but got {shown(name)}. "
    raise NotFoundError(message + _way_out(name))


def _way_out(name: str) -> str:
    short = name.rpartition(".")[2]
    if short in NOT_OURS:
        return NOT_OURS[short]
    if any(short in shorts for shorts in SAMPLERS.values()):
        return "It is in imbalanced-learn: install sweepstake[imbalanced]."
    if allowlist.dotted(name):
        return "It is a classifier: name it under 'estimator'."
    return did_you_mean(short, known()).strip() or "docs/how-to/steps.md lists the names."


def is_sampler(name: str) -> bool:
    """Whether a dotted name is that of a sampler, which no stored model needs."""
    return name.startswith("imblearn.")


def score_function(name: str, seed: int | None) -> Any:
    """What selects features by this name; one that draws random numbers draws by the seed."""
    from functools import partial

    found = getattr(import_module("sklearn.feature_selection"), name)
    return partial(found, random_state=seed) if name.startswith("mutual_info") else found
