"""The body of a V2 inference response, and the description of the model.

From the Open Inference Protocol, https://github.com/kserve/open-inference-protocol, and Triton's
binary data extension.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import orjson

from scoreserve.errors import BadInput
from scoreserve.protocols import Model
from scoreserve.worker.protocols.tensors import BF16, BYTES, Tensor, shown, to_bytes
from scoreserve.worker.protocols.v2_request import InferRequest

_OPTIONS: Final = orjson.OPT_SERIALIZE_NUMPY
_dumps: Final = json.dumps  # the script may put another in its place


def write(
    request: InferRequest, outputs: Sequence[Tensor], model: Model, *, strict_json: bool = False
) -> tuple[bytes, int | None]:
    """The body, and how many bytes of it are JSON where raw bytes follow.

    Raises BadInput for an output that is asked for and not there. `strict_json`: NaN is null.
    """
    members: list[dict[str, Any]] = []
    raw: list[bytes] = []
    for tensor in _chosen(request, outputs):
        parameters = dict(tensor.parameters)
        member: dict[str, Any] = {
            "name": tensor.name,
            "datatype": tensor.datatype,
            "shape": list(tensor.array.shape),
        }
        # BF16 has no form in JSON.
        if request.wants_binary(tensor.name) or tensor.datatype == BF16:
            raw.append(to_bytes(tensor))
            parameters["binary_data_size"] = len(raw[-1])
        else:
            member["data"] = _data(tensor, parameters, strict=strict_json)
        if parameters:
            member["parameters"] = parameters
        members.append(member)
    response = {"model_name": model.name, "model_version": model.version, "outputs": members}
    if request.id is not None:
        response["id"] = request.id
    text = _written(response)
    return (b"".join([text, *raw]), len(text)) if raw else (text, None)


def _chosen(request: InferRequest, outputs: Sequence[Tensor]) -> Sequence[Tensor]:
    if request.outputs is None:
        return outputs
    found = {tensor.name: tensor for tensor in outputs}
    for wanted in request.outputs:
        if wanted.name not in found:
            names = ", ".join(map(shown, found))
            raise BadInput(f"There is no output {shown(wanted.name)}; run() has given {names}")
    return [found[wanted.name] for wanted in request.outputs]


def _data(tensor: Tensor, parameters: dict[str, Any], *, strict: bool) -> Any:
    """The elements as JSON has them: in a row, as Triton writes them."""
    flat = np.ascontiguousarray(tensor.array).ravel()
    if tensor.datatype == BYTES:
        items = flat.tolist()
        try:
            return [item.decode() for item in items]
        except UnicodeDecodeError:
            parameters["content_type"] = "base64"
            return [b64encode(item).decode() for item in items]
    if tensor.datatype.startswith("FP"):
        if not strict and not np.isfinite(flat).all():
            return flat.tolist()  # with a NaN, of which orjson makes null
        return flat.astype(np.float32) if tensor.datatype == "FP16" else flat
    return flat


def _written(response: dict[str, Any]) -> bytes:
    if any(isinstance(each.get("data"), list) for each in response["outputs"]):
        return _dumps(response, default=_plain, ensure_ascii=False).encode()
    return orjson.dumps(response, option=_OPTIONS)


def _plain(value: Any) -> Any:
    return value.tolist()
