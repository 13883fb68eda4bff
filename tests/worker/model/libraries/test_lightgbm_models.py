"""LightGBM: its scikit-learn classes and Booster.predict."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

lightgbm = pytest.importorskip("lightgbm")
pd = pytest.importorskip("pandas")

from scipy import sparse  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

from scoreserve.worker.model.libraries import scikit_learn  # noqa: E402
from scoreserve.worker.model.libraries.lightgbm_models import LIBRARY  # noqa: E402
from tests.worker.model.libraries.meetings import (  # noqa: E402
    assert_meets,
    in_parts,
    numbers,
    refusal,
    targets,
)

pytestmark = pytest.mark.filterwarnings("ignore")

X = numbers(200)
X[::7, 3] = np.nan
LABELS = targets(numbers(200))
FEW: dict[str, Any] = {"n_estimators": 30, "n_jobs": 1, "verbose": -1, "min_child_samples": 5}


@pytest.mark.parametrize("kind", ["gbdt", "dart", "rf"])
@pytest.mark.parametrize("labels", [LABELS, (LABELS > 0).astype(int)], ids=["three", "two"])
def test_a_classifier(kind: str, labels: Any) -> None:
    bags = {"subsample": 0.5, "subsample_freq": 1}
    model = lightgbm.LGBMClassifier(boosting_type=kind, **bags, **FEW).fit(X, labels)
    for rows in (in_parts(X), in_parts(X.astype(np.float32)), in_parts(pd.DataFrame(X))):
        assert_meets(LIBRARY, model, "predict", rows)
        assert_meets(LIBRARY, model, "predict_proba", rows)


@pytest.mark.parametrize("asked", ["raw_score", "pred_leaf", "pred_contrib"])
def test_all_that_predict_gives(asked: str) -> None:
    model = lightgbm.LGBMClassifier(**FEW).fit(X, LABELS)
    assert_meets(LIBRARY, model, "predict", in_parts(X), **{asked: True})
    assert_meets(LIBRARY, model.booster_, "predict", in_parts(X), **{asked: True})


def test_linear_trees() -> None:
    model = lightgbm.LGBMRegressor(linear_tree=True, **FEW).fit(X, LABELS)
    assert_meets(LIBRARY, model, "predict", in_parts(X))


def test_frames_with_categories() -> None:
    rows = pd.DataFrame(X, columns=list("abcdefgh"))
    rows["i"] = pd.Categorical(np.array(["x", "y", "z"])[np.arange(200) % 3])
    model = lightgbm.LGBMRegressor(**FEW).fit(rows, LABELS)
    assert_meets(LIBRARY, model, "predict", in_parts(rows))


def test_sparse_rows_of_a_booster() -> None:
    model = lightgbm.LGBMClassifier(**FEW).fit(X, LABELS).booster_
    rows = sparse.csr_matrix(np.nan_to_num(X))
    parts = [rows[i : i + 1 + i] for i in range(6)]
    assert_meets(LIBRARY, model, "predict", parts)
    assert_meets(LIBRARY, model, "predict", parts, pred_contrib=True)


@pytest.mark.parametrize("asked", [{}, {"pred_leaf": True}, {"num_iteration": 5}])
def test_lists_and_frames_of_a_booster(asked: dict[str, Any]) -> None:
    model = lightgbm.LGBMClassifier(**FEW).fit(X, LABELS).booster_
    whole = np.nan_to_num(X * 10).astype(int).tolist()
    frame = pd.DataFrame(X).assign(whole=range(200), yes=X[:, 0] > 0).drop(columns=[6, 7])
    tuples = [tuple(row) for row in X.tolist()]
    for rows in (X.tolist(), tuples, whole, pd.DataFrame(X), frame):
        assert_meets(LIBRARY, model, "predict", in_parts(rows), **asked)


def test_a_pipeline() -> None:
    model = make_pipeline(StandardScaler(), lightgbm.LGBMClassifier(**FEW)).fit(X, LABELS)
    assert_meets(scikit_learn.LIBRARY, model, "predict_proba", in_parts(X))


def test_what_does_not_go_by_rows() -> None:
    model = lightgbm.LGBMRegressor(**FEW).fit(X, LABELS)
    assert "file" in refusal(LIBRARY, model.booster_, "predict", "rows.csv")
    assert "own" in refusal(LIBRARY, type("Own", (lightgbm.LGBMRegressor,), {})(), "predict", X)


def test_the_methods_are_those_that_classes_define_themselves() -> None:
    methods = set(LIBRARY.methods())
    assert (lightgbm.LGBMModel, "predict") in methods
    assert (lightgbm.LGBMClassifier, "predict_proba") in methods
    assert (lightgbm.Booster, "predict") in methods
    assert all(method in vars(cls) for cls, method in methods)
