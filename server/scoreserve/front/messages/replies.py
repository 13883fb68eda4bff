"""Builds replies: the ids, the server's version, CORS and the error bodies that answers share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final

from librt.strings import BytesWriter

from scoreserve.errors import IdTooLong, ReplyError
from scoreserve.front.messages.body_stream import BodyStream
from scoreserve.front.messages.cors import Cors
from scoreserve.front.messages.number_text import write_milliseconds, write_number
from scoreserve.front.messages.request_heads import CachedHead
from scoreserve.front.messages.request_ids import identify, new_id
from scoreserve.heads import RequestHead
from scoreserve.telemetry.records import NO_BATCH, NO_JOB
from scoreserve.wire import Buffer, Outcome

Header = tuple[bytes, bytes]
HeaderList = list[Header]

HTML, JSON = b"text/html; charset=utf-8", b"application/json"
RUN_NOT_FAILED = (b"x-ms-run-function-failed", b"False")
# What stands before each time in the header lines that tell of them, and after the last.
_EXEC_MS: Final = b"x-ms-run-fn-exec-ms: "
_QUEUE: Final = b"\r\nserver-timing: queue;dur="
_RUN: Final = b", run;dur="
_TOTAL: Final = b", total;dur="
_LENGTH: Final = b"content-length: "
_END: Final = b"\r\n"
BODILESS: Final = frozenset({204, 304})  # statuses of responses that have no body
_ALLOW_ORIGIN = b"access-control-allow-origin"
_OURS = frozenset({b"x-request-id", b"x-ms-request-id", b"x-ms-client-request-id"})
_OURS_OR_CORS = _OURS | {_ALLOW_ORIGIN}


# Of a request whose trace is recorded: traceparent, id, job, and when it was answered, in seconds
# since the epoch.
Traced = tuple[bytes, bytes, int, float]


class Reply:
    """A response. `head` are its header lines, as an outcome has them (see `wire`).

    `length` is the body's, in bytes: 0 while a `stream` brings it. A large body may be in `parts`,
    and `body` empty. `close` ends the connection with
    the response; `unread` says that the request was not read to its end, so that its client gets a
    moment to read the response. The times are those of a job: from the moment it
    was queued until its outcome was there, and in run(). Both are 0 for whatever was no job, or was
    shed.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - a field each
        self,
        status: int,
        head: bytes,
        body: bytes = b"",
        stream: BodyStream | None = None,
        close: bool = False,
        total_seconds: float = 0.0,
        run_seconds: float = 0.0,
        unread: bool = False,
        length: int = -1,
    ) -> None:
        self.status = status
        self.head = head
        self.body = body
        self.stream = stream
        self.close = close
        self.total_seconds = total_seconds
        self.run_seconds = run_seconds
        self.unread = unread
        self.length = len(body) if length < 0 else length
        self.parts: Sequence[Buffer] = ()
        self.job_id = NO_JOB  # that it answers, if it is one's
        self.batch = NO_BATCH  # that the job's run() was shared by
        self.traced: Traced | None = None

    def refusing(self) -> Reply:
        """Itself, as the answer to a request that is not read to its end."""
        self.close = self.unread = True
        return self

    @property
    def headers(self) -> HeaderList:
        """The headers one by one, names in lower case."""
        lines = (line.partition(b": ") for line in self.head.split(b"\r\n")[:-1])
        return [(name, value) for name, _, value in lines]


class ErrorReply(Reply):
    """The reply that `error` makes. `common` are the header lines that it shares with others."""

    def __init__(self, error: ReplyError, common: bytes, seconds: float = 0.0) -> None:
        body = json.dumps({"message": error.message}).encode()
        head = _error_head(error, common, len(body))
        super().__init__(error.status, head, body, total_seconds=seconds)
        self.error = error
        self._common = common

    def worded(self, status: int, body: bytes) -> Reply:
        """The same in the words of another protocol than that of /score."""
        head = _error_head(self.error, self._common, len(body))
        reply = Reply(status, head, body, total_seconds=self.total_seconds)
        reply.close, reply.unread = self.close, self.unread
        return reply


