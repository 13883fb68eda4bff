"""The two log lines of a request, as the reference writes them.

    azmlinfsrv - POST /score 200 0.123ms 17                          for /score and /swagger.json
    gunicorn.access - 127.0.0.1 - - [time] "POST /score HTTP/1.1" 200 17 "-" "curl/7.88.1"

The second is written for everything but probes. Passing each through `logging` would cost about as
much as scoring a fast request, so lines are formatted here and written in batches. A logging.json
of the user's changes that: then each goes through `logging`.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from typing import TextIO

from scoreserve.front.known_heads import KnownHead
from scoreserve.front.replies import Reply
from scoreserve.wire import RequestHead

_FLUSH_SECONDS = 0.05
_FLUSH_REQUESTS = 256

_PROBES = frozenset({b"/", b"/health/live", b"/health/ready", b"/metrics"})

_api_log = logging.getLogger("azmlinfsrv")
_access_log = logging.getLogger("gunicorn.access")


class AccessLog:
    """Writes request lines. `defer` runs a function after so many seconds (a loop's call_later).

    `direct`: the loggers are as `scoreserve.logs` set them up, so lines may go to `stream` without
    passing through them.
    """

    def __init__(
        self,
        defer: Callable[[float, Callable[[], None]], object],
        *,
        direct: bool = True,
        stream: TextIO | None = None,
    ) -> None:
        self._defer = defer
        self._direct = direct
        self._stream = stream or sys.stdout
        self._lines: list[str] = []
        self._second = self._millisecond = 0  # since the epoch: those of the texts below
        self._log_time = self._api_prefix = self._access_prefix = self._access_time = ""
        self._pid = os.getpid()
        self._api = _api_log.isEnabledFor(logging.INFO)
        self._access = _access_log.isEnabledFor(logging.INFO)

    def record(
        self,
        head: RequestHead,
        reply: Reply,
        seconds: float,
        *,
        api: bool,
        client: bytes = b"",
    ) -> None:
        """Logs one reply that took `seconds` to make; `api`: with the line of its own. `client` is
        that of a head that has none.
        """
        if not self._access:
            return
        if type(head) is KnownHead:  # of a score request: never a probe
            if head.log_texts is None:
                head.log_texts = texts_of(head)
            asked, request, agents = head.log_texts
        elif is_probe(head):
            return
        else:
            asked, request, agents = texts_of(head)
        millisecond = int(time.time() * 1000)
        if millisecond != self._millisecond:
            self._start_millisecond(millisecond)
        status, length = str(reply.status), str(len(reply.body))
        shown = length if reply.stream is None else "N/A"
        # Not in the f-string below: compiled, that takes three times as long.
        milliseconds = "%.3f" % (seconds * 1000)
        lines = (
            f"{self._api_prefix}{asked} {status} {milliseconds}ms {shown}\n"
            f"{self._access_prefix}{peer(client or head.client)}{self._access_time}"
            f"{request} {status} {'-' if length == '0' else length} {agents}\n"
        )
        if not self._direct:
            own, _, access = lines.partition("\n")
            if api:
                _api_log.info(own)
            _access_log.info(access.removesuffix("\n"))
        elif api and self._api:
            self._gather(lines)
        else:
            self._gather(lines.partition("\n")[2])

    def flush(self) -> None:
        """Writes what has gathered."""
        if self._lines:
            text = "".join(self._lines)
            self._lines.clear()
            self._stream.write(text)
            self._stream.flush()

    def _gather(self, lines: str) -> None:
        """Has these lines written with others."""
        if not self._lines:
            self._defer(_FLUSH_SECONDS, self.flush)
        self._lines.append(lines)
        if len(self._lines) >= _FLUSH_REQUESTS:
            self.flush()

    def _start_millisecond(self, millisecond: int) -> None:
        """Makes what the lines of one millisecond have alike."""
        second, after = divmod(millisecond, 1000)
        if second != self._second:
            self._second = second
            utc = time.gmtime(second)
            self._log_time = time.strftime("%Y-%m-%d %H:%M:%S", utc)
            self._access_time = time.strftime(" - - [%d/%b/%Y:%H:%M:%S +0000] ", utc)
        self._millisecond = millisecond
        if self._direct:
            prefix = f"{self._log_time},{after:03d} I [{self._pid}] "
            self._api_prefix = f"{prefix}azmlinfsrv - "
            self._access_prefix = f"{prefix}gunicorn.access - "


def is_probe(head: RequestHead) -> bool:
    """Whether it is asked every few seconds, by whoever watches the server."""
    return head.method == b"GET" and head.path in _PROBES


def texts_of(head: RequestHead) -> tuple[str, str, str]:
    """Method and target, these with the version, and who refers and asks, as the log has them."""
    target = head.path.decode("latin-1")
    if head.query:
        target += "?" + head.query.decode("latin-1")
    asked = f"{head.method.decode('latin-1')} {target}"
    return (
        asked,
        f'"{asked} HTTP/{head.http_version.decode()}"',
        f'"{_header(head, b"referer")}" "{_header(head, b"user-agent")}"',
    )


@lru_cache(maxsize=1024)
def peer(client: bytes) -> str:
    """The address of a client, or `-`."""
    return client.rpartition(b":")[0].decode("latin-1") or "-"


def _header(head: RequestHead, name: bytes) -> str:
    value = head.header(name)
    return "-" if value is None else value.decode("latin-1").replace('"', "")
