"""An entry script for a neural network in ONNX of which any number of rows may be asked."""

import json
import os
from pathlib import Path

import numpy as np
import onnxruntime


def init() -> None:
    """Open a session."""
    global session
    session = onnxruntime.InferenceSession(Path(os.environ["AZUREML_MODEL_DIR"]) / "network.onnx")


def run(raw_data: str) -> list[list[float]]:
    """The scores of each row of `data`."""
    rows = np.array(json.loads(raw_data)["data"], dtype=np.float32)
    scores: list[list[float]] = session.run(None, {"rows": rows})[0].tolist()
    return scores