def lines_of(headers: Iterable[Header]) -> bytes:
    """Headers as header lines."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


class Replies:
    """Makes the replies of one server. `version` is what x-ms-server-version says; "": nothing."""

    def __init__(self, version: str, cors: Cors | None = None) -> None:
        self._server = [(b"x-ms-server-version", version.encode("latin-1"))] if version else []
        self._cors = cors
        self._before_id = lines_of(self._server) + b"x-request-id: "
        self._head = BytesWriter()  # that is being written
        self._plain = b""  # lines of an outcome, none of which is ours

    def common(self, head: RequestHead) -> tuple[bytes, bytes]:
        """The request's id, and the header lines of every reply to it: ids, version, CORS.

        Raises IdTooLong.
        """
        if type(head) is CachedHead and not head.brings_ids and self._cors is None:
            request_id = new_id()
            return request_id, b"%b%b\r\nx-ms-request-id: %b\r\n" % (
                self._before_id,
                request_id,
                request_id,
            )
        request_id, headers = identify(head.headers)
        return request_id, self._around(head, headers)

    def outcome(
        self,
        common: bytes,
        outcome: Outcome | ReplyError,
        seconds: float,
        stream: BodyStream | None = None,
    ) -> Reply:
        """The reply to a request scored `seconds` after it came: run() and the wait for it."""
        if not isinstance(outcome, Outcome):
            return ErrorReply(outcome, common, 0.0 if outcome.shed else seconds)
        own, body = outcome.head, outcome.body
        if own != self._plain:  # a script's responses hardly differ in their headers
            if _has_ours(own):
                own, common = _override(own, common), b""
            else:
                self._plain = own
        sized = stream is None and not outcome.sized and outcome.status not in BODILESS
        head = self._write(own, common, outcome, seconds, sized=sized)
        run_seconds = outcome.run_seconds
        reply = Reply(outcome.status, head, body, stream, outcome.closes, seconds, run_seconds)
        if outcome.parts:
            reply.parts, reply.length = outcome.parts, outcome.length
        return reply

    def _write(
        self, own: bytes, common: bytes, outcome: Outcome, seconds: float, *, sized: bool
    ) -> bytes:
        """The script's header lines and ours, the times, and the length of a `sized` body."""
        out = self._head
        out.truncate(0)
        out.write(own)
        out.write(common)
        if outcome.ran:
            run = outcome.run_seconds
            out.write(_EXEC_MS)
            write_milliseconds(out, run)
            out.write(_QUEUE)
            write_milliseconds(out, seconds - run if seconds > run else 0.0)
            out.write(_RUN)
            write_milliseconds(out, run)
            out.write(_TOTAL)
            write_milliseconds(out, seconds)
            out.write(_END)
        if sized:
            out.write(_LENGTH)
            write_number(out, outcome.length)
            out.write(_END)
        return out.getvalue()

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
        own = lines_of([(b"content-type", content_type), (b"content-length", b"%d" % len(body))])
        return Reply(status, own + common + lines_of(extra), body)

    def error(self, head: RequestHead, error: ReplyError) -> Reply:
        """The reply to a request that is refused. Ids that are too long come first."""
        try:
            return ErrorReply(error, self.common(head)[1])
        except IdTooLong as too_long:
            return ErrorReply(too_long, self._around(head, too_long.headers))

    def _around(self, head: RequestHead, ids: HeaderList) -> bytes:
        if self._cors is None:
            return lines_of(self._server + ids)
        return lines_of(self._server + ids + self._cors.headers(head.method, dict(head.headers)))


def bare_error(error: ReplyError) -> Reply:
    """The reply of an error outside our routes: no ids, no version."""
    return ErrorReply(error, b"")


def _error_head(error: ReplyError, common: bytes, length: int) -> bytes:
    own = [
        (b"content-type", JSON),
        (b"x-ms-run-function-failed", str(error.run_failed).encode()),
        (b"content-length", b"%d" % length),
    ]
    return lines_of(own) + common + lines_of(error.extra)


def _has_ours(head: bytes) -> bool:
    """Whether any header of an outcome is one that the front sets too."""
    return not _OURS_OR_CORS.isdisjoint(name for name, _ in Reply(0, head).headers)


def _override(own: bytes, common: bytes) -> bytes:
    """The script's headers and ours, where both have some: ids are ours, CORS is the script's."""
    theirs, ours = Reply(0, own).headers, Reply(0, common).headers
    replaced = _OURS & {name for name, _ in ours}
    kept = [header for header in theirs if header[0] not in replaced]
    if any(name == _ALLOW_ORIGIN for name, _ in theirs):
        ours = [
            header
            for header in ours
            if not header[0].startswith(b"access-control-") and header[0] != b"vary"
        ]
    return lines_of(kept + ours)
