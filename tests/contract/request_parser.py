"""Reads a request of a case file, and makes the bytes that go on the wire.

Nothing is added to a request but `Host`, the header of its framing (`Content-Length` or
`Transfer-Encoding`) and, for `json` and `multipart` bodies, a `Content-Type` where none is given.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

from .messages import Headers, OursInstead, Outcome, Request
from .strict import mapping, only

HOST = "scoring.test"  # the same for both servers, so that nothing depends on the port
BOUNDARY = "boundary-7MA4YWxkTrZu0gW"

REQUEST_KEYS = {
    *("about", "method", "path", "headers", "http", "raw"),
    *("body", "json", "hex", "base64", "repeat", "multipart", "chunks"),
    *("status", "contains", "difference", "ours"),
    *("port", "expect_continue", "read_limit", "deadline_seconds", "background", "after_log"),
}
BODY_KEYS = {"body", "json", "hex", "base64", "repeat", "multipart", "chunks"}
OURS_KEYS = {"status", "interim", "headers", "json", "body"}

REPLY_SECONDS = 30.0  # generous: the machines that run this are small and busy


def parse_request(entry: Mapping[str, Any], where: str) -> Request:
    """One request of a case file."""
    only(entry, REQUEST_KEYS, where)
    if "raw" in entry:
        only(entry, REQUEST_KEYS - BODY_KEYS - {"method", "path", "headers", "http"}, where)
        text = _text(entry["raw"], where)
        head, body = text.encode("latin-1"), b""
        method, headers = text.partition(" ")[0], _raw_headers(text)
    else:
        method = entry.get("method", "POST")
        content, extra = _body(entry, where)
        given = _given_headers(entry.get("headers", ()), where)
        headers = _complete_headers(given, extra, content, entry)
        body = _chunked(entry["chunks"]) if "chunks" in entry else content or b""
        head = _head(method, entry.get("path", "/score"), entry.get("http", "1.1"), headers)
    if ("difference" in entry) < ("ours" in entry):
        raise ValueError(f"{where}: `ours` needs a `difference`")
    return Request(
        head=head,
        body=body,
        method=method,
        headers=headers,
        label=entry.get("about") or _label(head, body),
        status=_status(entry, where),
        contains=_texts(entry.get("contains", []), where),
        difference=entry.get("difference"),
        ours=parse_ours(mapping(entry["ours"], where), where) if "ours" in entry else None,
        to_health_port=_choice(entry.get("port", "main"), {"main": False, "health": True}, where),
        expect_continue=entry.get("expect_continue", False),
        read_limit=entry.get("read_limit"),
        deadline_seconds=entry.get("deadline_seconds", REPLY_SECONDS),
        background=entry.get("background", False),
        after_log=entry.get("after_log"),
    )


def parse_ours(entry: Mapping[str, Any], where: str) -> OursInstead:
    """The part of a reply that is different on purpose."""
    only(entry, OURS_KEYS, where)
    return OursInstead(
        status=entry.get("status"),
        interim=entry.get("interim"),
        headers=entry.get("headers"),
        json=entry.get("json", ...),
        body=entry.get("body"),
    )


def _given_headers(pairs: Iterable[tuple[object, object]], where: str) -> Headers:
    headers: list[tuple[str, str]] = []
    for name, value in pairs:
        if not (isinstance(name, str) and isinstance(value, str)):
            raise ValueError(f"{where}: quote this header: {name!r}: {value!r}")
        headers.append((name, value))
    return tuple(headers)


def _status(entry: Mapping[str, Any], where: str) -> int | Outcome:
    status = entry.get("status")
    if isinstance(status, int):
        return status
    if status in (Outcome.CLOSED.value, Outcome.TIMEOUT.value):
        return Outcome(status)
    raise ValueError(f"{where}: `status` must say what the reference answers, not {status!r}")


def _choice(value: str, choices: Mapping[str, bool], where: str) -> bool:
    if value not in choices:
        raise ValueError(f"{where}: {value!r} is none of {sorted(choices)}")
    return choices[value]


def _texts(value: object, where: str) -> tuple[str, ...]:
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{where}: quote the texts of {value!r}")
    return tuple(texts)


def _body(entry: Mapping[str, Any], where: str) -> tuple[bytes | None, Headers]:
    """The body before framing, and the header its kind brings along."""
    kinds = BODY_KEYS & set(entry)
    if len(kinds) > 1:
        raise ValueError(f"{where}: more than one body: {sorted(kinds)}")
    if not kinds:
        return None, ()
    kind = kinds.pop()
    value = entry[kind]
    if kind == "json":
        return json.dumps(value).encode(), (("Content-Type", "application/json"),)
    if kind == "multipart":
        content_type = f"multipart/form-data; boundary={BOUNDARY}"
        return _multipart(value, where), (("Content-Type", content_type),)
    if kind == "repeat":
        return _text(value, where).encode(), ()
    if kind == "chunks":
        return "".join(value).encode(), ()
    if not isinstance(value, str):
        raise ValueError(f"{where}: quote this body: {value!r}")
    decode = {"body": str.encode, "hex": bytes.fromhex, "base64": base64.b64decode}[kind]
    return decode(value), ()


def _text(value: str | Mapping[str, Any], where: str) -> str:
    """Text as it is, or a long one as `before`, `text` so many `times`, and `after`."""
    if isinstance(value, str):
        return value
    only(value, {"before", "text", "times", "after"}, where)
    middle: str = value["text"] * value["times"]
    return f"{value.get('before', '')}{middle}{value.get('after', '')}"


def _multipart(parts: list[Mapping[str, str]], where: str) -> bytes:
    lines: list[bytes] = []
    for part in parts:
        only(part, {"name", "filename", "content_type", "text", "hex"}, where)
        filename = f'; filename="{part["filename"]}"' if "filename" in part else ""
        lines.append(f"--{BOUNDARY}".encode())
        lines.append(f'Content-Disposition: form-data; name="{part["name"]}"{filename}'.encode())
        if "content_type" in part:
            lines.append(f"Content-Type: {part['content_type']}".encode())
        content = part["text"].encode() if "text" in part else bytes.fromhex(part["hex"])
        lines += [b"", content]
    return b"\r\n".join([*lines, f"--{BOUNDARY}--".encode(), b""])


def _complete_headers(
    given: Headers, extra: Headers, content: bytes | None, entry: Mapping[str, Any]
) -> Headers:
    names = {name.lower() for name, _ in given}
    first = () if "host" in names else (("Host", HOST),)
    framing: Headers = ()
    if "chunks" in entry:
        framing = (("Transfer-Encoding", "chunked"),)
    elif content is not None and "content-length" not in names:
        framing = (("Content-Length", str(len(content))),)
    return (*first, *given, *(pair for pair in extra if pair[0].lower() not in names), *framing)


def _head(method: str, path: str, version: str, headers: Headers) -> bytes:
    lines = [f"{method} {path} HTTP/{version}", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _chunked(chunks: list[str]) -> bytes:
    encoded = [chunk.encode() for chunk in chunks]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*encoded, b""))


def _raw_headers(text: str) -> Headers:
    """As much of a raw request's headers as can be read; for the ids it sends."""
    lines = text.partition("\r\n\r\n")[0].splitlines()[1:]
    pairs = (line.partition(":") for line in lines)
    return tuple((name.strip(), value.strip()) for name, colon, value in pairs if colon)


def _label(head: bytes, body: bytes) -> str:
    line = head.partition(b"\r\n")[0].decode("latin-1")
    shown = body[:60].decode("utf-8", "backslashreplace")
    return f"{line[:120]} {shown!r}" if body else line[:120]
