"""What a Collector posts, as an event in Azure's form: a CloudEvent, one line of JSON. Pure.

    ce-type: azureml.inference.model_inputs         type, and the collection's name
    ce-time: 1701421890                             time, 2023-12-01T09:11:30Z
    ce-x-request-id: …                              xrequestid and correlationid, the same for the
                                                    inputs and outputs of one request
    ce-model-version, ce-collect-data-type, …       modelversion, collectdatatype: without hyphens
    trace-id: …                                     id
    the body, a DataFrame's records                 data

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from __future__ import annotations

import json
import re
import uuid
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime, timezone
from http import HTTPStatus
from typing import Any, NamedTuple, NoReturn

_PREFIX = "ce-"
_TYPE = "azureml.inference."
_COLLECTION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")  # it is the name of a folder
_JSON, _TEXT, _BYTES = "application/json", "text/plain", "application/octet-stream"


class PostError(Exception):
    """A post cannot be kept. `status` is what it is answered, with the message."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class Event(NamedTuple):
    """One event: the collection that it belongs to, and its line, the end of line included."""

    collection: str
    line: bytes


def event_of(headers: Mapping[str, str], body: bytes, source: str, now: float) -> Event:
    """The event of a post. `headers` have lower-case names; `source` says what server it is; `now`
    is in seconds since the epoch. Raises PostError.
    """
    attributes = {
        name.removeprefix(_PREFIX).replace("-", ""): value
        for name, value in headers.items()
        if name.startswith(_PREFIX)
    }
    kind = attributes.get("type", "")
    collection = kind.removeprefix(_TYPE)
    if not kind.startswith(_TYPE) or not _COLLECTION.fullmatch(collection):
        _refuse(
            f"The header ce-type is {kind!r}. It must be {_TYPE} and the name of the collection:"
            " 100 letters, digits, _, - and . at most."
        )
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": headers.get("trace-id") or str(uuid.uuid4()),
        "source": source,
        "type": kind,
        **_data(headers.get("content-type", ""), body),
        "time": _time(attributes.get("time"), now),
        "contentrange": f"bytes 0-{max(0, len(body) - 1)}/{len(body)}",
    }
    if "xrequestid" in attributes:
        event["correlationid"] = attributes["xrequestid"]
    others = {name: value for name, value in attributes.items() if name not in event}
    line = json.dumps(event | others, separators=(",", ":"))
    return Event(collection, line.encode() + b"\n")


def _data(content_type: str, body: bytes) -> dict[str, Any]:
    """JSON is kept as such; text as a string; what is neither in base64."""
    if content_type.partition(";")[0].strip().lower() == _JSON:
        try:
            return {"datacontenttype": _JSON, "data": json.loads(body, parse_constant=_no_number)}
        except (ValueError, RecursionError) as error:
            _refuse(f"The body is no JSON: {error}.")
    try:
        return {"datacontenttype": _TEXT, "data": body.decode()}
    except UnicodeDecodeError:
        return {"datacontenttype": _BYTES, "data_base64": b64encode(body).decode()}


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


def _time(seconds: str | None, now: float) -> str:
    """RFC 3339, in UTC, to the second as Azure has it."""
    try:
        moment = datetime.fromtimestamp(now if seconds is None else float(seconds), timezone.utc)
    except (ValueError, OverflowError, OSError):
        _refuse(f"The header ce-time is {seconds!r}. It must be a time in seconds since 1970.")
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _refuse(message: str) -> NoReturn:
    raise PostError(HTTPStatus.BAD_REQUEST, message)
