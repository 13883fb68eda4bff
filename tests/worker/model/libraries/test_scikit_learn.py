"""scikit-learn: every estimator there is, and what holds others."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn")
pd = pytest.importorskip("pandas")

from scipy import sparse  # noqa: E402
from sklearn import (  # noqa: E402
    calibration,
    compose,
    ensemble,
    feature_extraction,
    gaussian_process,
    impute,
    linear_model,
    model_selection,
    multioutput,
    naive_bayes,
    neighbors,
    pipeline,
    preprocessing,
    svm,
    tree,
)
from sklearn.base import BaseEstimator  # noqa: E402
from sklearn.utils import all_estimators  # noqa: E402

from scoreserve.worker.model.libraries.scikit_learn import LIBRARY, METHODS  # noqa: E402
from scoreserve.worker.model.libraries.scikit_learn_classes import (  # noqa: E402
    BY_ROWS,
    REFUSED,
    WRAPPERS,
)
from tests.worker.model.libraries.meetings import (  # noqa: E402
    assert_meets,
    in_parts,
    numbers,
    refusal,
    targets,
)

pytestmark = pytest.mark.filterwarnings("ignore")

X = numbers(200)
POSITIVE = np.abs(X)
LABELS = targets(X)
FOREST = ensemble.RandomForestClassifier(n_estimators=20, random_state=0)
TEXTS = ["the quick brown fox", "lazy dogs sleep", "a fox", "", "dogs bark; foxes do not"] * 40

ESTIMATORS = {
    name: cls
    for name, cls in all_estimators()
    if any(hasattr(cls, m) or any(m in vars(k) for k in cls.__mro__) for m in METHODS)
}

# Where default parameters or the common input will not do.
PARAMETERS: dict[str, dict[str, Any]] = {
    "ClassifierChain": {"estimator": linear_model.LogisticRegression()},
    "ColumnTransformer": {"transformers": [("a", preprocessing.StandardScaler(), [0, 1])]},
    "FeatureUnion": {"transformer_list": [("a", preprocessing.StandardScaler())]},
    # Without noise, what it gives for the rows that it learnt is a sum of the last digits alone.
    "GaussianProcessRegressor": {"alpha": 0.01},
    "FixedThresholdClassifier": {"estimator": linear_model.LogisticRegression()},
    "LocalOutlierFactor": {"novelty": True},
    "MissingIndicator": {"features": "all"},
    "MultiOutputClassifier": {"estimator": tree.DecisionTreeClassifier(random_state=0)},
    "MultiOutputRegressor": {"estimator": tree.DecisionTreeRegressor(random_state=0)},
    "OneVsOneClassifier": {"estimator": linear_model.LogisticRegression()},
    "OneVsRestClassifier": {"estimator": linear_model.LogisticRegression()},
    "OutputCodeClassifier": {"estimator": linear_model.LogisticRegression()},
    "Pipeline": {"steps": [("a", preprocessing.StandardScaler()), ("b", FOREST)]},
    "RadiusNeighborsClassifier": {"radius": 9.0},
    "RadiusNeighborsRegressor": {"radius": 9.0},
    "RegressorChain": {"estimator": linear_model.Ridge()},
    "RFE": {"estimator": linear_model.LogisticRegression()},
    "RFECV": {"estimator": linear_model.LogisticRegression()},
    "SelectFromModel": {"estimator": linear_model.LogisticRegression()},
    "SelfTrainingClassifier": {"estimator": linear_model.LogisticRegression()},
    "SequentialFeatureSelector": {"estimator": linear_model.LogisticRegression()},
    "StackingClassifier": {"estimators": [("a", FOREST), ("b", naive_bayes.GaussianNB())]},
    "StackingRegressor": {"estimators": [("a", linear_model.Ridge())]},
    **{name: {"n_components": 1} for name in ("CCA", "PLSCanonical", "PLSSVD")},
    "GaussianRandomProjection": {"n_components": 3},
    "SparseRandomProjection": {"n_components": 3},
    "SVC": {"probability": True},
    "NuSVC": {"probability": True},
    "TunedThresholdClassifierCV": {"estimator": linear_model.LogisticRegression()},
    "VotingClassifier": {"estimators": [("a", FOREST)], "voting": "soft"},
    "VotingRegressor": {"estimators": [("a", linear_model.Ridge())]},
    **{name: {"estimator": linear_model.LogisticRegression(), "param_grid": {"C": [1, 2]}}
       for name in ("GridSearchCV",)},
    "RandomizedSearchCV": {
        "estimator": FOREST, "param_distributions": {"max_depth": [2, 3]}, "n_iter": 1
    },
}  # fmt: skip
BINARY = {"FixedThresholdClassifier", "TunedThresholdClassifierCV"}
SEVERAL_TARGETS = {
    *("MultiOutputClassifier", "MultiOutputRegressor", "ClassifierChain", "RegressorChain"),
    *("MultiTaskElasticNet", "MultiTaskElasticNetCV", "MultiTaskLasso", "MultiTaskLassoCV"),
}
OF_OTHER_ROWS = {
    "CountVectorizer": TEXTS,
    "DictVectorizer": [{"a": float(i), "b": "xyz"[i % 3]} for i in range(100)],
    "FeatureHasher": [{"a": float(i), "b": 2.0} for i in range(100)],
    "HashingVectorizer": TEXTS,
    "IsotonicRegression": X[:, 0],
    "LabelEncoder": LABELS,
    "TfidfVectorizer": TEXTS,
}


def fitted(name: str) -> tuple[Any, Any]:
    """The estimator, fitted, and rows for it."""
    parameters = dict(PARAMETERS.get(name, {}))
    cls = ESTIMATORS[name]
    if "random_state" in cls().get_params() if name not in PARAMETERS else False:
        parameters["random_state"] = 0
    model = cls(**parameters)
    if name in OF_OTHER_ROWS:
        rows = OF_OTHER_ROWS[name]
        if name == "LabelEncoder":
            return model.fit(rows), rows
        return model.fit(rows, LABELS[: len(rows)]), rows
    rows = POSITIVE
    if name in {"CategoricalNB", "TargetEncoder", "OneHotEncoder", "OrdinalEncoder"}:
        rows = np.digitize(X, [-0.5, 0.5])
    if name.startswith("GaussianProcess"):
        rows = rows / 4  # far from what it learnt a process is of the last digits alone
    labels = LABELS + 1 if name == "GammaRegressor" else LABELS
    if name in BINARY:
        labels = (LABELS > 0).astype(int)
    if name in SEVERAL_TARGETS:
        labels = np.stack([labels > 0, labels > 1], axis=1).astype(int)
    model.fit(rows, labels)
    # The distance of a row to itself is of the last digits alone.
    return model, rows + 0.01 if name == "Birch" else rows


def test_each_estimator_is_known_to_go_by_rows_or_not_to() -> None:
    refused = {name for name, _ in REFUSED}
    assert not set(ESTIMATORS) - BY_ROWS - refused - set(WRAPPERS)
    assert not BY_ROWS & set(WRAPPERS)


@pytest.mark.parametrize("name", sorted((BY_ROWS | set(WRAPPERS)) & set(ESTIMATORS)))
def test_an_estimator_goes_by_rows(name: str) -> None:
    model, rows = fitted(name)
    asked = [m for m in METHODS if hasattr(model, m) and (name, m) not in REFUSED]
    assert asked
    for method in asked:
        if name == "FeatureAgglomeration" and method == "predict":
            continue
        assert_meets(LIBRARY, model, method, in_parts(rows))
        if not isinstance(rows, list) and rows.ndim == 2 and name != "FeatureHasher":
            assert_meets(LIBRARY, model, method, in_parts(np.asfortranarray(rows)))


@pytest.mark.parametrize("name", sorted({name for name, method in REFUSED if not method}))
def test_an_estimator_that_does_not_is_refused(name: str) -> None:
    cls = ESTIMATORS.get(name)
    if cls is None:
        from sklearn.experimental import enable_iterative_imputer  # noqa: F401

        cls = impute.IterativeImputer
    model = object.__new__(cls)
    assert refusal(LIBRARY, model, "transform", X).startswith(f"{name}: ")


def test_the_methods_are_those_that_classes_define_themselves() -> None:
    methods = list(LIBRARY.methods())
    assert len(methods) == len(set(methods)) > 100
    assert all(method in vars(cls) for cls, method in methods)
    assert (pipeline.Pipeline, "predict") in methods
    assert (ensemble.RandomForestClassifier, "predict") not in methods
    assert (ensemble.RandomForestClassifier.__mro__[1], "predict") in methods


# --- Inputs ------------------------------------------------------------------------------


def frame(rows: int = 120) -> Any:
    random = np.random.default_rng(2)
    return pd.DataFrame(
        {
            "age": random.integers(18, 90, rows),
            "income": random.normal(size=rows),
            "town": random.choice(["Bonn", "Ulm", "Aue"], rows),
            "plan": pd.Categorical(random.choice(["a", "b"], rows), categories=["a", "b", "c"]),
            "gap": np.where(random.random(rows) < 0.3, np.nan, 1.5),
        }
    )


def columns(last: Any) -> Any:
    encoded = preprocessing.OneHotEncoder(handle_unknown="ignore")
    parts = compose.ColumnTransformer(
        [
            ("numbers", preprocessing.StandardScaler(), ["age", "income"]),
            ("classes", encoded, ["town", "plan"]),
            ("gaps", impute.SimpleImputer(), ["gap"]),
        ]
    )
    return pipeline.Pipeline([("parts", parts), ("last", last)])


@pytest.mark.parametrize("last", [FOREST, linear_model.LogisticRegression()])
def test_a_pipeline_of_frames(last: Any) -> None:
    rows = frame()
    model = columns(last).fit(rows, np.arange(120) % 3)
    for method in ("predict", "predict_proba"):
        assert_meets(LIBRARY, model, method, in_parts(rows))


def test_frames_with_labels_of_their_own_have_them_back() -> None:
    rows = frame()[["age", "income"]]
    model = preprocessing.StandardScaler().set_output(transform="pandas").fit(rows)
    assert_meets(LIBRARY, model, "transform", in_parts(rows))
    filtered = [part[part.age > 0] for part in in_parts(rows)]
    named = [part.set_index(pd.Index([f"r{i}" for i in range(len(part))])) for part in filtered]
    assert_meets(LIBRARY, model, "transform", named)


def test_sparse_rows() -> None:
    rows = sparse.random(100, 30, 0.2, format="csr", random_state=0)
    labels = np.arange(100) % 3
    parts = [rows[: 1 + i] for i in range(6)]
    for model in (linear_model.LogisticRegression(), naive_bayes.MultinomialNB(), FOREST):
        assert_meets(LIBRARY, model.fit(rows, labels), "predict_proba", parts)
    arrays = [sparse.csr_array(part) for part in parts]
    assert_meets(LIBRARY, preprocessing.MaxAbsScaler().fit(rows), "transform", arrays)
    assert_meets(LIBRARY, FOREST.fit(rows, labels), "predict", [part.tocsc() for part in parts])


@pytest.mark.parametrize("kind", [list, np.array, pd.Series, lambda t: np.array(t, dtype=object)])
def test_texts(kind: Any) -> None:
    vectors = feature_extraction.text.TfidfVectorizer(preprocessor=str.lower)
    model = pipeline.make_pipeline(vectors, svm.LinearSVC()).fit(TEXTS, np.arange(200) % 2)
    parts = [kind(TEXTS[i : i + 1 + i]) for i in range(5)]
    for method in ("predict", "decision_function"):
        assert_meets(LIBRARY, model, method, parts)
    assert_meets(LIBRARY, vectors, "transform", parts)


def test_lists_of_numbers() -> None:
    model = FOREST.fit(X, LABELS)
    assert_meets(LIBRARY, model, "predict_proba", in_parts(X.tolist()))
    assert_meets(
        LIBRARY, model, "predict", [part.round().astype(int).tolist() for part in in_parts(X)]
    )


# --- What holds others ---------------------------------------------------------------------


def test_several_outputs() -> None:
    both = np.stack([LABELS, 2 - LABELS], axis=1)
    assert_meets(LIBRARY, FOREST.fit(X, both), "predict_proba", in_parts(X))
    many = multioutput.MultiOutputClassifier(tree.DecisionTreeClassifier()).fit(X, both)
    assert_meets(LIBRARY, many, "predict_proba", in_parts(X))


def test_a_deviation_beside_the_mean() -> None:
    model = gaussian_process.GaussianProcessRegressor().fit(X, LABELS)
    assert_meets(LIBRARY, model, "predict", in_parts(X + 0.3), return_std=True)
    assert "return_cov" in refusal(LIBRARY, model, "predict", X, return_cov=True)
    assert "return_cov" in refusal(LIBRARY, model, "predict", X, False, True)


def test_ufuncs_go_by_items() -> None:
    logs = preprocessing.FunctionTransformer(np.log1p, inverse_func=np.expm1)
    model = pipeline.make_pipeline(logs, linear_model.Ridge()).fit(POSITIVE, LABELS)
    assert_meets(LIBRARY, model, "predict", in_parts(POSITIVE))
    target = compose.TransformedTargetRegressor(
        linear_model.Ridge(), func=np.log1p, inverse_func=np.expm1
    )
    assert_meets(LIBRARY, target.fit(X, LABELS), "predict", in_parts(X))


class Own(BaseEstimator):  # type: ignore[misc]
    """What a script's author writes: it centres what it is given, all rows at once."""

    def fit(self, rows: Any, labels: Any = None) -> Own:
        self.fitted_ = True
        return self

    def transform(self, rows: Any) -> Any:
        return rows - rows.mean(axis=0)


