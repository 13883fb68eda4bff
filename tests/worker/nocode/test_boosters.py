"""XGBoost's and LightGBM's own files, without a script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from scoreserve.errors import BootError
from tests.worker.nocode.conftest import Serve

lightgbm = pytest.importorskip("lightgbm")
xgboost = pytest.importorskip("xgboost")

X, Y = load_iris(return_X_y=True)
NAMES = ["a", "b", "c", "d"]
ROWS = X[:3].tolist()
CLASSES = {"num_class": 3}


def of_xgboost(names: list[str] | None = None, **training: Any) -> Any:
    data = xgboost.DMatrix(X, Y, feature_names=names)
    parameters = {"objective": "multi:softprob", **CLASSES}
    return xgboost.train(parameters, data, 3, **training)


def of_lightgbm(data: Any = X, **more: Any) -> Any:
    parameters = {"objective": "multiclass", "verbose": -1, **CLASSES}
    return lightgbm.train(parameters, lightgbm.Dataset(data, Y, **more), 3)


class TestXGBoost:
    @pytest.mark.parametrize("suffix", ["ubj", "json", "bst", "xgb", "model"])
    @pytest.mark.filterwarnings("ignore:.*UBJSON format as default")
    def test_all_its_formats(self, serve: Serve, tmp_path: Path, suffix: str) -> None:
        booster = of_xgboost()
        booster.save_model(tmp_path / f"m.{suffix}")
        served = serve(tmp_path)
        expected = booster.inplace_predict(X[:3]).tolist()
        for body in (ROWS, {"data": ROWS}, {"input_data": ROWS}):
            assert served.answer(body) == expected

    def test_features_go_by_their_names(self, serve: Serve, tmp_path: Path) -> None:
        booster = of_xgboost(NAMES)
        booster.save_model(tmp_path / "m.ubj")
        served = serve(tmp_path)
        turned = [row[::-1] for row in ROWS]
        table = {"columns": NAMES[::-1], "data": turned}
        assert served.answer({"input_data": table}) == served.answer(ROWS)
        assert "no column d" in served.refusal({"input_data": [{"a": 1, "b": 1, "c": 1}]})
        schema = served.interface.input_schema
        assert schema is not None
        assert schema["example"]["input_data"]["columns"] == NAMES
        assert np.shape(served.answer(schema["example"])) == (1, 3)

    def test_it_stops_where_training_should_have(self, serve: Serve, tmp_path: Path) -> None:
        evals = [(xgboost.DMatrix(X, Y[::-1].copy()), "other")]
        booster = of_xgboost(evals=evals, early_stopping_rounds=1, verbose_eval=False)
        assert booster.best_iteration < booster.num_boosted_rounds() - 1
        booster.save_model(tmp_path / "m.ubj")
        expected = booster.inplace_predict(X[:3], iteration_range=(0, booster.best_iteration + 1))
        assert serve(tmp_path).answer(ROWS) == expected.tolist()

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({"data": [[1, 2]]}, "4 values, and has 2"),
            ({"data": [["x", 1, 2, 3]]}, "takes numbers, and the request has 'x'"),
            ({"data": ROWS, "method": "predict_proba"}, "no method 'predict_proba'"),
        ],
    )
    def test_what_does_not_fit_is_told(
        self, serve: Serve, tmp_path: Path, body: Any, words: str
    ) -> None:
        of_xgboost().save_model(tmp_path / "m.ubj")
        assert words in serve(tmp_path).refusal(body)

    def test_null_is_a_missing_value(self, serve: Serve, tmp_path: Path) -> None:
        booster = of_xgboost()
        booster.save_model(tmp_path / "m.ubj")
        expected = booster.inplace_predict(np.array([[np.nan, 1, 2, 3]])).tolist()
        assert serve(tmp_path).answer([[None, 1, 2, 3]]) == expected


class TestLightGBM:
    @pytest.mark.parametrize("suffix", ["txt", "lgb"])
    def test_its_own_format(self, serve: Serve, tmp_path: Path, suffix: str) -> None:
        booster = of_lightgbm()
        booster.save_model(tmp_path / f"m.{suffix}")
        served = serve(tmp_path)
        assert served.answer({"data": ROWS}) == booster.predict(X[:3]).tolist()
        schema = served.interface.input_schema
        assert schema is not None
        assert schema["example"] == {"data": [[0.0] * 4]}

    def test_features_go_by_their_names(self, serve: Serve, tmp_path: Path) -> None:
        of_lightgbm(pd.DataFrame(X, columns=NAMES)).save_model(tmp_path / "m.txt")
        served = serve(tmp_path)
        table = [dict(zip(NAMES[::-1], row[::-1], strict=True)) for row in ROWS]
        assert served.answer({"input_data": table}) == served.answer(ROWS)

    def test_categories_of_a_frame_need_a_script(self, serve: Serve, tmp_path: Path) -> None:
        frame = pd.DataFrame(X, columns=NAMES)
        frame["e"] = pd.Categorical(["x", "y"] * 75)
        of_lightgbm(frame).save_model(tmp_path / "m.txt")
        with pytest.raises(BootError, match=r"categories.* needs an entry script"):
            serve(tmp_path)

    def test_a_broken_file_is_told(self, serve: Serve, tmp_path: Path) -> None:
        (tmp_path / "m.txt").write_text("tree\nversion=v4\nnonsense\n")
        with pytest.raises(BootError, match=r"cannot be loaded: .*/m\.txt"):
            serve(tmp_path)
