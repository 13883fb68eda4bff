"""Trains a classifier of irises and writes it as iris.onnx, which needs no entry script.

pip install scikit-learn skl2onnx
python train.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import skl2onnx
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

MODEL = Path(__file__).with_name("iris.onnx")
OPSET = 18  # of ONNX: a runtime loads no later one than it knows, and some are years old


def main() -> None:
    flowers = load_iris()
    names = flowers.target_names[flowers.target]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(flowers.data, names)
    print(f"accuracy on its own rows: {model.score(flowers.data, names):.2f}")
    # Any number of rows of four float32; without ZipMap, probabilities are an array.
    rows = flowers.data[:1].astype(np.float32)
    onnx_model = skl2onnx.to_onnx(
        model, rows, options={"zipmap": False}, target_opset={"": OPSET, "ai.onnx.ml": 3}
    )
    MODEL.write_bytes(onnx_model.SerializeToString())
    print(f"wrote {MODEL}")


if __name__ == "__main__":
    main()
