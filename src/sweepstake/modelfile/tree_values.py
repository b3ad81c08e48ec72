"""The figures of a model that compiled code follows without looking: indices, shapes, children.

scikit-learn checks what it is asked to predict, not what it was loaded from: a node of a tree that
points outside of it reads foreign memory or ends the process. So nodes must point to later nodes,
to features and to categories that exist, and arrays that go together must have fitting lengths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np  # noqa: TID253 - whoever imports this is about to load a model

from sweepstake.errors import ModelFileError
from sweepstake.forests import soundness
from sweepstake.modelfile import audit, step_values
from sweepstake.modelfile.audit import nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DATA = frozenset({"JsonNode", "NdArrayNode", "DictNode", "TupleNode", "ListNode", "TypeNode"})
"""What figures are made of; nothing of it is compiled code."""
TABLE = "sweepstake.forests.TreeTable"
TREE_BYTES, NODE_BYTES, SHARE_BYTES = 2048, 64, 8
"""What a tree takes in memory, a node of it, and the share of a class in it."""


def check_parts(tree: Any) -> None:
    """Look at what compiled code takes over when a file is built.

    Raises:
        ModelFileError: some figure of it points to nothing.
    """
    audit.check_expanded(_of_tables(tree))
    for node in nodes(tree):
        check = _PARTS.get(f"{node.module_name}.{node.class_name}")
        if check and type(node).__name__ in {"TreeNode", "ObjectNode"}:
            check(node)
        if type(node).__name__ == "SparseMatrixNode":
            _hold("sparse matrix", step_values.sparse(node.construct()))


def check_estimators(tree: Any) -> None:
    """Look at what estimators that were built would hand to compiled code.

    Raises:
        ModelFileError: figures of one do not go together.
    """
    for node in nodes(tree):
        if type(node).__name__ == "ObjectNode":
            built = node.construct()
            soundness.check_attributes(type(built), getattr(built, "__dict__", ()))
            for base in type(built).__mro__:
                for check in _ESTIMATORS.get(base.__name__, ()):
                    check(built)
                if base.__name__ in step_values.CHECKS:
                    _hold("step", step_values.CHECKS[base.__name__](built))


def _tree(node: Any) -> None:
    """A tree of scikit-learn's: decision trees, forests, boosting."""
    n_features, n_classes, n_outputs = _data(node.args)
    state = _data(node.attrs)
    found, count = state["nodes"], state["node_count"]
    classes = np.asarray(n_classes)
    _hold("tree", classes.shape == (n_outputs,) and classes.dtype == np.intp)
    _hold("tree", found.shape == (count,) and count > 0 and classes.min() > 0 and n_outputs > 0)
    _hold("tree", state["values"].shape == (count, n_outputs, classes.max()))
    depths = np.array([state["max_depth"]])
    soundness.check(found, np.array([count]), depths, (n_features, classes, n_outputs))


def _predictor(node: Any) -> None:
    """A tree of histogram gradient boosting."""
    state = _data(node.attrs)
    found, bitsets = state["nodes"], state["raw_left_cat_bitsets"]
    _hold("predictor", found.ndim == 1 and len(found) > 0 and bitsets.ndim == 2)  # noqa: PLR2004
    _hold("predictor", bitsets.shape[1] == 8)  # noqa: PLR2004 - of 32 categories each
    inner = found["is_leaf"] == 0
    _point_later(
        "predictor",
        found["left"][inner].astype(np.int64),
        found["right"][inner].astype(np.int64),
        np.flatnonzero(inner),
        len(found),
    )
    _point_into("predictor", found["bitset_idx"][found["is_categorical"] != 0], len(bitsets))
    _hold("predictor", (found["feature_idx"][inner] >= 0).all())


def _of_tables(tree: Any) -> int:
    """The bytes that all tables of trees will take, which check themselves when they are built."""
    tables = [each for each in nodes(tree) if f"{each.module_name}.{each.class_name}" == TABLE]
    states = [each.attrs.children["content"] for each in tables]
    return sum(_of_table(state) for state in states)


def _of_table(state: Mapping[str, Any]) -> int:
    trees, shares = _data(state["counts"]).size, 0
    if "rows" in state:
        shares = _data(state["rows"]).size
    found = _data(state["columns"].children["content"]["left_child"]).size
    return int(trees * TREE_BYTES + found * NODE_BYTES + shares * SHARE_BYTES)


