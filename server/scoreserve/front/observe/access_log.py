"""The log line of a request, or the two that the reference writes. Probes have none.

one  azmlinfsrv - POST /score 200 0.123ms 17 127.0.0.1 4c1e2f66-...            the last is its id
two  azmlinfsrv - POST /score 200 0.123ms 17                         for /score and /swagger.json
     gunicorn.access - 127.0.0.1 - - [time] "POST /score HTTP/1.1" 200 17 "-" "curl/7.88.1"

Passing each through `logging` would cost about as much as scoring a fast request, so lines are
formatted here and written in batches. A logging.json of the user's changes that: then each goes
through `logging`.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from typing import Final, TextIO

from librt.strings import BytesWriter
from librt.time import time as wall_clock  # which, compiled, is no call of an object

from scoreserve.front.messages.log_text import log_text
from scoreserve.front.messages.number_text import write_milliseconds, write_number
from scoreserve.front.messages.replies import Reply
from scoreserve.front.messages.request_heads import CachedHead
from scoreserve.front.observe.request_log import RequestLog
from scoreserve.heads import RequestHead
from scoreserve.logs import FORMAT, color_format

_FLUSH_SECONDS: Final = 0.05
_FLUSH_REQUESTS: Final = 256

_SPACE: Final = 0x20
_DASH: Final = 0x2D
_NEWLINE: Final = 0x0A

_BEFORE_ID: Final = b"\r\nx-request-id: "  # in the head of a reply
_END: Final = b"\r\n"

Texts = tuple[bytes, bytes, bytes]  # see texts_of

_PROBES = frozenset({b"/", b"/health/live", b"/health/ready", b"/metrics", b"/status/details.json"})

_api_log = logging.getLogger("azmlinfsrv")
_access_log = logging.getLogger("gunicorn.access")


class AccessLog(RequestLog):
    """Writes request lines. `defer` runs a function after so many seconds (a loop's call_later).

    A request has as many `lines`, see above; 0: none. `direct`: the loggers are as
    `scoreserve.logs` set them up, so lines may go to `stream` without passing through them, with
    `color` or without.
    """

    def __init__(
        self,
        defer: Callable[[float, Callable[[], None]], object],
        *,
        lines: int = 2,
        direct: bool = True,
        color: bool = False,
        stream: TextIO | None = None,
    ) -> None:
        self._defer = defer
        self._two = lines > 1
        self._format = color_format(logging.INFO) if color else FORMAT
        self._direct = direct
        self._stream = stream or sys.stdout
        self._lines = BytesWriter()  # of requests that have gathered, in UTF-8
        self._gathered = 0
        self._second = self._millisecond = 0  # since the epoch: those of the texts below
        self._log_time = ""
        self._api_prefix = self._access_prefix = self._at = b""
        self._pid = os.getpid()
        self._api = _api_log.isEnabledFor(logging.INFO)
        # Whether any line is written: that which there is in each form.
        last = _access_log if lines > 1 else _api_log
        self._access = lines > 0 and last.isEnabledFor(logging.INFO)

    def record(  # noqa: PLR0913 - all that is told of a request
        self,
        head: RequestHead,
        reply: Reply,
        seconds: float,
        *,
        api: bool,
        host: bytes = b"",
        request_id: bytes = b"",
    ) -> None:
        """Logs one reply that took `seconds` to make; `api`: with the line of its own. `host` is
        the client's, see `host_of`, where the head does not know it. `request_id` need not be
        given: it stands in the reply too.
        """
        if not self._access:
            return
        if type(head) is CachedHead:  # of a score request: never a probe
            if head.log_texts is None:
                head.log_texts = texts_of(head)
            texts = head.log_texts
        elif is_probe(head):
            return
        else:
            texts = texts_of(head)
        millisecond = int(wall_clock() * 1000)
        if millisecond != self._millisecond:
            self._start_millisecond(millisecond)
        client = host or host_of(head.client)
        if self._two:
            self._write_two(texts, reply, seconds, client, api=api)
        else:
            self._write_one(texts[0], reply, seconds, client, _told_id(head, reply, request_id))
        if self._direct:
            self._count()
        else:
            self._pass_on(api=api)

    def flush(self) -> None:
        """Writes what has gathered."""
        if self._gathered:
            self._gathered = 0
            self._stream.write(self._take())
            self._stream.flush()

    def _write_two(
        self, texts: Texts, reply: Reply, seconds: float, client: bytes, *, api: bool
    ) -> None:
        if api and (self._api or not self._direct):
            self._write_api(texts[0], reply, seconds)
            self._lines.append(_NEWLINE)
        self._write_access(texts, reply, client)

    def _write_one(
        self, asked: bytes, reply: Reply, seconds: float, client: bytes, request_id: bytes
    ) -> None:
        self._write_api(asked, reply, seconds)
        out = self._lines
        out.append(_SPACE)
        out.write(client)
        out.append(_SPACE)
        out.write(request_id)
        out.append(_NEWLINE)

    def _write_api(self, asked: bytes, reply: Reply, seconds: float) -> None:
        out = self._lines
        out.write(self._api_prefix)
        out.write(asked)
        out.append(_SPACE)
        write_number(out, reply.status)
        out.append(_SPACE)
        write_milliseconds(out, seconds)
        out.write(b"ms ")
        if reply.stream is None:
            write_number(out, reply.length)
        else:
            out.write(b"N/A")

    def _write_access(self, texts: Texts, reply: Reply, host: bytes) -> None:
        out = self._lines
        out.write(self._access_prefix)
        out.write(host)
        out.write(self._at)
        out.write(texts[1])
        out.append(_SPACE)
        write_number(out, reply.status)
        out.append(_SPACE)
        if reply.length:
            write_number(out, reply.length)
        else:
            out.append(_DASH)
        out.append(_SPACE)
        out.write(texts[2])
        out.append(_NEWLINE)

    def _count(self) -> None:
        """One more request has its lines among those that have gathered."""
        if not self._gathered:
            self._defer(_FLUSH_SECONDS, self.flush)
        self._gathered += 1
        if self._gathered >= _FLUSH_REQUESTS:
            self.flush()

    def _pass_on(self, *, api: bool) -> None:
        """Gives the lines of one request to their loggers."""
        lines = self._take().split("\n")
        if api or not self._two:
            _api_log.info(lines[0])
        if self._two:
            _access_log.info(lines[-2])

    def _take(self) -> str:
        lines, self._lines = self._lines, BytesWriter()
        return lines.getvalue().decode()

    def _start_millisecond(self, millisecond: int) -> None:
        """Makes what the lines of one millisecond have alike."""
        second, after = divmod(millisecond, 1000)
        if second != self._second:
            self._second = second
            utc = time.gmtime(second)
            self._log_time = time.strftime("%Y-%m-%d %H:%M:%S", utc)
            self._at = time.strftime(" - - [%d/%b/%Y:%H:%M:%S +0000] ", utc).encode()
        self._millisecond = millisecond
        if self._direct:
            self._api_prefix = self._prefix(after, "azmlinfsrv")
            self._access_prefix = self._prefix(after, "gunicorn.access")

    def _prefix(self, millisecond: int, logger: str) -> bytes:
        """What a line of this logger begins with."""
        values = {
            "asctime": f"{self._log_time},{millisecond:03d}",
            "levelname": "INFO",
            "process": self._pid,
            "name": logger,
            "message": "",
        }
        return (self._format % values).encode()


def is_probe(head: RequestHead) -> bool:
    """Whether it is asked every few seconds, by whoever watches the server."""
    return head.method == b"GET" and head.path in _PROBES


def texts_of(head: RequestHead) -> Texts:
    """Method and target, these with the version, and who refers and asks, as the log has them."""
    target = head.path + b"?" + head.query if head.query else head.path
    asked = head.method + b" " + target
    return (
        _utf8(asked),
        _utf8(b'"%b HTTP/%b"' % (asked, head.http_version)),
        b'"%b" "%b"' % (_header(head, b"referer"), _header(head, b"user-agent")),
    )


def host_of(client: bytes) -> bytes:
    """The address of a client, `host:port` or nothing, as the log has it."""
    return _utf8(client.rpartition(b":")[0]) or b"-"


def _told_id(head: RequestHead, reply: Reply, request_id: bytes) -> bytes:
    """The request's id as the log has it. One that is our own needs no look."""
    if request_id and type(head) is CachedHead and not head.brings_ids:
        return request_id
    return _utf8(request_id or request_id_of(reply.head)) or b"-"


def request_id_of(head: bytes) -> bytes:
    """The id that the header lines of a reply tell its client, if they do."""
    before = head.find(_BEFORE_ID)
    if before < 0:
        return b""
    start = before + len(_BEFORE_ID)
    return head[start : head.find(_END, start)]


def _header(head: RequestHead, name: bytes) -> bytes:
    value = head.header(name)
    return b"-" if value is None else _utf8(value.replace(b'"', b""))


def _utf8(sent: bytes) -> bytes:
    if sent.isascii() and b"\x7f" not in sent:
        return sent
    return log_text(sent).encode()
