"""The OpenAPI document of the V2 paths, with a request that the model takes as its example.

The schemas are those of the Open Inference Protocol, https://github.com/kserve/
open-inference-protocol, as far as this server speaks it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from scoreserve import __version__
from scoreserve.protocols import Model

Document = dict[str, Any]

_DATATYPES: Final = (
    *("BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64"),
    *("FP16", "FP32", "FP64", "BF16", "BYTES"),
)
_STRING: Final = {"type": "string"}
_PARAMETERS: Final = {"type": "object", "additionalProperties": True}
_ROWS: Final = 1  # of the example, where a dimension may be of any size


def document(model: Model, tensors: Mapping[str, Any]) -> Document:
    """The document of a model, which `tensors` describes as GET /v2/models/M does."""
    path = f"/v2/models/{model.name}"
    request = _content("InferenceRequest")
    example = _example(tensors.get("inputs", ()))
    if example is not None:
        request["content"]["application/json"]["example"] = example
    return {
        "openapi": "3.0.3",
        "info": {
            "title": f"{model.name}, version {model.version}",
            "description": "Open Inference Protocol (V2) of this server's model.",
            "version": __version__,
        },
        "paths": {
            "/v2": _read("The server and its extensions."),
            "/v2/health/live": _read("Whether the server is up."),
            "/v2/health/ready": _read("Whether it can infer.", refusal="503"),
            path: _read("The model's inputs and outputs.", "Metadata"),
            f"{path}/ready": _read("Whether the model can infer.", refusal="503"),
            f"{path}/infer": {
                "post": {
                    "description": "Runs the model on tensors.",
                    "requestBody": {"required": True, **request},
                    "responses": {
                        "200": {"description": "Its outputs.", **_content("InferenceResponse")},
                        "default": {"description": "What is wrong.", **_content("Error")},
                    },
                }
            },
        },
        "components": {"schemas": _schemas()},
    }


def _content(schema: str) -> Document:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {"content": {"application/json": {"schema": reference}}}


def _read(description: str, schema: str = "Anything", *, refusal: str = "default") -> Document:
    answers = {
        "200": {"description": "As it is.", **_content(schema)},
        refusal: {"description": "Not so.", **_content("Anything")},
    }
    return {"get": {"description": description, "responses": answers}}


def _object(required: Sequence[str], **properties: Any) -> Document:
    return {"type": "object", "required": list(required), "properties": properties}


def _schemas() -> Document:
    def list_of(schema: Document) -> Document:
        return {"type": "array", "items": schema}

    shape = list_of({"type": "integer"})
    datatype = {"type": "string", "enum": list(_DATATYPES)}
    named = {"name": _STRING, "shape": shape, "datatype": datatype}
    tensor = _object(list(named), **named, parameters=_PARAMETERS, data=list_of({}))
    wanted = _object(["name"], name=_STRING, parameters=_PARAMETERS)
    described = list_of(_object(list(named), **named))
    return {
        "InferenceRequest": _object(
            ["inputs"],
            id=_STRING,
            parameters=_PARAMETERS,
            inputs=list_of(tensor),
            outputs=list_of(wanted),
        ),
        "InferenceResponse": _object(
            ["model_name", "outputs"],
            model_name=_STRING,
            model_version=_STRING,
            id=_STRING,
            outputs=list_of(tensor),
        ),
        "Metadata": _object(
            ["name", "versions", "platform", "inputs", "outputs"],
            name=_STRING,
            versions=list_of(_STRING),
            platform=_STRING,
            inputs=described,
            outputs=described,
        ),
        "Anything": {"type": "object"},
        "Error": _object(["error"], error=_STRING),
    }


def _example(inputs: Sequence[Mapping[str, Any]]) -> Document | None:
    """A request with zeros, or empty texts; None where the script does not say what it takes."""
    if not inputs:
        return None
    return {"inputs": [_example_of(tensor) for tensor in inputs]}


def _example_of(tensor: Mapping[str, Any]) -> Document:
    shape = [_ROWS if size < 0 else size for size in tensor["shape"]]
    elements = 1
    for size in shape:
        elements *= size
    zero: Any = {"BYTES": "", "BOOL": False}.get(tensor["datatype"], 0)
    return {
        "name": tensor["name"],
        "shape": shape,
        "datatype": tensor["datatype"],
        "data": [zero] * elements,
    }