class OwnForest(ensemble.RandomForestClassifier):  # type: ignore[misc]
    pass


def own_function(rows: Any) -> Any:
    return rows - rows.mean()


def own_kernel(left: Any, right: Any) -> Any:
    return left @ right.T


def of_own_code() -> dict[str, Any]:
    ridge = linear_model.Ridge()
    step = pipeline.make_pipeline(Own(), ridge)
    chosen = compose.ColumnTransformer([("own", Own(), [0])], remainder="passthrough")
    return {
        "step": step,
        "nested": pipeline.make_pipeline(preprocessing.StandardScaler(), step),
        "columns": pipeline.make_pipeline(chosen, ridge),
        "union": pipeline.make_pipeline(pipeline.make_union(Own()), ridge),
        "search": model_selection.GridSearchCV(step, {"ridge__alpha": [1.0]}),
        "stack": ensemble.StackingRegressor([("own", step)], ridge),
        "vote": ensemble.VotingRegressor([("own", step)]),
        "bag": ensemble.BaggingRegressor(step),
        "subclass": OwnForest(5),
        "function": pipeline.make_pipeline(preprocessing.FunctionTransformer(own_function), ridge),
        "all rows": pipeline.make_pipeline(preprocessing.FunctionTransformer(np.sort), ridge),
        "target": compose.TransformedTargetRegressor(
            ridge, func=own_function, inverse_func=own_function, check_inverse=False
        ),
        "kernel": svm.SVR(kernel=own_kernel),
        "metric": neighbors.KNeighborsRegressor(metric=lambda a, b: abs(a - b).sum()),
        "calibrated": calibration.CalibratedClassifierCV(OwnForest(5)),
    }


