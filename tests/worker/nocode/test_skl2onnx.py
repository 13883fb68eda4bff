"""What skl2onnx makes of scikit-learn models: the same answers without scikit-learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tests.worker.nocode.conftest import Serve, Served

skl2onnx = pytest.importorskip("skl2onnx")

X, Y = load_digits(return_X_y=True)
MODEL = LogisticRegression(max_iter=1000).fit(X[:500], Y[:500])


@pytest.fixture
def convert(serve: Serve, tmp_path: Path) -> Any:
    """Serves what a model becomes."""

    def convert(model: Any, **options: Any) -> Served:
        path = tmp_path / "model.onnx"
        path.write_bytes(skl2onnx.to_onnx(model, **options).SerializeToString())
        return serve(path)

    return convert


def test_probabilities_are_a_map_or_an_array(convert: Any) -> None:
    """With ZipMap, the default, and without."""
    expected = MODEL.predict_proba(X[:5])
    rows = X[:5].tolist()
    maps = convert(MODEL, X=X[:1].astype("float32")).answer({"data": rows})
    assert maps["output_label"] == Y[:5].tolist()
    found = [[row[str(label)] for label in range(10)] for row in maps["output_probability"]]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    arrays = convert(MODEL, X=X[:1].astype("float32"), options={"zipmap": False})
    answer = arrays.answer({"data": rows})
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)


def test_columns_of_a_frame_are_inputs(convert: Any) -> None:
    frame = pd.DataFrame({"size": [1.0, 2.0, 3.0, 4.0], "colour": ["red", "blue"] * 2})
    columns = ColumnTransformer(
        [
            ("n", StandardScaler(), ["size"]),
            ("c", OneHotEncoder(handle_unknown="ignore"), ["colour"]),
        ]
    )
    model = make_pipeline(columns, LogisticRegression()).fit(frame, [0, 1, 0, 1])
    served = convert(model, X=frame[:1], options={"zipmap": False})
    records = frame.to_dict("records")
    assert served.answer({"input_data": records})["label"] == model.predict(frame).tolist()
    table = {"columns": ["colour", "size"], "data": [["red", 1], ["blue", 2]]}
    assert served.answer({"input_data": table})["label"] == [0, 1]
    schema = served.interface.input_schema
    assert schema is not None
    assert schema["example"] == {"input_data": {"columns": ["size", "colour"], "data": [[0.0, ""]]}}
    assert "texts, and has 1" in served.refusal({"data": [[1, 1]]})
