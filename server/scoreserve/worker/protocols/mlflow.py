"""Requests of MLflow's scoring server, /invocations: tables or tensors in, predictions out.

    {"dataframe_split": {"columns": [...], "data": [row, ...]}}      "index" is not needed
    {"dataframe_records": [{column: value, ...}, ...]}
    {"instances": [...]}, {"inputs": ...}                            as in V1
    text/csv                                                         its first line has the names

"params" may stand beside each. From https://mlflow.org/docs/latest/ml/deployment/
deploy-model-locally, and what MLflow's own server makes of it.
"""

from __future__ import annotations

from typing import Any

from scoreserve import protocols
from scoreserve.errors import BadInput, UnsupportedInput
from scoreserve.heads import RequestHead
from scoreserve.wire import Buffer
from scoreserve.worker.protocols import v1
from scoreserve.worker.protocols.bodies import csv
from scoreserve.worker.protocols.bodies.media_types import media_type
from scoreserve.worker.protocols.inputs import Arguments, Inputs, Named, SchemaInputs, TextInputs
from scoreserve.worker.protocols.request import ProtocolRequest, content_type
from scoreserve.worker.protocols.v2_request import json_object

_KINDS = ("dataframe_split", "dataframe_records", "instances", "inputs")
_JSON, _CSV = b"application/json", b"text/csv"


class MlflowRequest(ProtocolRequest):
    """One request to /invocations."""

    protocol = protocols.MLFLOW

    def arguments(self, head: RequestHead, body: Buffer) -> Arguments:
        kind = media_type(head.header(b"content-type"))
        inputs = self.service.inputs
        if kind == _JSON:
            return of_members(json_object(body), inputs)
        if kind != _CSV:
            raise UnsupportedInput("Content-Type must be application/json or text/csv")
        if isinstance(inputs, TextInputs):
            return {inputs.parameter: csv.text_of(body)}
        texts = inputs.only.text_columns if isinstance(inputs, SchemaInputs) else ()
        return inputs.of_one(csv.frame_of(body, texts))

    def written(self, value: Any) -> tuple[bytes, bytes]:
        return v1.predictions(value, strict_json=self.service.strict_json), content_type()


def of_members(members: Named, inputs: Inputs) -> Arguments:
    """The arguments for a JSON body. Raises BadInput."""
    kinds = [kind for kind in _KINDS if kind in members]
    if len(kinds) != 1:
        raise BadInput(f"The body must have one of the members {', '.join(_KINDS)}")
    params = members.get("params")
    if params is not None and not isinstance(params, dict):
        raise BadInput("params must be an object")
    kind, value = kinds[0], members[kinds[0]]
    if kind == "dataframe_split":
        return inputs.of_one(_records_of(value), params)
    if kind == "dataframe_records":
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            raise BadInput("dataframe_records must be a list of objects")
        return inputs.of_one(value, params)
    return v1.of_members({kind: value}, inputs, params)


def _records_of(split: Any) -> list[Any]:
    """The rows of a table, as objects where the columns have names."""
    rows = split.get("data") if isinstance(split, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise BadInput("dataframe_split must be an object whose data is a list of rows")
    columns = split.get("columns")
    if columns is None:
        return rows
    if not isinstance(columns, list) or any(len(row) != len(columns) for row in rows):
        raise BadInput("dataframe_split: a row must have as many values as there are columns")
    return [dict(zip(map(str, columns), row, strict=True)) for row in rows]
