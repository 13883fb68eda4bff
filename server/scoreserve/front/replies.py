"""Builds replies: the ids, the server's version and the error bodies that every answer shares."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import NamedTuple

from scoreserve.errors import IdTooLong, ReplyError
from scoreserve.front.ids import Headers, Ids, identify
from scoreserve.wire import Outcome

_JSON = (b"content-type", b"application/json")


class Reply(NamedTuple):
    """A complete response: status, headers (names in lower case), body."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Replies:
    """Makes the replies of one server. `version` is what x-ms-server-version says; "": nothing."""

    def __init__(self, version: str) -> None:
        self._server = [(b"x-ms-server-version", version.encode("latin-1"))] if version else []

    def outcome(self, ids: Ids, outcome: Outcome | ReplyError) -> Reply:
        """The reply to a scored request."""
        if isinstance(outcome, ReplyError):
            return self._error(outcome, ids.headers)
        headers = [*_parse(outcome.head), *self._server, *ids.headers]
        if outcome.ran:
            headers.append((b"x-ms-run-fn-exec-ms", b"%.3f" % (outcome.run_seconds * 1000)))
        headers.append((b"content-length", b"%d" % len(outcome.body)))
        return Reply(outcome.status, headers, outcome.body)

    def text(self, headers: Headers, content_type: bytes, body: bytes) -> Reply:
        """A 200 with this body, for a request with these headers."""
        try:
            ids = identify(headers)
        except IdTooLong as error:
            return self._error(error, error.headers)
        own = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
        return Reply(200, own + self._server + ids.headers, body)

    def error(self, headers: Headers, error: ReplyError) -> Reply:
        """The reply to a request that is refused. Ids that are too long come first."""
        try:
            return self._error(error, identify(headers).headers)
        except IdTooLong as too_long:
            return self._error(too_long, too_long.headers)

    def _error(self, error: ReplyError, id_headers: list[tuple[bytes, bytes]]) -> Reply:
        bare = bare_error(error)
        return bare._replace(headers=bare.headers + self._server + id_headers)


def bare_error(error: ReplyError) -> Reply:
    """The reply of an error outside our routes: no ids, no version."""
    body = json.dumps({"message": error.message}).encode()
    headers = [
        _JSON,
        (b"x-ms-run-function-failed", str(error.run_failed).encode()),
        (b"content-length", b"%d" % len(body)),
    ]
    return Reply(error.status, headers, body)


@lru_cache(maxsize=256)  # a script's responses hardly differ in their headers
def _parse(head: bytes) -> tuple[tuple[bytes, bytes], ...]:
    lines = (line.partition(b": ") for line in head.split(b"\r\n")[:-1])
    return tuple((name, value) for name, _, value in lines)
