"""An entry script for onnxruntime's example model: flowers, two measures each, to species."""

import json
import os
from pathlib import Path

import numpy as np
import onnxruntime


def init() -> None:
    """Open a session."""
    global session
    session = onnxruntime.InferenceSession(
        Path(os.environ["AZUREML_MODEL_DIR"]) / "logreg_iris.onnx"
    )


def run(raw_data: str) -> list[int]:
    """One label for each row of `data`."""
    rows = np.array(json.loads(raw_data)["data"], dtype=np.float32)
    labels: list[int] = session.run(None, {session.get_inputs()[0].name: rows})[0].tolist()
    return labels
