"""Libraries with threads of their own: right answers, by forked workers where these survive it."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from tests.preload.conftest import Preload

TREES = """
import json, os, pickle
import numpy as np

HERE = os.path.dirname(__file__)

def init():
    global models
    with open(os.path.join(HERE, "models.pkl"), "rb") as file:
        models = pickle.load(file)

def run(data):
    rows = np.array(json.loads(data)["data"])
    return {name: model.predict(rows).tolist() for name, model in models.items()}
"""
WARM = TREES.replace(
    "        models = pickle.load(file)\n",
    "        models = pickle.load(file)\n    for model in models.values():\n"
    "        model.predict(np.ones((3000, 2)))\n",
)
WARM_LATER = TREES + "\ndef after_fork(index): run('{\"data\": [[0.5, 0.5]]}')\n"


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    """A model of each library that is installed, which uses OpenMP."""
    np = pytest.importorskip("numpy")
    ensemble = pytest.importorskip("sklearn.ensemble")
    cluster = pytest.importorskip("sklearn.cluster")
    lightgbm = pytest.importorskip("lightgbm")
    xgboost = pytest.importorskip("xgboost")
    x = np.random.RandomState(0).rand(300, 2)
    y = (x.sum(axis=1) > 1).astype(int)
    return {
        "gradient boosting": ensemble.HistGradientBoostingClassifier(max_iter=5).fit(x, y),
        "k-means": cluster.KMeans(2, n_init=1).fit(x),
        "forest": ensemble.RandomForestClassifier(5, n_jobs=2).fit(x, y),
        "lightgbm": lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(x, y),
        "xgboost": xgboost.XGBClassifier(n_estimators=5).fit(x, y),
    }


@pytest.mark.parametrize(
    ("script", "state"), [(WARM_LATER, "on"), (WARM, "off")], ids=["after_fork", "init"]
)
def test_of_openmp_answer_right_wherever_they_are_warmed_up(
    preload: Preload, models: dict[str, Any], script: str, state: str, tmp_path: Any
) -> None:
    import numpy as np

    (tmp_path / "models.pkl").write_bytes(pickle.dumps(models))
    rows = [[0.1, 0.2], [0.9, 0.8], [0.3, 0.1]]
    wanted = {name: model.predict(np.array(rows)).tolist() for name, model in models.items()}
    with preload(script) as preloading:
        told = preloading.wait_for(state)
        asked = [preloading.server.start_score(f'{{"data": {rows}}}') for _ in range(6)]
        assert [each.reply().json() for each in asked] == [wanted] * 6
    if state == "off":
        assert "threads that a forked worker would not have" in told["reason"]


def test_of_onnx_has_its_session_in_each_worker(preload: Preload, tmp_path: Any) -> None:
    pytest.importorskip("onnxruntime")
    skl2onnx = pytest.importorskip("skl2onnx")
    linear_model = pytest.importorskip("sklearn.linear_model")
    import numpy as np

    rows = np.array([[1, 2], [3, 4]], np.float32)
    model = linear_model.LinearRegression().fit(rows, [3, 7])
    (tmp_path / "model.onnx").write_bytes(skl2onnx.to_onnx(model, rows).SerializeToString())
    script = """
import json, os
import numpy as np

def init(): pass

def after_fork(index):
    global session
    import onnxruntime  # which has threads of its own as soon as it is imported
    session = onnxruntime.InferenceSession(os.path.join(os.path.dirname(__file__), "model.onnx"))

def run(data):
    rows = np.array(json.loads(data)["data"], np.float32)
    return session.run(None, {"X": rows})[0].round(3).ravel().tolist()
"""
    with preload(script) as preloading:
        preloading.wait_for("on")
        answer = preloading.server.score('{"data": [[1, 2], [3, 4]]}').json()
        assert answer == pytest.approx([3, 7], abs=0.01)
