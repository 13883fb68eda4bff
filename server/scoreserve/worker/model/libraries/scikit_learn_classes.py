"""Which classes of scikit-learn go by rows: a test sees to it that each there is stands here."""

from __future__ import annotations

_LINEAR = """
ARDRegression BayesianRidge ElasticNet ElasticNetCV GammaRegressor HuberRegressor Lars LarsCV Lasso
LassoCV LassoLars LassoLarsCV LassoLarsIC LinearRegression LogisticRegression LogisticRegressionCV
MultiTaskElasticNet MultiTaskElasticNetCV MultiTaskLasso MultiTaskLassoCV OrthogonalMatchingPursuit
OrthogonalMatchingPursuitCV PassiveAggressiveClassifier PassiveAggressiveRegressor Perceptron
PoissonRegressor QuantileRegressor RANSACRegressor Ridge RidgeCV RidgeClassifier RidgeClassifierCV
SGDClassifier SGDOneClassSVM SGDRegressor TheilSenRegressor TweedieRegressor
LinearSVC LinearSVR NuSVC NuSVR OneClassSVM SVC SVR
LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis
BernoulliNB CategoricalNB ComplementNB GaussianNB MultinomialNB
KernelRidge GaussianProcessClassifier GaussianProcessRegressor
MLPClassifier MLPRegressor BernoulliRBM IsotonicRegression
CCA PLSCanonical PLSRegression PLSSVD DummyClassifier DummyRegressor
"""

_TREES = """
DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier ExtraTreeRegressor
ExtraTreesClassifier ExtraTreesRegressor RandomForestClassifier RandomForestRegressor
RandomTreesEmbedding GradientBoostingClassifier GradientBoostingRegressor
HistGradientBoostingClassifier HistGradientBoostingRegressor IsolationForest
"""

_NEIGHBOURS_AND_CLUSTERS = """
AffinityPropagation Birch BisectingKMeans FeatureAgglomeration KMeans MeanShift MiniBatchKMeans
BayesianGaussianMixture GaussianMixture EllipticEnvelope KernelDensity LocalOutlierFactor
KNeighborsClassifier KNeighborsRegressor KNeighborsTransformer NearestCentroid
NeighborhoodComponentsAnalysis RadiusNeighborsClassifier RadiusNeighborsRegressor
RadiusNeighborsTransformer LabelPropagation LabelSpreading Isomap
"""

_TRANSFORMERS = """
Binarizer FunctionTransformer KBinsDiscretizer LabelEncoder MaxAbsScaler MinMaxScaler Normalizer
OneHotEncoder OrdinalEncoder PolynomialFeatures PowerTransformer QuantileTransformer RobustScaler
SplineTransformer StandardScaler TargetEncoder KNNImputer MissingIndicator SimpleImputer
CountVectorizer DictVectorizer FeatureHasher HashingVectorizer TfidfTransformer TfidfVectorizer
FactorAnalysis FastICA IncrementalPCA KernelPCA PCA TruncatedSVD
AdditiveChi2Sampler Nystroem PolynomialCountSketch RBFSampler SkewedChi2Sampler
GaussianRandomProjection SparseRandomProjection
GenericUnivariateSelect RFE RFECV SelectFdr SelectFpr SelectFromModel SelectFwe SelectKBest
SelectPercentile SequentialFeatureSelector VarianceThreshold
"""

_OF_OTHERS = """
AdaBoostClassifier AdaBoostRegressor BaggingClassifier BaggingRegressor StackingClassifier
StackingRegressor VotingClassifier VotingRegressor CalibratedClassifierCV ClassifierChain
MultiOutputClassifier MultiOutputRegressor RegressorChain ColumnTransformer FeatureUnion Pipeline
TransformedTargetRegressor FixedThresholdClassifier TunedThresholdClassifierCV
SelfTrainingClassifier OneVsOneClassifier OneVsRestClassifier OutputCodeClassifier FrozenEstimator
"""

# What others make for themselves.
_PRIVATE = """
_BinaryGaussianProcessClassifierLaplace _ConstantPredictor _SigmoidCalibration _TemperatureScaling
NearestNeighbors
"""

BY_ROWS = frozenset(
    f"{_PRIVATE} {_LINEAR} {_TREES} {_NEIGHBOURS_AND_CLUSTERS} {_TRANSFORMERS} {_OF_OTHERS}".split()
)

# What answers is one attribute; all else was for finding it.
WRAPPERS = {
    "GridSearchCV": "best_estimator_",
    "RandomizedSearchCV": "best_estimator_",
    "HalvingGridSearchCV": "best_estimator_",
    "HalvingRandomSearchCV": "best_estimator_",
}

_TOGETHER = "its transform works on all rows until they have converged together"

# By class and method, "" for all of the class.
REFUSED = {
    ("NMF", ""): _TOGETHER,
    ("MiniBatchNMF", ""): _TOGETHER,
    ("LatentDirichletAllocation", ""): _TOGETHER,
    ("SparsePCA", ""): "it solves for all rows at once",
    ("MiniBatchSparsePCA", ""): "it solves for all rows at once",
    ("DictionaryLearning", ""): "it solves for all rows at once",
    ("MiniBatchDictionaryLearning", ""): "it solves for all rows at once",
    ("SparseCoder", ""): "it solves for all rows at once",
    ("LocallyLinearEmbedding", ""): "it solves a system of neighbours for each row anew",
    ("IterativeImputer", ""): "it stops early when all values of all rows are missing",
    ("BernoulliRBM", "score_samples"): "it changes a bit of each row at random",
    ("PatchExtractor", ""): "it takes patches at random",
    ("KernelCenterer", ""): "its rows are those of a kernel",
    ("LabelBinarizer", ""): "what it gives depends on the kinds of all labels",
    ("MultiLabelBinarizer", ""): "it takes labels, a collection of them a row",
}

# Of its trees a library says nothing else: they need not be looked at each.
FORESTS = frozenset(_TREES.split())
OWN_TREES = frozenset(
    {"estimators_", "tree_", "_predictors", "_bin_mapper", "_baseline_prediction"}
)

# Used in fit alone, or of plain texts and numbers and long.
NOT_LOOKED_AT = frozenset(
    {
        *("scoring", "scorer_", "cv", "cv_results_", "memory", "random_state", "score_func"),
        *("importance_getter", "callback", "vocabulary", "vocabulary_", "feature_names_"),
        # Made by fit, and asked for rows alone.
        *("_label_binarizer", "label_binarizer_", "_centerer", "_scaler"),
        *("stop_words", "stop_words_", "is_data_valid", "is_model_valid", "loss_function_"),
    }
)

# Whose objects, no estimators themselves, may hold what the script made.
HOLDERS = frozenset({"sklearn.calibration", "sklearn.gaussian_process.kernels"})

# Functions that are called with the whole input: np.sort is numpy's own and looks at all rows.
GET_ALL_ROWS = frozenset({"func", "inverse_func"})

_EXACT_TRANSFORMERS = """
Binarizer KBinsDiscretizer MaxAbsScaler MinMaxScaler OneHotEncoder OrdinalEncoder RobustScaler
StandardScaler SimpleImputer MissingIndicator VarianceThreshold LabelEncoder
"""
EXACT = frozenset({*_TREES.split(), *_EXACT_TRANSFORMERS.split()} - {"IsolationForest"})
