"""An entry script that takes the request itself, with one record of 64 pixels."""

import os
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from azureml_inference_server_http.api.aml_request import rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse


def init() -> None:
    """Load the model."""
    global model
    model = joblib.load(Path(os.environ["AZUREML_MODEL_DIR"]) / "sklearn_digits_model.pkl")


@rawhttp
def run(request: Any) -> AMLResponse:
    """The label, with a header of its own."""
    if request.method != "POST":
        return AMLResponse({"error": "POST only"}, 405, json_str=True)
    pixels = np.array(request.get_json()["data"]).reshape(1, -1)
    label = int(model.predict(pixels)[0])
    return AMLResponse({"label": label}, 200, {"x-model": "digits"}, json_str=True)