@pytest.mark.parametrize("name", of_own_code())
def test_code_of_the_scripts_own_is_refused(name: str) -> None:
    model = of_own_code()[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X[:60], LABELS[:60])
    reason = refusal(LIBRARY, model, "predict", X)
    assert "known to go by rows" in reason


def test_a_method_that_was_replaced_in_a_step_is_refused() -> None:
    step = preprocessing.StandardScaler()
    model = pipeline.make_pipeline(step, linear_model.Ridge()).fit(X, LABELS)
    assert not refusal(LIBRARY, model, "predict", X)
    step.transform = own_function
    assert "own_function" in refusal(LIBRARY, model, "predict", X)


def test_a_declared_class_is_taken_at_its_authors_word(monkeypatch: pytest.MonkeyPatch) -> None:
    from scoreserve.worker.model.libraries import nested

    monkeypatch.setattr(nested, "_declared", set())
    model = of_own_code()["step"].fit(X, LABELS)
    nested.declare(Own)
    assert not refusal(LIBRARY, model, "predict", X)


def test_what_writes_to_its_input_or_answers_at_random_is_refused() -> None:
    from sklearn.dummy import DummyClassifier

    scaler = preprocessing.StandardScaler(copy=False).fit(X.copy())
    assert "writes" in refusal(LIBRARY, scaler, "transform", X)
    assert "random" in refusal(LIBRARY, DummyClassifier(strategy="uniform"), "predict", X)
    normalizer = preprocessing.Normalizer()
    assert "writes" in refusal(LIBRARY, normalizer, "transform", X, copy=False)
    assert "writes" in refusal(LIBRARY, normalizer, "transform", X, False)
    assert not refusal(LIBRARY, normalizer, "transform", X, copy=True)


def test_arrays_beside_the_input_are_refused() -> None:
    model = linear_model.Ridge().fit(X, LABELS)
    assert "ndarray" in refusal(LIBRARY, model, "predict", X, sample_weight=LABELS)
