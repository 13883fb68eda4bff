"""Envelopes made comparable: flat, without what the library tells of itself and the machine."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.telemetry.azure.track_sink import Envelope

Fields = Mapping[str, str]

_DIMENSIONS = "custom_dimensions"
UNPACKED = "unpacked"
_TAGS = ("ai.cloud.", "ai.operation.")
_LIBRARYS = frozenset({"ver", "measurements", "url"})  # empty, or as its version has them
# Values that differ from one time to the next, and how they are written.
FORMS = {
    "data.id": r"[0-9a-f]{16}",
    "data.properties.start_time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z",
    "data.properties.duration": r"\d\d:\d\d:\d\d\.\d{3}",
    "data.properties.telemetry.sdk.version": r"\d+\.\d+\.\d+",
}
_JSON_TEXTS = frozenset({"data.properties.Response Value", "data.properties.Prediction"})


@dataclass(frozen=True)
class Seen:
    """An envelope as it is compared: with the one of the other side of the same `kind` and name."""

    kind: str
    name: str
    fields: Fields

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r}"


def seen(envelope: Envelope) -> Seen:
    """The envelope, made comparable."""
    kind = str(envelope["data"]["baseType"])
    fields = dict(_fields(envelope))
    if kind == "MessageData":
        name = fields["data.message"]
        if name == "model_data_collection":
            name += " " + fields["data.properties.Request Id"]
    elif kind == "MetricData":
        name = json.dumps([each["name"] for each in envelope["data"]["baseData"]["metrics"]])
    else:
        name = fields.get("data.properties.Request Id", "")
    return Seen(kind, name, fields)


def same(field: str, there: str, here: str) -> bool:
    """Whether a value means the same on both sides."""
    if there == here:
        return True
    if field in _JSON_TEXTS:
        try:
            return bool(json.loads(there) == json.loads(here))
        except ValueError:
            return False
    return False


def _fields(envelope: Envelope) -> Iterator[tuple[str, str]]:
    yield "iKey", envelope["iKey"]
    for name, value in envelope["tags"].items():
        if name.startswith(_TAGS):
            yield f"tags.{name}", value
    for name, value in envelope["data"]["baseData"].items():
        if name == "properties":
            yield from _properties(value)
        elif name == "exceptions":
            yield from ((f"exception.{key}", str(text)) for key, text in value[0].items())
        elif name not in _LIBRARYS | {"metrics"}:
            yield f"data.{name}", str(value)


def _properties(properties: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """With what is in `custom_dimensions`, which is the repr of a dict."""
    told: dict[str, Any] = dict(properties)
    if _DIMENSIONS in told:
        told |= ast.literal_eval(told[_DIMENSIONS])
        told[_DIMENSIONS] = UNPACKED
    for name, value in told.items():
        yield f"data.properties.{name}", str(value)
