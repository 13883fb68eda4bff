"""Trains a classifier of wines and saves it as an MLflow model, which needs no entry script.

pip install mlflow-skinny scikit-learn skops pandas
python train.py
"""

from __future__ import annotations

import shutil
from pathlib import Path

import mlflow.sklearn
from mlflow.models import infer_signature
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

MODEL = Path(__file__).with_name("wine")
FEATURES = ["alcohol", "malic_acid", "color_intensity", "proline"]


def main() -> None:
    wines = load_wine(as_frame=True)
    table = wines.data[FEATURES]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(table, wines.target)
    print(f"accuracy on its own rows: {model.score(table, wines.target):.2f}")
    shutil.rmtree(MODEL, ignore_errors=True)
    mlflow.sklearn.save_model(
        model,
        MODEL,
        signature=infer_signature(table, model.predict(table)),
        input_example=table[:2],  # what /docs shows to try
        serialization_format="skops",  # unlike a pickle, it holds no code
    )
    print(f"wrote {MODEL}")


if __name__ == "__main__":
    main()
