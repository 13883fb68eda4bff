"""An entry script for a random forest: digits, one row of pixels or more a request."""

import json
import os
from pathlib import Path

import joblib
import numpy as np


def init() -> None:
    """Load the model."""
    global model
    model = joblib.load(Path(os.environ["AZUREML_MODEL_DIR"]) / "forest.pkl")


def run(raw_data: str) -> list[int]:
    """One label for each row of `data`."""
    labels: list[int] = model.predict(np.array(json.loads(raw_data)["data"])).tolist()
    return labels
