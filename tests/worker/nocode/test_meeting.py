"""Calls of built-in scripts meet in the model, whatever its library is."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from scoreserve.settings import Settings
from scoreserve.wire import Outcome
from scoreserve.worker import batching
from scoreserve.worker.model.meeting import ModelRunner
from scoreserve.worker.nocode import loading
from scoreserve.worker.script.calling import Call, convention_of
from scoreserve.worker.script.script_runner import Result, ScriptRunner, nobody_told, run_init
from tests.worker.fakes import job_of
from tests.worker.nocode.test_onnx_models import value, write

X, Y = load_iris(return_X_y=True)
MOST = 8
ROUNDS = 4  # two prove, others meet


def of_onnx(folder: Path) -> str:
    weights = numpy_helper.from_array(np.arange(12, dtype="float32").reshape(4, 3), "w")
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    ends = [value("x", TensorProto.FLOAT, "n", 4), value("y", TensorProto.FLOAT, "n", 3)]
    write(folder / "m.onnx", nodes, ends[:1], ends[1:], weights)
    return "InferenceSession"


def of_skops(folder: Path) -> str:
    skops_io = pytest.importorskip("skops.io")
    skops_io.dump(LogisticRegression(max_iter=1000).fit(X, Y), folder / "m.skops")
    return "LogisticRegression"


def of_xgboost(folder: Path) -> str:
    xgboost = pytest.importorskip("xgboost")
    xgboost.train({}, xgboost.DMatrix(X, Y), 3).save_model(folder / "m.ubj")
    return "Booster"


def of_lightgbm(folder: Path) -> str:
    lightgbm = pytest.importorskip("lightgbm")
    data = lightgbm.Dataset(X, Y)
    lightgbm.train({"verbose": -1}, data, 3).save_model(folder / "m.txt")
    return "Booster"


def of_mlflow(folder: Path) -> str:
    pytest.importorskip("mlflow")
    from mlflow import sklearn

    model = LogisticRegression(max_iter=1000).fit(X, Y)
    sklearn.save_model(model, str(folder / "m"), pip_requirements=[])
    return "PyFuncModel"


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("make", [of_onnx, of_skops, of_xgboost, of_lightgbm, of_mlflow])
def test_calls_meet(tmp_path: Path, own_alarm: None, make: Callable[[Path], str]) -> None:
    name = make(tmp_path)
    settings = Settings(model=str(tmp_path), max_batch_size=MOST)
    script = loading.load(settings)
    run_init(script.init)
    convention = convention_of(script.run)
    runner = ScriptRunner(script.run, convention, settings)
    way = batching.choose(script.run, convention, runner, settings)
    meeting = way.together
    assert isinstance(meeting, ModelRunner)
    methods = {}
    with closing(meeting):
        for start in range(0, ROUNDS * MOST, MOST):
            bodies = [body_of(row) for row in X[start : start + MOST]]
            calls = runner.read([job_of(body, id=place) for place, body in enumerate(bodies)])
            outcomes = [each for group in meeting.score(calls, nobody_told) for each in group]
            alone = [
                runner.score(call)
                for call in runner.read(map(job_of, bodies))
                if isinstance(call, Call)
            ]
            np.testing.assert_allclose(numbers_in(outcomes), numbers_in(alone), rtol=1e-5)
            for told in (meeting.report() or {}).get("methods", ()):
                methods[told["model"]] = told["off"]
    assert name in methods
    assert methods[name] in (None, "", "no_gain")  # so small a model may gain nothing


def body_of(row: Any) -> bytes:
    return json.dumps({"input_data": [row.tolist()]}).encode()


def numbers_in(outcomes: Sequence[Result]) -> Any:
    """The predictions of each, in the order of the requests."""
    whole = [each for each in outcomes if isinstance(each, Outcome)]
    assert [each.status for each in whole] == [200] * MOST
    return np.array([json.loads(each.body) for each in sorted(whole, key=lambda each: each.id)])
