"""An entry script that takes one record a request, a list of 64 pixels."""

import json
import os
from pathlib import Path
from typing import Any

import joblib
import numpy as np


def init() -> None:
    """Load the model."""
    global model
    model = joblib.load(Path(os.environ["AZUREML_MODEL_DIR"]) / "sklearn_digits_model.pkl")


def run(raw_data: str) -> dict[str, Any]:
    """The label and its probability."""
    pixels = np.array(json.loads(raw_data)["data"]).reshape(1, -1)
    probabilities = model.predict_proba(pixels)[0]
    best = int(probabilities.argmax())
    return {"label": best, "probability": round(float(probabilities[best]), 3)}