def _neighbours(node: Any) -> None:
    """A tree of neighbours: numbered as a binary tree in an array, over a permutation of rows."""
    parts = [_data(part) for part in node.attrs.content[:7]]
    data, order, found, bounds, leaf_size, n_levels, n_nodes = parts
    rows, columns = data.shape
    _hold("neighbours", order.shape == (rows,) and leaf_size > 0 and rows > 0)
    _hold("neighbours", found.shape == (n_nodes,) and n_nodes == 2**n_levels - 1)
    _hold("neighbours", bounds.shape[1:] == (n_nodes, columns) and bounds.ndim == 3)  # noqa: PLR2004
    _hold("neighbours", len(bounds) == (2 if node.class_name.startswith("KD") else 1))
    _point_into("neighbours", order, rows)
    start, end = found["idx_start"], found["idx_end"]
    _hold("neighbours", ((start >= 0) & (start <= end) & (end <= rows)).all())
    inner = np.flatnonzero(found["is_leaf"] == 0)
    _point_into("neighbours", 2 * inner + 2, n_nodes)
    _distance_fits(node.attrs.content[-2], columns)


def _distance_fits(metric: Any, columns: int) -> None:
    """A distance that weighs columns has a weight for each; one on a globe has two columns."""
    if metric.class_name.startswith(("SEuclidean", "Minkowski")):
        weights = np.asarray(_data(metric.attrs)[1])
        unweighted = not weights.size and metric.class_name.startswith("Minkowski")
        _hold("neighbours", unweighted or weights.shape == (columns,))
    _hold("neighbours", columns == 2 or not metric.class_name.startswith("Haversine"))  # noqa: PLR2004


_PARTS: dict[str, Callable[[Any], None]] = {
    "sklearn.tree._tree.Tree": _tree,
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor": _predictor,
    "sklearn.neighbors._kd_tree.KDTree": _neighbours,
    "sklearn.neighbors._ball_tree.BallTree": _neighbours,
}


def _own_tree(estimator: Any) -> None:
    """A decision tree is asked about the columns that it was trained on."""
    if hasattr(estimator, "tree_"):
        _hold("tree", estimator.tree_.n_features == estimator.n_features_in_)


def _same_columns(ensemble: Any) -> None:
    """An ensemble hands its columns to its trees as they are, without asking them."""
    trees = np.ravel(np.array(getattr(ensemble, "estimators_", []), dtype=object))
    for tree in trees:
        _hold("ensemble", hasattr(tree, "tree_"))
        _hold("ensemble", tree.tree_.n_features == ensemble.n_features_in_)


def _boosted(ensemble: Any) -> None:
    """Boosting adds what its trees say to a column for each class, in one compiled loop."""
    if hasattr(ensemble, "estimators_"):
        columns = ensemble.n_trees_per_iteration_
        classes = len(ensemble.classes_) if hasattr(ensemble, "classes_") else 1
        _hold("boosting", ensemble.estimators_.shape[1:] == (columns,))
        _hold("boosting", columns == (classes if classes > 2 else 1))  # noqa: PLR2004
        start = getattr(getattr(ensemble, "init_", None), "classes_", None)
        _hold("boosting", start is None or len(start) == classes)
        for tree in np.ravel(ensemble.estimators_):
            _hold("boosting", (tree.tree_.n_outputs, tree.tree_.max_n_classes) == (1, 1))


def _binned(ensemble: Any) -> None:
    """Predictors ask for columns that were binned, and for categories of columns that have any."""
    if not hasattr(ensemble, "_predictors"):
        return
    mapper = ensemble._bin_mapper  # noqa: SLF001 - as the compiled code does
    columns, categories = ensemble.n_features_in_, np.asarray(mapper.is_categorical_)
    _hold("boosting", len(mapper.bin_thresholds_) == columns == len(categories))
    for predictor in (each for group in ensemble._predictors for each in group):  # noqa: SLF001
        found = predictor.nodes
        inner = found["is_leaf"] == 0
        features = found["feature_idx"]
        _point_into("boosting", features[inner], columns)
        asked = features[inner & (found["is_categorical"] != 0)]
        _hold("boosting", categories[asked].all())


