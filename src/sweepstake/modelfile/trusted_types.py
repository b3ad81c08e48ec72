"""The types that a model file may hold, each with the means by which skops builds it.

Those of classifiers and regressors are here, those of the steps before them in `step_types`.

Reviewed for scikit-learn 1.9: each is a class or function of it or of NumPy, or our cast of
columns, that keeps figures or computes with them; none opens files, imports by name or evaluates
text. Our boosters have files beside the skops file, which are checked on their own
(`booster_files`). What skops itself trusts is not on the list by that: it trusts every estimator,
those that read files too. ``partial`` binds arguments to a function that must be on the list
itself. The types say that a file holds no code, not that its figures are the trained ones: its hash
is for that.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sweepstake.modelfile.step_types import OF_STEPS
from sweepstake.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

SCALARS = frozenset(
    {
        *(f"numpy.{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
        *(f"numpy.float{bits}" for bits in (16, 32, 64)),
        *("numpy.bool", "numpy.str_"),
    }
)
"""Single figures and texts of NumPy's, which parameters and labels may be."""

TRUSTED: Mapping[str, frozenset[str]] = {
    "DTypeNode": frozenset({"numpy.dtype"}),
    "DictNode": frozenset(
        {
            "builtins.dict",
            "sklearn.utils._bunch.Bunch",
        }
    ),
    "FunctionNode": frozenset(
        {
            "sklearn.metrics._classification.accuracy_score",
            "sklearn.metrics._classification.balanced_accuracy_score",
            "sklearn.metrics._classification.brier_score_loss",
            "sklearn.metrics._classification.d2_brier_score",
            "sklearn.metrics._classification.d2_log_loss_score",
            "sklearn.metrics._classification.f1_score",
            "sklearn.metrics._classification.jaccard_score",
            "sklearn.metrics._classification.log_loss",
            "sklearn.metrics._classification.matthews_corrcoef",
            "sklearn.metrics._classification.precision_score",
            "sklearn.metrics._classification.recall_score",
            "sklearn.metrics._ranking.average_precision_score",
            "sklearn.metrics._ranking.roc_auc_score",
            "sklearn.metrics._ranking.top_k_accuracy_score",
            "sklearn.metrics._regression.d2_absolute_error_score",
            "sklearn.metrics._regression.explained_variance_score",
            "sklearn.metrics._regression.max_error",
            "sklearn.metrics._regression.mean_absolute_error",
            "sklearn.metrics._regression.mean_absolute_percentage_error",
            "sklearn.metrics._regression.mean_squared_error",
            "sklearn.metrics._regression.mean_squared_log_error",
            "sklearn.metrics._regression.median_absolute_error",
            "sklearn.metrics._regression.r2_score",
            "sklearn.metrics._regression.root_mean_squared_error",
            "sklearn.metrics._regression.root_mean_squared_log_error",
            "sklearn.metrics._scorer.negative_likelihood_ratio",
            "sklearn.metrics._scorer.positive_likelihood_ratio",
            "sklearn.metrics.cluster._supervised.adjusted_mutual_info_score",
            "sklearn.metrics.cluster._supervised.adjusted_rand_score",
            "sklearn.metrics.cluster._supervised.completeness_score",
            "sklearn.metrics.cluster._supervised.fowlkes_mallows_score",
            "sklearn.metrics.cluster._supervised.homogeneity_score",
            "sklearn.metrics.cluster._supervised.mutual_info_score",
            "sklearn.metrics.cluster._supervised.normalized_mutual_info_score",
            "sklearn.metrics.cluster._supervised.rand_score",
            "sklearn.metrics.cluster._supervised.v_measure_score",
            "sklearn.utils.validation.check_array",
        }
    ),
    "JsonNode": frozenset(
        {
            "builtins.str",
        }
    ),
    "ListNode": frozenset(
        {
            "builtins.list",
        }
    ),
    "LossNode": frozenset(
        {
            "sklearn._loss._loss.CyAbsoluteError",
            "sklearn._loss._loss.CyExponentialLoss",
            "sklearn._loss._loss.CyHalfBinomialLoss",
            "sklearn._loss._loss.CyHalfGammaLoss",
            "sklearn._loss._loss.CyHalfMultinomialLoss",
            "sklearn._loss._loss.CyHalfPoissonLoss",
            "sklearn._loss._loss.CyHalfSquaredError",
            "sklearn._loss._loss.CyHalfTweedieLoss",
            "sklearn._loss._loss.CyHalfTweedieLossIdentity",
            "sklearn._loss._loss.CyHuberLoss",
            "sklearn._loss._loss.CyPinballLoss",
            "sklearn.linear_model._sgd_fast.EpsilonInsensitive",
            "sklearn.linear_model._sgd_fast.Hinge",
            "sklearn.linear_model._sgd_fast.ModifiedHuber",
            "sklearn.linear_model._sgd_fast.SquaredEpsilonInsensitive",
            "sklearn.linear_model._sgd_fast.SquaredHinge",
        }
    ),
    "NdArrayNode": frozenset(
        {
            "numpy.ndarray",
        }
    ),
    "ObjectNode": frozenset(
        {
            "sklearn._loss.link.HalfLogitLink",
            "sklearn._loss.link.IdentityLink",
            "sklearn._loss.link.Interval",
            "sklearn._loss.link.LogLink",
            "sklearn._loss.link.LogitLink",
            "sklearn._loss.link.MultinomialLogit",
            "sklearn._loss.loss.AbsoluteError",
            "sklearn._loss.loss.ExponentialLoss",
            "sklearn._loss.loss.HalfBinomialLoss",
            "sklearn._loss.loss.HalfGammaLoss",
            "sklearn._loss.loss.HalfMultinomialLoss",
            "sklearn._loss.loss.HalfPoissonLoss",
            "sklearn._loss.loss.HalfSquaredError",
            "sklearn._loss.loss.HalfTweedieLoss",
            "sklearn._loss.loss.HalfTweedieLossIdentity",
            "sklearn._loss.loss.HuberLoss",
            "sklearn._loss.loss.PinballLoss",
            "sklearn.calibration.CalibratedClassifierCV",
            "sklearn.calibration._CalibratedClassifier",
            "sklearn.calibration._SigmoidCalibration",
            "sklearn.calibration._TemperatureScaling",
            "sklearn.compose._column_transformer.ColumnTransformer",
            "sklearn.compose._target.TransformedTargetRegressor",
            "sklearn.cross_decomposition._pls.CCA",
            "sklearn.cross_decomposition._pls.PLSCanonical",
            "sklearn.cross_decomposition._pls.PLSRegression",
            "sklearn.discriminant_analysis.LinearDiscriminantAnalysis",
            "sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis",
            "sklearn.dummy.DummyClassifier",
            "sklearn.dummy.DummyRegressor",
            "sklearn.ensemble._bagging.BaggingClassifier",
            "sklearn.ensemble._bagging.BaggingRegressor",
            "sklearn.ensemble._forest.ExtraTreesClassifier",
            "sklearn.ensemble._forest.ExtraTreesRegressor",
            "sklearn.ensemble._forest.RandomForestClassifier",
            "sklearn.ensemble._forest.RandomForestRegressor",
            "sklearn.ensemble._gb.GradientBoostingClassifier",
            "sklearn.ensemble._gb.GradientBoostingRegressor",
            "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
            "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier",
            "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingRegressor",
            "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
            "sklearn.ensemble._stacking.StackingClassifier",
            "sklearn.ensemble._stacking.StackingRegressor",
            "sklearn.ensemble._voting.VotingClassifier",
            "sklearn.ensemble._voting.VotingRegressor",
            "sklearn.ensemble._weight_boosting.AdaBoostClassifier",
            "sklearn.ensemble._weight_boosting.AdaBoostRegressor",
            "sklearn.gaussian_process._gpc.GaussianProcessClassifier",
            "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
            "sklearn.gaussian_process._gpr.GaussianProcessRegressor",
            "sklearn.gaussian_process.kernels.ConstantKernel",
            "sklearn.gaussian_process.kernels.Product",
            "sklearn.gaussian_process.kernels.RBF",
            "sklearn.impute._base.SimpleImputer",
            "sklearn.isotonic.IsotonicRegression",
            "sklearn.kernel_ridge.KernelRidge",
            "sklearn.linear_model._base.LinearRegression",
            "sklearn.linear_model._bayes.ARDRegression",
            "sklearn.linear_model._bayes.BayesianRidge",
            "sklearn.linear_model._coordinate_descent.ElasticNet",
            "sklearn.linear_model._coordinate_descent.ElasticNetCV",
            "sklearn.linear_model._coordinate_descent.Lasso",
            "sklearn.linear_model._coordinate_descent.LassoCV",
            "sklearn.linear_model._coordinate_descent.MultiTaskElasticNet",
            "sklearn.linear_model._coordinate_descent.MultiTaskElasticNetCV",
            "sklearn.linear_model._coordinate_descent.MultiTaskLasso",
            "sklearn.linear_model._coordinate_descent.MultiTaskLassoCV",
            "sklearn.linear_model._glm.glm.GammaRegressor",
            "sklearn.linear_model._glm.glm.PoissonRegressor",
            "sklearn.linear_model._glm.glm.TweedieRegressor",
            "sklearn.linear_model._huber.HuberRegressor",
            "sklearn.linear_model._least_angle.Lars",
            "sklearn.linear_model._least_angle.LarsCV",
            "sklearn.linear_model._least_angle.LassoLars",
            "sklearn.linear_model._least_angle.LassoLarsCV",
            "sklearn.linear_model._least_angle.LassoLarsIC",
            "sklearn.linear_model._logistic.LogisticRegression",
            "sklearn.linear_model._logistic.LogisticRegressionCV",
            "sklearn.linear_model._omp.OrthogonalMatchingPursuit",
            "sklearn.linear_model._omp.OrthogonalMatchingPursuitCV",
            "sklearn.linear_model._passive_aggressive.PassiveAggressiveClassifier",
            "sklearn.linear_model._passive_aggressive.PassiveAggressiveRegressor",
            "sklearn.linear_model._perceptron.Perceptron",
            "sklearn.linear_model._quantile.QuantileRegressor",
            "sklearn.linear_model._ransac.RANSACRegressor",
            "sklearn.linear_model._ridge.Ridge",
            "sklearn.linear_model._ridge.RidgeCV",
            "sklearn.linear_model._ridge.RidgeClassifier",
            "sklearn.linear_model._ridge.RidgeClassifierCV",
            "sklearn.linear_model._stochastic_gradient.SGDClassifier",
            "sklearn.linear_model._stochastic_gradient.SGDRegressor",
            "sklearn.linear_model._theil_sen.TheilSenRegressor",
            "sklearn.metrics._dist_metrics.BrayCurtisDistance64",
            "sklearn.metrics._dist_metrics.CanberraDistance64",
            "sklearn.metrics._dist_metrics.ChebyshevDistance64",
            "sklearn.metrics._dist_metrics.DiceDistance64",
            "sklearn.metrics._dist_metrics.EuclideanDistance64",
            "sklearn.metrics._dist_metrics.HammingDistance64",
            "sklearn.metrics._dist_metrics.HaversineDistance64",
            "sklearn.metrics._dist_metrics.JaccardDistance64",
            "sklearn.metrics._dist_metrics.ManhattanDistance64",
            "sklearn.metrics._dist_metrics.MinkowskiDistance64",
            "sklearn.metrics._dist_metrics.RogersTanimotoDistance64",
            "sklearn.metrics._dist_metrics.RussellRaoDistance64",
            "sklearn.metrics._dist_metrics.SEuclideanDistance64",
            "sklearn.metrics._dist_metrics.SokalMichenerDistance64",
            "sklearn.metrics._dist_metrics.SokalSneathDistance64",
            "sklearn.metrics._scorer._CurveScorer",
            "sklearn.metrics._scorer._Scorer",
            "sklearn.model_selection._classification_threshold.FixedThresholdClassifier",
            "sklearn.model_selection._classification_threshold.TunedThresholdClassifierCV",
            "sklearn.multiclass.OneVsOneClassifier",
            "sklearn.multiclass.OneVsRestClassifier",
            "sklearn.multiclass.OutputCodeClassifier",
            "sklearn.multiclass._ConstantPredictor",
            "sklearn.multioutput.ClassifierChain",
            "sklearn.multioutput.MultiOutputClassifier",
            "sklearn.multioutput.MultiOutputRegressor",
            "sklearn.multioutput.RegressorChain",
            "sklearn.naive_bayes.BernoulliNB",
            "sklearn.naive_bayes.CategoricalNB",
            "sklearn.naive_bayes.ComplementNB",
            "sklearn.naive_bayes.GaussianNB",
            "sklearn.naive_bayes.MultinomialNB",
            "sklearn.neighbors._ball_tree.BallTree",
            "sklearn.neighbors._classification.KNeighborsClassifier",
            "sklearn.neighbors._classification.RadiusNeighborsClassifier",
            "sklearn.neighbors._kd_tree.KDTree",
            "sklearn.neighbors._nearest_centroid.NearestCentroid",
            "sklearn.neighbors._regression.KNeighborsRegressor",
            "sklearn.neighbors._regression.RadiusNeighborsRegressor",
            "sklearn.neural_network._multilayer_perceptron.MLPClassifier",
            "sklearn.neural_network._multilayer_perceptron.MLPRegressor",
            "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
            "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
            "sklearn.pipeline.Pipeline",
            "sklearn.preprocessing._data.MinMaxScaler",
            "sklearn.preprocessing._data.StandardScaler",
            "sklearn.preprocessing._discretization.KBinsDiscretizer",
            "sklearn.preprocessing._encoders.OneHotEncoder",
            "sklearn.preprocessing._encoders.OrdinalEncoder",
            "sklearn.preprocessing._function_transformer.FunctionTransformer",
            "sklearn.preprocessing._label.LabelBinarizer",
            "sklearn.preprocessing._label.LabelEncoder",
            "sklearn.semi_supervised._label_propagation.LabelPropagation",
            "sklearn.semi_supervised._label_propagation.LabelSpreading",
            "sklearn.semi_supervised._self_training.SelfTrainingClassifier",
            "sklearn.svm._classes.LinearSVC",
            "sklearn.svm._classes.LinearSVR",
            "sklearn.svm._classes.NuSVC",
            "sklearn.svm._classes.NuSVR",
            "sklearn.svm._classes.SVC",
            "sklearn.svm._classes.SVR",
            "sklearn.tree._classes.DecisionTreeClassifier",
            "sklearn.tree._classes.DecisionTreeRegressor",
            "sklearn.tree._classes.ExtraTreeClassifier",
            "sklearn.tree._classes.ExtraTreeRegressor",
            "sklearn.utils._metadata_requests.MetadataRequest",
            "sklearn.utils._metadata_requests.MethodMetadataRequest",
            "sweepstake.boosting.CatBoostClassifier",
            "sweepstake.boosting.CatBoostRegressor",
            "sweepstake.boosting.LGBMClassifier",
            "sweepstake.boosting.LGBMRegressor",
            "sweepstake.boosting.XGBClassifier",
            "sweepstake.boosting.XGBRFClassifier",
            "sweepstake.boosting.XGBRFRegressor",
            "sweepstake.boosting.XGBRegressor",
            "sweepstake.casting.ColumnCast",
            "sweepstake.forests.TreeTable",
        }
    ),
    "PartialNode": frozenset(
        {
            "functools.partial",
        }
    ),
    "RandomGeneratorNode": frozenset(
        {
            "numpy.random._generator.Generator",
        }
    ),
    "RandomStateNode": frozenset(
        {
            "numpy.random.mtrand.RandomState",
        }
    ),
    "SliceNode": frozenset(
        {
            "builtins.slice",
        }
    ),
    "TreeNode": frozenset(
        {
            "sklearn.tree._tree.Tree",
        }
    ),
    "TupleNode": frozenset(
        {
            "builtins.tuple",
        }
    ),
    "TypeNode": frozenset(
        {
            "builtins.bool",
            "builtins.float",
            "builtins.int",
            "builtins.str",
        }
    ),
}
"""Types by means."""


@cache
def added_types() -> frozenset[str]:
    """What the operator adds with ``SWEEPSTAKE_TRUSTED_TYPES``, by whatever of these means.

    The setting is read once in the life of a process.
    """
    return frozenset(load_settings().trusted_types)


def is_trusted(means: str, name: str) -> bool:
    """Whether a file may hold the type ``name``, built by such means."""
    if means not in TRUSTED:
        return name in OF_STEPS.get(means, ())
    scalar = means in {"NdArrayNode", "TypeNode"} and name in SCALARS
    known = TRUSTED[means] | OF_STEPS.get(means, frozenset())
    return scalar or name in known or name in added_types()
