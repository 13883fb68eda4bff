"""One client connection: uvicorn's HTTP protocol, with the short road to /score beside its own.

Mended where a client of ours would notice:

- A request that offers an upgrade (Java's client offers h2c with every first request) is answered
  as if it had not: httptools would stop before the body, and it would be lost.
- A status over 599, which a script may choose, has a status line.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from scoreserve.front.short_road import ScoreCycle, ShortRoad
from scoreserve.wire import RequestHead

_INVALID = "Invalid HTTP request received."
_SHORT_METHODS = frozenset({b"GET", b"POST"})

for _status in range(600, 1000):
    httptools_impl.STATUS_LINE.setdefault(_status, b"HTTP/1.1 %d \r\n" % _status)


class HttpProtocol(HttpToolsProtocol):
    """Takes `POST /score` and `GET /score` on the short road, where there is one, and everything
    else to the ASGI application.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        short_road: ShortRoad | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._short_road = short_road
        self._running: ScoreCycle | None = None
        self._peer = b""
        self._idle_since: float | None = None
        self._idle_timer: asyncio.TimerHandle | None = None

    @property
    def in_flight(self) -> int:
        """How many requests on this connection are begun and not answered to the end."""
        if self.pipeline:
            return len(self.pipeline) + 1
        return int(self.cycle is not None and not self.cycle.response_complete)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.client is not None:
            self._peer = b"%b:%d" % (self.client[0].encode(), self.client[1])

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # uvicorn tells the newest cycle only; with pipelining an older one may be the busy one.
        running, self._running = self._running, None
        if running is not None:
            running.disconnected = True
            running.set()
        self.pipeline.clear()
        if self._idle_timer is not None:
            self._idle_timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._idle_since = None
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.logger.warning(_INVALID)
            self.send_400_response(_INVALID)

    def _decline_upgrade(self, rest: bytes) -> None:
        """Reads the request again as one that offers no upgrade.

        httptools has read its head, ignored it (see the callbacks below) and stopped there; `rest`
        is what came after the head.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            self.send_400_response(_INVALID)
            return
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (method, self.url, version)]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"\r\n".join(lines) + b"\r\n\r\n" + rest)

    def on_message_begin(self) -> None:
        # Only what the parser's callbacks fill in; an ASGI scope is made when it is needed.
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        before: Any = self.cycle
        if self.parser.should_upgrade() or (type(before) is ScoreCycle and before.refused):
            return  # the head is read again, or the connection ends
        road = self._short_road
        path, _, query = self.url.partition(b"?")
        method = self.parser.get_method()
        if road is None or path != b"/score" or method not in _SHORT_METHODS:
            self._make_scope()
            super().on_headers_complete()
            return
        version = self.parser.get_http_version()
        scheme = (self.scheme or "http").encode()
        head = RequestHead(method, path, query, version.encode(), scheme, self._peer, self.headers)
        cycle = ScoreCycle(
            self,
            road,
            head,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            expects_continue=self.expect_100_continue,
        )
        waiting_for, self.cycle = self.cycle, cycle  # type: ignore[assignment]
        if waiting_for is None or waiting_for.response_complete:
            self._begin(cycle)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))  # type: ignore[arg-type]

    def _make_scope(self) -> None:
        url, headers, expects_continue = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects_continue
        self.headers.extend(headers)  # in place: the scope has this list

    def on_response_complete(self) -> None:
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._end_if_idle)

    def _end_if_idle(self) -> None:
        """Closes the connection when it has been idle for the keep-alive time.

        uvicorn sets and cancels a timer for each request. One that looks again when it rings costs
        nothing while requests come.
        """
        self._idle_timer = None
        if self._idle_since is None:
            return  # a request is under way: its response sets the timer anew
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left <= 0:
            self.transport.close()
        else:
            self._idle_timer = self.loop.call_later(left, self._end_if_idle)

    def on_body(self, body: bytes) -> None:
        cycle: Any = self.cycle
        if type(cycle) is ScoreCycle:
            cycle.feed(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        cycle: Any = self.cycle
        if type(cycle) is ScoreCycle:
            cycle.complete()
        else:
            super().on_message_complete()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if type(cycle) is ScoreCycle:
            self._begin(cycle)
        else:
            super()._start_asgi_task(cycle, app)

    def _begin(self, cycle: ScoreCycle) -> None:
        self._running = cycle
        cycle.begin()
