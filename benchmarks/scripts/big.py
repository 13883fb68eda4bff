"""An entry script for images of 28 by 28 pixels, sent by the ten thousand as JSON."""

import json
import os
from pathlib import Path

import joblib
import numpy as np


def init() -> None:
    """Unpickle the model."""
    global model
    model = joblib.load(Path(os.environ["AZUREML_MODEL_DIR"]) / "big_model.pkl")


def run(raw_data: str) -> list[int]:
    """One label for each row of `data`."""
    labels: list[int] = model.predict(np.array(json.loads(raw_data)["data"])).tolist()
    return labels
