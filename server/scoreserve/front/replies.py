"""Builds replies: the ids, the server's version and the error bodies that every answer shares."""

from __future__ import annotations

import json
from typing import NamedTuple

from scoreserve.errors import IdTooLong, ReplyError
from scoreserve.front.ids import Headers, Ids, identify
from scoreserve.wire import Outcome

_ERROR_HEAD = b"content-type: application/json\r\nx-ms-run-function-failed: %b\r\n"


class Reply(NamedTuple):
    """A response: `head` is its block of header lines, all but content-length."""

    status: int
    head: bytes
    body: bytes


class Replies:
    """Makes the replies of one server. `version` is what x-ms-server-version says; "": nothing."""

    def __init__(self, version: str) -> None:
        line = f"x-ms-server-version: {version}\r\n" if version else ""
        self._server_head = line.encode("latin-1")

    def outcome(self, ids: Ids, outcome: Outcome | ReplyError) -> Reply:
        """The reply to a scored request."""
        if isinstance(outcome, ReplyError):
            return self._error(outcome, ids.head)
        return Reply(outcome.status, outcome.head + self._server_head + ids.head, outcome.body)

    def text(self, headers: Headers, content_type: bytes, body: bytes) -> Reply:
        """A 200 with this body, for a request with these headers."""
        try:
            ids = identify(headers)
        except IdTooLong as error:
            return self._error(error, error.head)
        head = b"content-type: %b\r\n%b%b" % (content_type, self._server_head, ids.head)
        return Reply(200, head, body)

    def error(self, headers: Headers, error: ReplyError) -> Reply:
        """The reply to a request that is refused. Ids that are too long come first."""
        try:
            return self._error(error, identify(headers).head)
        except IdTooLong as too_long:
            return self._error(too_long, too_long.head)

    def _error(self, error: ReplyError, id_head: bytes) -> Reply:
        head = _ERROR_HEAD % str(error.run_failed).encode() + self._server_head + id_head
        return Reply(error.status, head, body_of(error))


def body_of(error: ReplyError) -> bytes:
    """`{"message": ...}`, the body of every error."""
    return json.dumps({"message": error.message}).encode()
