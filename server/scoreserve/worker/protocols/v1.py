"""Requests of TensorFlow Serving's REST API, which is KServe's V1: rows or columns in, predictions
out.

    {"instances": [row, ...]}      a row is a value, or an object with a value for each input
    {"inputs": value}              or {"inputs": {name: value, ...}}
"""

from __future__ import annotations

from typing import Any

from scoreserve import protocols
from scoreserve.errors import BadInput
from scoreserve.heads import RequestHead
from scoreserve.wire import Buffer
from scoreserve.worker.protocols.inputs import Arguments, Inputs, Named
from scoreserve.worker.protocols.request import ProtocolRequest, content_type
from scoreserve.worker.protocols.v2_request import json_object
from scoreserve.worker.script import json_text

_PREDICTIONS = "predictions"


class V1Request(ProtocolRequest):
    """One request to `:predict`."""

    protocol = protocols.V1

    def arguments(self, head: RequestHead, body: Buffer) -> Arguments:
        return of_members(json_object(body), self.service.inputs)

    def written(self, value: Any) -> tuple[bytes, bytes]:
        return predictions(value, strict_json=self.service.strict_json), content_type()


def of_members(members: Named, inputs: Inputs, params: Named | None = None) -> Arguments:
    """The arguments for `instances` or `inputs`. Raises BadInput."""
    if ("instances" in members) is ("inputs" in members):
        raise BadInput("The body must have one of the members instances and inputs")
    if "instances" in members:
        rows = members["instances"]
        if not isinstance(rows, list):
            raise BadInput("instances must be a list")
        return inputs.of_rows(rows, params)
    value = members["inputs"]
    if isinstance(value, dict):
        return inputs.of_named(value, params)
    return inputs.of_one(value, params)


def predictions(value: Any, *, strict_json: bool) -> bytes:
    """A result as the body that both TensorFlow Serving and MLflow answer with; a script that knows
    of it may return that itself.
    """
    if not (isinstance(value, dict) and _PREDICTIONS in value):
        value = {_PREDICTIONS: {} if value is None else value}
    return json_text.dumps(value, strict=strict_json)
