"""Reduces a reply to named texts, masking what differs by chance.

Left out is what a client cannot use. README.md lists the rules.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .messages import Outcome, Reply, Request
from .processes import hide

Fields = dict[str, str]

# Headers of the connection, or of the server software itself.
NOT_COMPARED = {"date", "server", "connection", "keep-alive", "transfer-encoding"}
ID_HEADERS = {"x-request-id", "x-ms-request-id", "x-ms-client-request-id"}

SEPARATOR = " | "  # between the values of a header that comes more than once

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
MILLISECONDS = re.compile(r"\d+\.\d{3}")


@dataclass(frozen=True)
class Seen:
    """One side's reply, with what is needed to mask it."""

    reply: Reply
    placeholders: Mapping[str, str]


def says_json(reply: Reply) -> bool:
    """Whether the content type is JSON's."""
    content_type = (reply.header("content-type") or "").partition(";")[0]
    return content_type.strip().lower() == "application/json"


def is_json(reply: Reply) -> bool:
    """Whether the reply says it is JSON, and is (NaN and Infinity included)."""
    if not says_json(reply):
        return False
    try:
        json.loads(reply.body)
    except ValueError:
        return False
    return True


def canonical_json(text: bytes | str) -> str:
    """JSON text with the whitespace and escapes of one writer; keeps order and repeated keys."""
    return json.dumps(json.loads(text, object_pairs_hook=_keep_repeated_keys))


def _keep_repeated_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result: dict[str, object] = {}
    for key, value in pairs:
        name = key
        while name in result:
            name += " (again)"
        result[name] = value
    return result


def fields(seen: Seen, request: Request, *, as_json: bool) -> Fields:
    """A reply as named texts: `status`, `interim`, `header <name>` and `body`."""
    reply = seen.reply
    status = str(reply.status) if reply.status is not None else "no reply"
    if reply.outcome is not Outcome.REPLY:
        status += f" ({reply.outcome.value})"
    result = {"status": status, "interim": str(list(reply.interim))}
    values: dict[str, list[str]] = {}
    for name, value in reply.headers:
        values.setdefault(name.lower(), []).append(hide(value, seen.placeholders))
    left_out = set(NOT_COMPARED)
    if as_json or (request.method == "HEAD" and says_json(reply)):
        left_out.add("content-length")  # it tells the spacing of the JSON
    if b" HTTP/1.0\r\n" in request.head:
        left_out.add("content-length")  # the end of the connection tells it too
    ids = _Ids(value for _, value in request.headers)
    for name in sorted(values.keys() - left_out):
        found = [_mask(name, value, ids) for value in values[name]]
        if name == "content-length":  # said twice, it says no more than once
            found = list(dict.fromkeys(found))
        result[f"header {name}"] = SEPARATOR.join(found)
    body = hide_bytes(reply.body, seen.placeholders)
    result["body"] = canonical_json(body) if as_json else readable(body)
    return result


class _Ids:
    """Numbers the ids a server made up, so that equal ones stay equal and others differ."""

    def __init__(self, sent: Iterable[str]) -> None:
        self._sent = set(sent)
        self._numbers: dict[str, int] = {}

    def mask(self, value: str) -> str:
        if value in self._sent or not UUID.fullmatch(value):
            return value
        return f"<uuid {self._numbers.setdefault(value, len(self._numbers) + 1)}>"


def _mask(name: str, value: str, ids: _Ids) -> str:
    if name in ID_HEADERS:
        return ids.mask(value)
    if name == "x-ms-run-fn-exec-ms" and MILLISECONDS.fullmatch(value):
        return "<ms>"
    if name == "allow":  # a set, in no order
        return ", ".join(sorted(method.strip() for method in value.split(",")))
    return value


def hide_bytes(body: bytes, placeholders: Mapping[str, str]) -> bytes:
    for value, name in placeholders.items():
        whole = rb"(?<!\w)%b(?!\w)" % re.escape(value.encode())
        body = re.sub(whole, name.encode(), body)
    return body


def readable(body: bytes) -> str:
    """Bytes as text where they are text, else as their Python literal."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return repr(body)
