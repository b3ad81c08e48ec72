"""The types that a model file may hold for its steps, each with the means by which it is built.

Reviewed for scikit-learn 1.9 and SciPy 1.17, as the types of `trusted_types`. A vectoriser may be
told to open files: one that is so told is refused when it is loaded (`tree_values`). The functions
select features or average columns. Samplers are not here: no stored model has one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

OF_STEPS: Mapping[str, frozenset[str]] = {
    "FunctionNode": frozenset(
        {
            "numpy.mean",
            "scipy._lib.array_api_compat.numpy._aliases.asarray",
            "sklearn.feature_selection._mutual_info.mutual_info_classif",
            "sklearn.feature_selection._univariate_selection.chi2",
            "sklearn.feature_selection._univariate_selection.f_classif",
            "sklearn.feature_selection._univariate_selection.f_regression",
            "sklearn.feature_selection._univariate_selection.r_regression",
        }
    ),
    "ObjectNode": frozenset(
        {
            "scipy.interpolate._bsplines.BSpline",
            "sklearn.cluster._agglomerative.FeatureAgglomeration",
            "sklearn.cluster._kmeans.KMeans",
            "sklearn.cluster._kmeans.MiniBatchKMeans",
            "sklearn.decomposition._dict_learning.DictionaryLearning",
            "sklearn.decomposition._dict_learning.MiniBatchDictionaryLearning",
            "sklearn.decomposition._factor_analysis.FactorAnalysis",
            "sklearn.decomposition._fastica.FastICA",
            "sklearn.decomposition._incremental_pca.IncrementalPCA",
            "sklearn.decomposition._kernel_pca.KernelPCA",
            "sklearn.decomposition._lda.LatentDirichletAllocation",
            "sklearn.decomposition._nmf.MiniBatchNMF",
            "sklearn.decomposition._nmf.NMF",
            "sklearn.decomposition._pca.PCA",
            "sklearn.decomposition._sparse_pca.MiniBatchSparsePCA",
            "sklearn.decomposition._sparse_pca.SparsePCA",
            "sklearn.decomposition._truncated_svd.TruncatedSVD",
            "sklearn.ensemble._forest.RandomTreesEmbedding",
            "sklearn.feature_extraction.text.CountVectorizer",
            "sklearn.feature_extraction.text.HashingVectorizer",
            "sklearn.feature_extraction.text.TfidfTransformer",
            "sklearn.feature_extraction.text.TfidfVectorizer",
            "sklearn.feature_selection._from_model.SelectFromModel",
            "sklearn.feature_selection._rfe.RFE",
            "sklearn.feature_selection._rfe.RFECV",
            "sklearn.feature_selection._sequential.SequentialFeatureSelector",
            "sklearn.feature_selection._univariate_selection.GenericUnivariateSelect",
            "sklearn.feature_selection._univariate_selection.SelectFdr",
            "sklearn.feature_selection._univariate_selection.SelectFpr",
            "sklearn.feature_selection._univariate_selection.SelectFwe",
            "sklearn.feature_selection._univariate_selection.SelectKBest",
            "sklearn.feature_selection._univariate_selection.SelectPercentile",
            "sklearn.feature_selection._variance_threshold.VarianceThreshold",
            "sklearn.impute._base.MissingIndicator",
            "sklearn.impute._knn.KNNImputer",
            "sklearn.kernel_approximation.AdditiveChi2Sampler",
            "sklearn.kernel_approximation.Nystroem",
            "sklearn.kernel_approximation.PolynomialCountSketch",
            "sklearn.kernel_approximation.RBFSampler",
            "sklearn.kernel_approximation.SkewedChi2Sampler",
            "sklearn.manifold._isomap.Isomap",
            "sklearn.manifold._locally_linear.LocallyLinearEmbedding",
            "sklearn.neighbors._nca.NeighborhoodComponentsAnalysis",
            "sklearn.neighbors._unsupervised.NearestNeighbors",
            "sklearn.neural_network._rbm.BernoulliRBM",
            "sklearn.preprocessing._data.Binarizer",
            "sklearn.preprocessing._data.KernelCenterer",
            "sklearn.preprocessing._data.MaxAbsScaler",
            "sklearn.preprocessing._data.Normalizer",
            "sklearn.preprocessing._data.PowerTransformer",
            "sklearn.preprocessing._data.QuantileTransformer",
            "sklearn.preprocessing._data.RobustScaler",
            "sklearn.preprocessing._polynomial.PolynomialFeatures",
            "sklearn.preprocessing._polynomial.SplineTransformer",
            "sklearn.preprocessing._target_encoder.TargetEncoder",
            "sklearn.random_projection.GaussianRandomProjection",
            "sklearn.random_projection.SparseRandomProjection",
            "sweepstake.casting.TextColumn",
        }
    ),
    "SparseMatrixNode": frozenset({"scipy.sparse._csr.csr_matrix"}),
}
"""Types by means, beside those that classifiers need."""