def _nearest(estimator: Any) -> None:
    """Labels of neighbours count into a column for each class, and rows exist on both sides."""
    if not hasattr(estimator, "_fit_X"):
        return
    rows = estimator._fit_X.shape[0]  # noqa: SLF001
    _hold("neighbours", estimator._fit_X.shape[1:] == (estimator.n_features_in_,))  # noqa: SLF001
    tree = getattr(estimator, "_tree", None)
    if tree is not None:
        _hold("neighbours", np.asarray(tree.data).shape == estimator._fit_X.shape)  # noqa: SLF001
    labels = getattr(estimator, "_y", None)
    if labels is None or not hasattr(estimator, "classes_"):
        return
    _hold("neighbours", len(labels) == rows)
    several = isinstance(estimator.classes_, list)
    columns = np.reshape(labels, (rows, -1)).T
    classes = estimator.classes_ if several else [estimator.classes_]
    _hold("neighbours", len(columns) == len(classes))
    for column, known in zip(columns, classes, strict=True):
        _hold("neighbours", column.dtype.kind == "i")
        _point_into("neighbours", column, len(known))


def _supported(estimator: Any) -> None:
    """The arrays of libsvm lie side by side in memory; it takes their lengths from each other."""
    if not hasattr(estimator, "support_vectors_"):
        return
    is_sparse = hasattr(estimator.support_vectors_, "indptr")
    _hold("support vectors", estimator._sparse is is_sparse)  # noqa: SLF001
    predicts_numbers = not hasattr(estimator, "classes_")
    count = len(estimator.support_)
    classes = 2 if predicts_numbers else len(estimator.classes_)  # numbers are kept as of two
    pairs = classes * (classes - 1) // 2
    shapes = {
        "_dual_coef_": (classes - 1, count),
        "_intercept_": (pairs,),
        "_n_support": (classes,),
        **({} if predicts_numbers else {"class_weight_": (classes,)}),
    }
    for name, shape in shapes.items():
        _hold("support vectors", getattr(estimator, name).shape == shape)
    if is_sparse:  # libsvm takes the figures alone, as if none were left out
        weights = estimator._dual_coef_
        _hold("support vectors", weights.data.shape == ((classes - 1) * count,))
    for name in ("_probA", "_probB"):
        _hold("support vectors", getattr(estimator, name).shape in {(0,), (pairs,)})
    _hold("support vectors", estimator._n_support.min() >= 0)  # noqa: SLF001
    counted = estimator._n_support  # noqa: SLF001 - of numbers, all are counted twice
    _hold("support vectors", counted.sum() == (2 * count if predicts_numbers else count))
    columns = {"precomputed": 0}.get(estimator.kernel, estimator.n_features_in_)
    _hold("support vectors", estimator.support_vectors_.shape == (count if columns else 0, columns))
    _point_into("support vectors", estimator.support_, estimator.shape_fit_[0])


def _encoded(encoder: Any) -> None:
    """Where a category goes to is one of its column's places."""
    if not hasattr(encoder, "_n_features_outs"):
        return
    places = encoder._n_features_outs  # noqa: SLF001
    mappings = getattr(encoder, "_default_to_infrequent_mappings", [None] * len(places))
    _hold("encoder", len(places) == len(encoder.categories_) == len(mappings))
    dropped = [0 if each is None else 1 for each in _dropped(encoder, len(places))]
    for count, known, mapping, gone in zip(
        places, encoder.categories_, mappings, dropped, strict=True
    ):
        if mapping is None:
            _hold("encoder", count == len(known) - gone)
        else:
            _hold("encoder", len(mapping) == len(known) and mapping.dtype.kind == "i")
            _point_into("encoder", mapping, count + gone)


def _dropped(encoder: Any, count: int) -> list[Any]:
    dropped = getattr(encoder, "drop_idx_", None)
    return [None] * count if dropped is None else list(dropped)


_ESTIMATORS: dict[str, tuple[Callable[[Any], None], ...]] = {
    "BaseDecisionTree": (_own_tree,),
    "BaseForest": (_same_columns,),
    "BaseGradientBoosting": (_same_columns, _boosted),
    "BaseHistGradientBoosting": (_binned,),
    "NeighborsBase": (_nearest,),
    "BaseLibSVM": (_supported,),
    "OneHotEncoder": (_encoded,),
}


def _data(node: Any) -> Any:
    """The figures of a node that has nothing else in it."""
    for part in nodes(node):
        _hold("model", type(part).__name__ in DATA)
    return node.construct()


def _point_later(what: str, left: Any, right: Any, own: Any, count: int) -> None:
    """Children come after their parent, as training numbers them: so no path is endless."""
    _hold(what, ((own < left) & (left < count) & (own < right) & (right < count)).all())


def _point_into(what: str, indices: Any, count: int) -> None:
    _hold(what, ((indices >= 0) & (indices < count)).all())


def _hold(what: str, true: object) -> None:
    if not true:
        message = f"model.skops: must hold a {what} as training makes it, but got figures that "
        raise ModelFileError(message + "point to nothing or do not go together. Train it again.")
