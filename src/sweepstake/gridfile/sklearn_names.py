"""The classifiers and regressors of scikit-learn, reviewed for release 1.9.

Asking scikit-learn for them imports all of it, and pytest where that is installed: a fifth of a
second of each command. A test compares with what it answers, so that a new release is noticed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def _dotted(by_module: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"sklearn.{home}.{name}" for home in by_module for name in by_module[home].split())


CLASSIFIERS = _dotted(
    {
        "calibration": "CalibratedClassifierCV",
        "discriminant_analysis": "LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis",
        "dummy": "DummyClassifier",
        "ensemble": """
            AdaBoostClassifier BaggingClassifier ExtraTreesClassifier GradientBoostingClassifier
            HistGradientBoostingClassifier RandomForestClassifier StackingClassifier
            VotingClassifier
        """,
        "gaussian_process": "GaussianProcessClassifier",
        "linear_model": """
            LogisticRegression LogisticRegressionCV PassiveAggressiveClassifier Perceptron
            RidgeClassifier RidgeClassifierCV SGDClassifier
        """,
        "model_selection": "FixedThresholdClassifier TunedThresholdClassifierCV",
        "multiclass": "OneVsOneClassifier OneVsRestClassifier OutputCodeClassifier",
        "multioutput": "ClassifierChain MultiOutputClassifier",
        "naive_bayes": "BernoulliNB CategoricalNB ComplementNB GaussianNB MultinomialNB",
        "neighbors": "KNeighborsClassifier NearestCentroid RadiusNeighborsClassifier",
        "neural_network": "MLPClassifier",
        "semi_supervised": "LabelPropagation LabelSpreading SelfTrainingClassifier",
        "svm": "LinearSVC NuSVC SVC",
        "tree": "DecisionTreeClassifier ExtraTreeClassifier",
    }
)
REGRESSORS = _dotted(
    {
        "compose": "TransformedTargetRegressor",
        "cross_decomposition": "CCA PLSCanonical PLSRegression",
        "dummy": "DummyRegressor",
        "ensemble": """
            AdaBoostRegressor BaggingRegressor ExtraTreesRegressor GradientBoostingRegressor
            HistGradientBoostingRegressor RandomForestRegressor StackingRegressor
            VotingRegressor
        """,
        "gaussian_process": "GaussianProcessRegressor",
        "isotonic": "IsotonicRegression",
        "kernel_ridge": "KernelRidge",
        "linear_model": """
            ARDRegression BayesianRidge ElasticNet ElasticNetCV GammaRegressor HuberRegressor
            Lars LarsCV Lasso LassoCV LassoLars LassoLarsCV LassoLarsIC LinearRegression
            MultiTaskElasticNet MultiTaskElasticNetCV MultiTaskLasso MultiTaskLassoCV
            OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV PassiveAggressiveRegressor
            PoissonRegressor QuantileRegressor RANSACRegressor Ridge RidgeCV SGDRegressor
            TheilSenRegressor TweedieRegressor
        """,
        "multioutput": "MultiOutputRegressor RegressorChain",
        "neighbors": "KNeighborsRegressor RadiusNeighborsRegressor",
        "neural_network": "MLPRegressor",
        "svm": "LinearSVR NuSVR SVR",
        "tree": "DecisionTreeRegressor ExtraTreeRegressor",
    }
)
NAMES = tuple(sorted((*CLASSIFIERS, *REGRESSORS), key=lambda name: name.rpartition(".")[2]))
"""The public dotted names of both, by class name."""
