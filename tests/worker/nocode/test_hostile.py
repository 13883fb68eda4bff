"""Whatever JSON a client sends, a model answers it or refuses it: it is no fault of the server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from tests.worker.nocode.conftest import Serve, Served
from tests.worker.nocode.test_onnx_models import DATASETS, columns

X, Y = load_iris(return_X_y=True)
NAMES = ["a", "b", "c", "d"]

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.integers()
    | st.floats()
    | st.sampled_from(["a", "", "1", "predict", "transform"])
)
ROWS = st.lists(st.lists(SCALARS, min_size=1, max_size=5), max_size=3) | st.lists(
    st.lists(st.floats(-9, 9), min_size=2, max_size=4), max_size=3
)
MEMBERS = ["data", "input_data", "inputs", "columns", "index", "method", *NAMES, "float_input"]
ANYTHING = st.recursive(
    SCALARS | ROWS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner),
    max_leaves=6,
)
BODIES = ANYTHING | st.builds(
    lambda member, value: {member: value},
    st.sampled_from(["data", "input_data", "inputs"]),
    ROWS
    | ANYTHING
    | st.builds(lambda names, rows: {"columns": names, "data": rows}, st.permutations(NAMES), ROWS),
)


def of_fixed_rows(folder: Path) -> Path:
    return DATASETS / "logreg_iris.onnx"


def of_columns(folder: Path) -> Path:
    return columns(folder / "m.onnx")


def of_frames(folder: Path) -> Path:
    skops_io = pytest.importorskip("skops.io")
    path = folder / "m.skops"
    skops_io.dump(LogisticRegression(max_iter=1000).fit(pd.DataFrame(X, columns=NAMES), Y), path)
    return path


def of_xgboost(folder: Path) -> Path:
    xgboost = pytest.importorskip("xgboost")
    path = folder / "m.ubj"
    xgboost.train({}, xgboost.DMatrix(X, Y), 3).save_model(path)
    return path


def of_lightgbm(folder: Path) -> Path:
    lightgbm = pytest.importorskip("lightgbm")
    path = folder / "m.txt"
    lightgbm.train({"verbose": -1}, lightgbm.Dataset(X, Y), 3).save_model(path)
    return path


@pytest.fixture(params=[of_fixed_rows, of_columns, of_frames, of_xgboost, of_lightgbm])
def served(request: pytest.FixtureRequest, serve: Serve, tmp_path: Path) -> Served:
    """A model of each kind."""
    make: Callable[[Path], Path] = request.param
    return serve(make(tmp_path))


@pytest.mark.filterwarnings("ignore")  # of numbers that are no numbers
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(BODIES)
def test_any_body_is_answered_or_refused(served: Served, body: Any) -> None:
    status, answer = served.ask(json.dumps(body))
    assert status in (200, 400), answer
    if status == 200:
        assert np.shape(next(iter(answer.values())) if isinstance(answer, dict) else answer)
    else:
        assert len(answer["message"]) < 1000
