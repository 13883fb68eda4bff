"""XGBoost: its scikit-learn classes, Booster.inplace_predict, and Booster.predict of a DMatrix."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

xgboost = pytest.importorskip("xgboost")
pd = pytest.importorskip("pandas")

from scipy import sparse  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

from scoreserve.settings import Settings  # noqa: E402
from scoreserve.wire import Outcome  # noqa: E402
from scoreserve.worker.model.join import NotByRows, cut, join, key_of, rows_of  # noqa: E402
from scoreserve.worker.model.libraries import scikit_learn  # noqa: E402
from scoreserve.worker.model.libraries.xgboost_models import LIBRARY  # noqa: E402
from scoreserve.worker.model.meeting import ModelRunner  # noqa: E402
from scoreserve.worker.script.calling import convention_of  # noqa: E402
from scoreserve.worker.script.script_runner import ScriptRunner  # noqa: E402
from tests.worker.fakes import job_of  # noqa: E402
from tests.worker.model.libraries.meetings import (  # noqa: E402
    assert_meets,
    in_parts,
    numbers,
    refusal,
    targets,
)

pytestmark = pytest.mark.filterwarnings("ignore")

X = numbers(200).astype(np.float32)
X[::7, 3] = np.nan
LABELS = targets(numbers(200))
FEW: dict[str, Any] = {"n_estimators": 30, "n_jobs": 1}


@pytest.mark.parametrize("booster", ["gbtree", "dart", "gblinear"])
@pytest.mark.parametrize("labels", [LABELS, (LABELS > 0).astype(int)], ids=["three", "two"])
def test_a_classifier(booster: str, labels: Any) -> None:
    model = xgboost.XGBClassifier(booster=booster, **FEW).fit(X, labels)
    for rows in (in_parts(X), in_parts(X.astype(float))):
        assert_meets(LIBRARY, model, "predict", rows)
        assert_meets(LIBRARY, model, "predict_proba", rows)
    assert_meets(LIBRARY, model, "predict", in_parts(X), output_margin=True)


@pytest.mark.parametrize("cls", ["XGBRegressor", "XGBRFRegressor", "XGBRFClassifier"])
def test_others(cls: str) -> None:
    model = getattr(xgboost, cls)(**FEW).fit(X, LABELS)
    assert_meets(LIBRARY, model, "predict", in_parts(X))
    assert_meets(LIBRARY, model, "predict", in_parts(pd.DataFrame(X)))


def test_frames_with_categories() -> None:
    rows = pd.DataFrame(X, columns=list("abcdefgh"))
    rows["i"] = pd.Categorical(np.array(["x", "y", "z"])[np.arange(200) % 3])
    model = xgboost.XGBRegressor(enable_categorical=True, **FEW).fit(rows, LABELS)
    assert_meets(LIBRARY, model, "predict", in_parts(rows))


def test_a_booster() -> None:
    model = xgboost.XGBClassifier(**FEW).fit(X, LABELS).get_booster()
    for rows in (X, sparse.csr_matrix(np.nan_to_num(X))):
        parts = [rows[i : i + 1 + i] for i in range(6)]
        assert_meets(LIBRARY, model, "inplace_predict", parts)
        assert_meets(LIBRARY, model, "inplace_predict", parts, predict_type="margin")


def test_a_pipeline() -> None:
    model = make_pipeline(StandardScaler(), xgboost.XGBClassifier(**FEW)).fit(X, LABELS)
    assert_meets(scikit_learn.LIBRARY, model, "predict_proba", in_parts(X))


def test_what_does_not_go_by_rows() -> None:
    model = xgboost.XGBRegressor(**FEW).fit(X, LABELS)
    assert "ndarray" in refusal(LIBRARY, model, "predict", X, base_margin=LABELS)
    assert "rows" in refusal(LIBRARY, model, "predict", X[0])
    assert "own" in refusal(LIBRARY, type("Own", (xgboost.XGBRegressor,), {})(), "predict", X)


def test_the_methods_are_those_that_classes_define_themselves() -> None:
    methods = set(LIBRARY.methods())
    assert (xgboost.XGBModel, "predict") in methods
    assert (xgboost.XGBClassifier, "predict_proba") in methods
    assert (xgboost.Booster, "inplace_predict") in methods
    assert all(method in vars(cls) for cls, method in methods)


NAMES = list("abcdefgh")
TYPES = ["float"] * 7 + ["c"]
KINDS_OF_PREDICT: list[dict[str, Any]] = [
    {},
    {"output_margin": True},
    {"pred_leaf": True},
    {"pred_contribs": True},
    {"pred_contribs": True, "approx_contribs": True},
    {"pred_interactions": True},
    {"iteration_range": (2, 5), "strict_shape": True},
    {"validate_features": False, "training": False},
]


def booster_of(data: Any, objective: str, booster: str = "gbtree", **options: Any) -> Any:
    options |= {"objective": objective, "booster": booster, "nthread": 1}
    if objective.startswith("multi:"):
        options["num_class"] = 3
    return xgboost.train(options, data, 8)


def with_gaps(rows: int, seed: int) -> Any:
    """Numbers with all that a DMatrix keeps or leaves out: missing values, both zeros, large and
    small ones, and the codes of a category.
    """
    random = np.random.default_rng(seed)
    values = random.normal(size=(rows, 8)).astype(np.float32)
    special = np.array([np.nan, 0.0, -0.0, 3e38, 1e-40], np.float32)
    places = random.random(values.shape) < 0.4
    values[places] = random.choice(special, places.sum())
    values[:, 7] = random.integers(0, 4, rows)
    return values


def call_of(booster: Any, matrix: Any, **options: Any) -> Any:
    assert refusal(LIBRARY, booster, "predict", matrix, **options) == ""
    return LIBRARY.rows_argument(booster, "predict", (matrix,), options)


def assert_matrices_meet(
    booster: Any, make: Callable[[Any], Any], parts: list[Any], **options: Any
) -> None:
    """To the bit. A matrix is made anew for each prediction: a booster remembers those of one."""
    alone = [booster.predict(make(part), **options) for part in parts]
    calls = [call_of(booster, make(part), **options) for part in parts]
    assert len({(key_of(call.rows), call.rest) for call in calls}) == 1
    args, kwargs = calls[0].arguments(join([call.rows for call in calls]))
    pieces = cut(booster.predict(*args, **kwargs), [rows_of(call.rows) for call in calls])
    for piece, expected in zip(pieces, alone, strict=True):
        assert piece.shape == expected.shape
        assert piece.tobytes() == expected.tobytes(), options


@pytest.mark.parametrize("options", KINDS_OF_PREDICT, ids="-".join)
@pytest.mark.parametrize("objective", ["reg:squarederror", "binary:logistic", "multi:softprob"])
def test_matrices(objective: str, options: dict[str, Any]) -> None:
    labels = {"reg:squarederror": LABELS * 1.5, "binary:logistic": LABELS > 0}.get(
        objective, LABELS
    )
    rows = with_gaps(200, 1)
    matrix = xgboost.DMatrix(rows, labels, feature_names=NAMES)
    for seed, booster in enumerate(("gbtree", "dart")):
        model = booster_of(matrix, objective, booster)
        parts = in_parts(with_gaps(80, 10 + seed))
        assert_matrices_meet(
            model, lambda part: xgboost.DMatrix(part, feature_names=NAMES), parts, **options
        )


def test_matrices_of_all_that_they_are_made_of() -> None:
    model = booster_of(xgboost.DMatrix(with_gaps(200, 2), LABELS), "multi:softmax")
    makers: list[Callable[[Any], Any]] = [
        xgboost.DMatrix,
        lambda part: xgboost.DMatrix(part, missing=0.0),
        lambda part: xgboost.DMatrix(part.astype(float).tolist(), nthread=1),
        lambda part: xgboost.DMatrix(sparse.csr_matrix(part)),
        lambda part: xgboost.DMatrix(sparse.csr_matrix(part), missing=0.0),
        lambda part: xgboost.DMatrix(np.asfortranarray(part)),
        lambda part: xgboost.DMatrix(np.full_like(part, np.nan)),
        lambda part: xgboost.DMatrix(part).slice(list(range(len(part)))),
    ]
    for seed, make in enumerate(makers):
        assert_matrices_meet(model, make, in_parts(with_gaps(80, 20 + seed)))


def test_matrices_of_frames_and_of_codes_of_categories() -> None:
    rows = pd.DataFrame(with_gaps(200, 3), columns=NAMES)

    def make(part: Any) -> Any:
        return xgboost.DMatrix(part, feature_types=TYPES)

    train = xgboost.DMatrix(rows, LABELS, feature_types=TYPES)
    model = booster_of(train, "multi:softprob", tree_method="hist")
    assert_matrices_meet(model, make, in_parts(rows))


@pytest.mark.parametrize("missing", [np.inf, -np.inf])
def test_infinite_values_of_matrices(missing: float) -> None:
    """Which are values only where the other infinity is a missing one."""
    rows = with_gaps(80, 4)
    rows[:, :4][np.random.default_rng(4).random((80, 4)) < 0.3] = -missing
    rows[::5, 2] = missing
    model = booster_of(xgboost.DMatrix(with_gaps(200, 4), LABELS), "multi:softprob")
    assert_matrices_meet(model, lambda part: xgboost.DMatrix(part, missing=missing), in_parts(rows))


def test_matrices_that_differ_do_not_meet() -> None:
    model = booster_of(xgboost.DMatrix(X, LABELS), "multi:softprob")
    matrices = [
        xgboost.DMatrix(X[:2]),
        xgboost.DMatrix(X[:2, :7]),
        xgboost.DMatrix(X[:2], feature_names=NAMES),
        xgboost.DMatrix(X[:2], feature_names=NAMES[::-1]),
        xgboost.DMatrix(X[:2], feature_types=TYPES),
        xgboost.DMatrix(X[:2], missing=np.inf),
        xgboost.DMatrix(X[:2], missing=-np.inf),
    ]
    keys = {key_of(call_of(model, matrix).rows) for matrix in matrices}
    assert len(keys) == len(matrices)
    assert None not in keys
    assert key_of(call_of(model, xgboost.DMatrix(X[:0])).rows) is None
    plain = call_of(model, matrices[0])
    assert plain.rest != call_of(model, matrices[0], output_margin=True).rest


@pytest.mark.parametrize(
    ("info", "named"),
    [
        ({"base_margin": np.ones(6)}, "base_margin"),
        ({"base_margin": np.ones((6, 3))}, "base_margin"),
        ({"label": np.zeros(6)}, "label"),
        ({"weight": np.ones(6)}, "weight"),
        ({"qid": np.zeros(6, int)}, "group"),
        ({"group": [2, 4]}, "group"),
        ({"label_lower_bound": np.ones(6)}, "label_lower_bound"),
        ({"label_upper_bound": np.ones(6)}, "label_upper_bound"),
    ],
)
def test_a_matrix_with_more_of_its_rows_is_joined_with_none(
    info: dict[str, Any], named: str
) -> None:
    model = booster_of(xgboost.DMatrix(X, LABELS), "multi:softprob")
    assert named in refusal(LIBRARY, model, "predict", xgboost.DMatrix(X[:6], **info))
    later = xgboost.DMatrix(X[:6])
    later.set_info(**info)
    assert named in refusal(LIBRARY, model, "predict", later)


def test_other_matrices_are_joined_with_none(tmp_path: Path) -> None:
    class Parts(xgboost.DataIter):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            self.left = 2
            super().__init__(cache_prefix=str(tmp_path / "cache"))

        def next(self, input_data: Any) -> int:
            self.left -= 1
            if self.left >= 0:
                input_data(data=X[:6])
            return int(self.left >= 0)

        def reset(self) -> None:
            self.left = 2

    model = booster_of(xgboost.DMatrix(X, LABELS), "multi:softprob")
    assert "Quantile" in refusal(LIBRARY, model, "predict", xgboost.QuantileDMatrix(X[:6]))
    own = type("Own", (xgboost.DMatrix,), {})(X[:6])
    assert "Own" in refusal(LIBRARY, model, "predict", own)
    assert "ndarray" in refusal(LIBRARY, model, "predict", X[:6])
    matrix = xgboost.DMatrix(X[:6])
    assert "by chance" in refusal(LIBRARY, model, "predict", matrix, training=True)
    assert "not named" in refusal(LIBRARY, model, "predict", matrix, True)
    on_disk = [call_of(model, xgboost.DMatrix(Parts())).rows for _ in range(2)]
    with pytest.raises(NotByRows, match="not in memory"):
        join(on_disk)


def test_a_matrix_with_the_categories_of_a_frame() -> None:
    """XGBoost codes them anew by those of the training, from 3.1 on; before they are codes."""
    rows = pd.DataFrame(X, columns=NAMES)
    rows["i"] = pd.Categorical(np.array(["x", "y", "z"])[np.arange(200) % 3])
    matrix = xgboost.DMatrix(rows, LABELS, enable_categorical=True)
    model = booster_of(matrix, "multi:softprob", tree_method="hist")

    def make(part: Any) -> Any:
        return xgboost.DMatrix(part, enable_categorical=True)

    if hasattr(matrix, "get_categories"):
        assert "categories" in refusal(LIBRARY, model, "predict", make(rows[:6]))
    else:
        assert_matrices_meet(model, make, in_parts(rows))


def test_a_copy_of_a_matrixs_rows_is_of_its_own() -> None:
    """As one is made of what is predicted alone later, to compare."""
    rows = with_gaps(9, 6)
    model = booster_of(xgboost.DMatrix(X, LABELS, feature_names=NAMES), "multi:softprob")
    call = call_of(model, xgboost.DMatrix(rows, feature_names=NAMES))
    alone = model.predict(xgboost.DMatrix(rows, feature_names=NAMES))
    copied = copy.deepcopy(call.rows)
    assert key_of(copied) == key_of(call.rows)
    assert copied.matrix is not call.rows.matrix
    args, kwargs = call.arguments(copied)
    assert model.predict(*args, **kwargs).tobytes() == alone.tobytes()


@pytest.mark.usefixtures("own_alarm")
def test_requests_meet_that_make_a_matrix_each(caplog: pytest.LogCaptureFixture) -> None:
    """Proofs, met calls, and those that are made again alone: no answer differs, none fails."""
    model = booster_of(xgboost.DMatrix(X, LABELS), "multi:softprob")
    bodies = [json.dumps(row.tolist()) for row in with_gaps(64, 7)]

    def run(raw_data: str) -> Any:
        row = np.array([json.loads(raw_data)], np.float32)
        return model.predict(xgboost.DMatrix(row)).tolist()

    expected = [run(body) for body in bodies]
    runner = ScriptRunner(run, convention_of(run), Settings())
    meeting = ModelRunner(runner, 32, exact=True)
    meeting.start()
    try:
        for _ in range(4):
            jobs = [job_of(body.encode(), id=number) for number, body in enumerate(bodies)]
            answers = {
                outcome.id: json.loads(outcome.body)
                for some in meeting.score(runner.read(jobs))
                for outcome in some
                if isinstance(outcome, Outcome)
            }
            assert [answers[number] for number in range(64)] == expected
        report = meeting.report()
    finally:
        meeting.close()
    assert report is not None
    assert [(each["method"], each["step"]) for each in report["methods"]] == [
        ("predict", "meeting")
    ]
    assert (32, 32) in report["merged"]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
