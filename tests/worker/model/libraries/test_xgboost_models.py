"""XGBoost: its scikit-learn classes and Booster.inplace_predict."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

xgboost = pytest.importorskip("xgboost")
pd = pytest.importorskip("pandas")

from scipy import sparse  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

from scoreserve.worker.model.libraries import scikit_learn  # noqa: E402
from scoreserve.worker.model.libraries.xgboost_models import LIBRARY  # noqa: E402
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
    matrix = xgboost.DMatrix(X)
    assert "DMatrix" in refusal(LIBRARY, model.get_booster(), "predict", matrix)
    assert "ndarray" in refusal(LIBRARY, model, "predict", X, base_margin=LABELS)
    assert "rows" in refusal(LIBRARY, model, "predict", X[0])
    assert "own" in refusal(LIBRARY, type("Own", (xgboost.XGBRegressor,), {})(), "predict", X)


def test_the_methods_are_those_that_classes_define_themselves() -> None:
    methods = set(LIBRARY.methods())
    assert (xgboost.XGBModel, "predict") in methods
    assert (xgboost.XGBClassifier, "predict_proba") in methods
    assert (xgboost.Booster, "inplace_predict") in methods
    assert all(method in vars(cls) for cls, method in methods)
