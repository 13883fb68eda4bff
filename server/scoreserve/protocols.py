"""The wire protocols beside that of /score: their names, their paths and the words of their errors.
Both processes import this: the front has the routes, the worker reads bodies and writes answers.

    v2       Open Inference Protocol, as KServe, Triton and MLServer speak it   /v2/...
    v1       TensorFlow Serving's, which is KServe's V1                         /v1/models/...
    mlflow   that of MLflow's scoring server                                    /invocations, /ping
    formats  other bodies than JSON, on /score itself: npy, Arrow, CSV, msgpack

https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol is the first,
https://www.tensorflow.org/tfx/serving/api_rest the second, https://mlflow.org/docs/latest/ml/
deployment/deploy-model-locally the third.
"""

from __future__ import annotations

import json
import os
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from scoreserve import model_files
from scoreserve.settings import Settings

V2 = "v2"
V1 = "v1"
MLFLOW = "mlflow"
FORMATS = "formats"
NAMES = (V2, V1, MLFLOW, FORMATS)

# The header of a V2 request or response with binary tensors: the bytes of JSON before them.
JSON_LENGTH = b"inference-header-content-length"

_FIRST_SEGMENTS = {b"v2": V2, b"v1": V1, b"invocations": MLFLOW}
# What MLflow's clients look for in `error_code`, by status.
_MLFLOW_CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    404: "ENDPOINT_NOT_FOUND",
    415: "BAD_REQUEST",
    413: "BAD_REQUEST",
    503: "TEMPORARILY_UNAVAILABLE",
}
_UNNAMED = "model"
_FIRST_VERSION = "1"


class Model(NamedTuple):
    """What a server's one model is called in paths and answers."""

    name: str
    version: str


def model_of(settings: Settings) -> Model:
    """SCORESERVE_MODEL_NAME, else SERVICE_NAME if it is set, else the name of what is served: the
    model's file where there is no script, and with one AZUREML_MODEL_DIR, which in Azure is
    .../NAME/VERSION; else `model`.
    """
    name, version = _of_directory(settings.model_dir or "")
    if settings.service_name != Settings.service_name or not settings.entry_script:
        name = model_files.model_name(settings)
    return Model(settings.model_name or name, version)


def _of_directory(path: str) -> Model:
    """What Azure ML calls a model that it mounts here. A path of no model is that of `model`."""
    last = os.path.basename(os.path.abspath(path)) if path else ""
    version = last if last.isdecimal() else _FIRST_VERSION
    return Model(model_files.name_of(path) if path else _UNNAMED, version)


def scored_paths(settings: Settings) -> list[str]:
    """The paths that these settings have scored, beside /score."""
    model = model_of(settings)
    paths = {
        V2: f"/v2/models/{model.name}/infer",
        V1: f"/v1/models/{model.name}:predict",
        MLFLOW: "/invocations",
    }
    return [path for name, path in paths.items() if name in settings.protocols.split(",")]


def of_path(path: bytes) -> str:
    """The protocol that a path belongs to, as the client wrote it; empty: that of /score."""
    segment = unquote_to_bytes(path).lstrip(b"/").partition(b"/")[0]
    return _FIRST_SEGMENTS.get(segment, "")


def error_body(protocol: str, status: int, message: str) -> bytes:
    """The JSON that tells of an error, in the words of the protocol."""
    if protocol == MLFLOW:
        code = _MLFLOW_CODES.get(status, "INTERNAL_ERROR")
        return json.dumps({"error_code": code, "message": message}).encode()
    return json.dumps({"error": message}).encode()
