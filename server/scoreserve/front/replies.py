"""Builds replies: the ids, the server's version, CORS and the error bodies that answers share."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import NamedTuple

from scoreserve.errors import IdTooLong, ReplyError
from scoreserve.front.body_stream import BodyStream
from scoreserve.front.cors import Cors
from scoreserve.front.ids import identify
from scoreserve.wire import Outcome, RequestHead

Header = tuple[bytes, bytes]
HeaderList = list[Header]

HTML, JSON = b"text/html; charset=utf-8", b"application/json"
RUN_NOT_FAILED = (b"x-ms-run-function-failed", b"False")
_TIMING = b"queue;dur=%.3f, run;dur=%.3f, total;dur=%.3f"
_BODILESS = frozenset({204, 304})  # a length would be that of a body they cannot have
_ALLOW_ORIGIN = b"access-control-allow-origin"
_OURS = frozenset({b"x-request-id", b"x-ms-request-id", b"x-ms-client-request-id"})


class Reply(NamedTuple):
    """A response. Header names are in lower case.

    `stream`, where there is one, brings the body; `close` ends the connection with the response,
    because the request was not read to its end. The times are those of a job: from the moment it
    was queued until its outcome was there, and in run(). Both are 0 for whatever was no job, or was
    shed.
    """

    status: int
    headers: HeaderList
    body: bytes = b""
    stream: BodyStream | None = None
    close: bool = False
    total_seconds: float = 0.0
    run_seconds: float = 0.0


class Replies:
    """Makes the replies of one server. `version` is what x-ms-server-version says; "": nothing."""

    def __init__(self, version: str, cors: Cors | None = None) -> None:
        self._server = [(b"x-ms-server-version", version.encode("latin-1"))] if version else []
        self._cors = cors

    def common(self, head: RequestHead) -> tuple[bytes, HeaderList]:
        """The request's id, and what every reply to it carries: ids, version, CORS.

        Raises IdTooLong.
        """
        request_id, headers = identify(head.headers)
        return request_id, self._around(head, headers)

    def outcome(
        self,
        common: HeaderList,
        outcome: Outcome | ReplyError,
        seconds: float,
        stream: BodyStream | None = None,
    ) -> Reply:
        """The reply to a request scored `seconds` after it came: run() and the wait for it."""
        if isinstance(outcome, ReplyError):
            return _error(outcome, common, 0.0 if outcome.shed else seconds)
        own, has_ours = _parse(outcome.head)
        headers = _override(own, common) if has_ours else [*own, *common]
        if outcome.ran:
            run_ms, total_ms = outcome.run_seconds * 1000, seconds * 1000
            headers.append((b"x-ms-run-fn-exec-ms", b"%.3f" % run_ms))
            queue_ms = max(0.0, total_ms - run_ms)
            headers.append((b"server-timing", _TIMING % (queue_ms, run_ms, total_ms)))
        if stream is None and not outcome.sized and outcome.status not in _BODILESS:
            headers.append((b"content-length", b"%d" % len(outcome.body)))
        return Reply(
            outcome.status, headers, outcome.body, stream, False, seconds, outcome.run_seconds
        )

    def ok(
        self,
        head: RequestHead,
        content_type: bytes,
        body: bytes,
        *extra: Header,
        status: int = 200,
    ) -> Reply:
        """A reply with this body, and with `extra` headers."""
        try:
            _, common = self.common(head)
        except IdTooLong as error:
            return self.error(head, error)
        own = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
        return Reply(status, [*own, *common, *extra], body)

    def instead(self, head: RequestHead, error: ReplyError | None) -> Reply | None:
        """The reply that comes before what is to be read: to `error`, or to OPTIONS. Else None."""
        if error is not None:
            return self.error(head, error)
        if head.method == b"OPTIONS":
            return self.ok(head, HTML, b"", (b"allow", b"OPTIONS, HEAD, GET"))
        return None

    def error(self, head: RequestHead, error: ReplyError) -> Reply:
        """The reply to a request that is refused. Ids that are too long come first."""
        try:
            return _error(error, self.common(head)[1])
        except IdTooLong as too_long:
            return _error(too_long, self._around(head, too_long.headers))

    def _around(self, head: RequestHead, ids: HeaderList) -> HeaderList:
        if self._cors is None:
            return self._server + ids
        return self._server + ids + self._cors.headers(head.method, dict(head.headers))


def bare_error(error: ReplyError) -> Reply:
    """The reply of an error outside our routes: no ids, no version."""
    return _error(error, [])


def _error(error: ReplyError, headers: HeaderList, seconds: float = 0.0) -> Reply:
    body = json.dumps({"message": error.message}).encode()
    own = [
        (b"content-type", JSON),
        (b"x-ms-run-function-failed", str(error.run_failed).encode()),
        (b"content-length", b"%d" % len(body)),
    ]
    return Reply(error.status, [*own, *headers, *error.extra], body, total_seconds=seconds)


@lru_cache(maxsize=256)  # a script's responses hardly differ in their headers
def _parse(head: bytes) -> tuple[HeaderList, bool]:
    """The headers of an outcome, and whether any of them is one that the front sets too."""
    lines = (line.partition(b": ") for line in head.split(b"\r\n")[:-1])
    headers = [(name, value) for name, _, value in lines]
    ours = _OURS | {_ALLOW_ORIGIN}
    return headers, not ours.isdisjoint(name for name, _ in headers)


def _override(own: HeaderList, common: HeaderList) -> HeaderList:
    """The script's headers and ours, where both have some: ids are ours, CORS is the script's."""
    replaced = _OURS & {name for name, _ in common}
    kept = [header for header in own if header[0] not in replaced]
    if any(name == _ALLOW_ORIGIN for name, _ in own):
        common = [
            header
            for header in common
            if not header[0].startswith(b"access-control-") and header[0] != b"vary"
        ]
    return kept + common
