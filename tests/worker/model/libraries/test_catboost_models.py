"""CatBoost: arrays, frames with categories, lists."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

catboost = pytest.importorskip("catboost")
pd = pytest.importorskip("pandas")

from scoreserve.worker.model.libraries.catboost_models import LIBRARY  # noqa: E402
from tests.worker.model.libraries.meetings import (  # noqa: E402
    assert_meets,
    in_parts,
    numbers,
    refusal,
    targets,
)

pytestmark = pytest.mark.filterwarnings("ignore")

X = numbers(200)
LABELS = targets(X)
FEW: dict[str, Any] = {
    "iterations": 20, "verbose": False, "thread_count": 1, "allow_writing_files": False
}  # fmt: skip


@pytest.mark.parametrize("labels", [LABELS, LABELS > 0, np.array(["a", "b", "c"])[LABELS]])
def test_a_classifier(labels: Any) -> None:
    model = catboost.CatBoostClassifier(**FEW).fit(X, labels)
    for rows in (X, X.astype(np.float32), X.tolist(), pd.DataFrame(X)):
        for method in ("predict", "predict_proba", "predict_log_proba"):
            assert_meets(LIBRARY, model, method, in_parts(rows))
    assert_meets(LIBRARY, model, "predict", in_parts(X), prediction_type="RawFormulaVal")


def test_a_regressor_of_frames_with_categories() -> None:
    rows = pd.DataFrame(X, columns=list("abcdefgh"))
    rows["i"] = np.array(["x", "y", "z"])[np.arange(200) % 3]
    model = catboost.CatBoostRegressor(cat_features=["i"], **FEW).fit(rows, LABELS)
    assert_meets(LIBRARY, model, "predict", in_parts(rows))
    raw = catboost.CatBoost({**FEW, "cat_features": ["i"]}).fit(rows, LABELS)
    assert_meets(LIBRARY, raw, "predict", in_parts(rows))


def test_what_does_not_go_by_rows() -> None:
    model = catboost.CatBoostRegressor(**FEW).fit(X, LABELS)
    assert "Pool" in refusal(LIBRARY, model, "predict", catboost.Pool(X))
    assert "one row" in refusal(LIBRARY, model, "predict", X[0])
    assert "one row" in refusal(LIBRARY, model, "predict", X[0].tolist())
    assert "own" in refusal(LIBRARY, type("Own", (catboost.CatBoost,), {})(), "predict", X)


def test_the_methods_are_those_that_classes_define_themselves() -> None:
    methods = set(LIBRARY.methods())
    assert (catboost.CatBoostClassifier, "predict_proba") in methods
    assert (catboost.CatBoostRegressor, "predict") in methods
    assert all(method in vars(cls) for cls, method in methods)
