"""An entry script for raw bytes: the mean of each colour of a binary PPM image."""

from typing import Any

import numpy as np
from azureml_inference_server_http.api.aml_request import rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse


def init() -> None:
    """Nothing to load."""


@rawhttp
def run(request: Any) -> AMLResponse:
    """Means of red, green and blue."""
    _, width, height, _, pixels = request.get_data().split(maxsplit=4)
    colours = np.frombuffer(pixels, np.uint8).reshape(int(height), int(width), 3)
    means = colours.mean(axis=(0, 1)).round(3).tolist()
    return AMLResponse({"mean": means}, 200, json_str=True)
