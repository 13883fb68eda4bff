"""One client connection: uvicorn's HTTP protocol, with the fast path to /score beside its own.

Mended where a client of ours would notice:

- A request that offers an upgrade (Java's client offers h2c with every first request) is answered
  as if it had not: httptools would stop before the body, and it would be lost.
- A status over 599, which a script may choose, has a status line.
- What llhttp lets pass and two servers may read differently is refused: versions but 1.0 and 1.1,
  transfer codings but `chunked`, and that one in HTTP/1.0. Trailers are dropped, so that nothing
  that comes after a body passes for a header.
- Heads, and what surrounds the chunks of a body, have limits: llhttp has none.
- Whoever is refused can read why: the connection is closed for writing, and goes on being read for
  a moment. Closed at once under a client that sends, it would be reset, answer and all.
- However a client leaves, the request that is being answered hears of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from scoreserve.errors import BadRequest, HeadTooLarge, ReplyError, TooManyConnections
from scoreserve.front.api.asgi import LINGER_SECONDS
from scoreserve.front.http.connection_limits import Awaiting, ClientTimeouts, ConnectionLimits
from scoreserve.front.http.fast_path import FastPath, render
from scoreserve.front.http.score_exchange import ConnectionState, ScoreExchange
from scoreserve.front.messages.replies import bare_error, lines_of
from scoreserve.front.observe.access_log import host_of
from scoreserve.wire import RequestHead

MOST_HEAD_BYTES = 64 * 1024
MOST_HEADERS = 100  # as for the reference
# What chunks of a body may cost beside it: one byte in a chunk takes six.
_MOST_FRAMING = 8

_SHORT_METHODS = frozenset({b"GET", b"POST"})
_VERSIONS = frozenset({"1.0", "1.1"})
_NOTED = frozenset({b"expect", b"transfer-encoding"})

for _status in range(600, 1000):
    httptools_impl.STATUS_LINE.setdefault(_status, b"HTTP/1.1 %d \r\n" % _status)


class HttpConnection(HttpToolsProtocol):
    """Takes `POST /score` and `GET /score` on the fast path, where there is one, and everything
    else to the ASGI application.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        clients: ConnectionLimits,
        fast_path: FastPath | None = None,
    ) -> None:
        self._state = ConnectionState(self, server_state, fast_path)
        super().__init__(config, server_state, app_state, _loop)
        self.data_received = self._state.data_received  # type: ignore[method-assign]
        self._clients = clients
        self._refusal: ReplyError | None = None  # why a callback stopped the parser
        # Of the message that is being read.
        self._in_head = self._chunked = False
        self._piece = b""  # that came last, if it came between two messages
        self._head_piece = b""  # with which the head began
        self._piece_bytes = 0  # what has come last
        self._read_on = -1  # bytes that came after the piece in which it began; -1: none did
        self._body_bytes = 0  # of a chunked body
        # For the look at every connection.
        self._quiet_since = self.loop.time()
        self._unsent = 0

    @property
    def cycle(self) -> Any:
        """That of the newest request, ours or uvicorn's."""
        return self._state.cycle

    @cycle.setter
    def cycle(self, cycle: Any) -> None:
        self._state.cycle = cycle

    @property
    def in_flight(self) -> int:
        """How many requests on this connection are begun and not answered to the end."""
        if self.pipeline:
            return len(self.pipeline) + 1
        return int(not self._state.free)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        state = self._state
        state.transport = transport
        state.closing = self._clients.draining.begun
        if self.client is not None:
            state.peer = b"%b:%d" % (self.client[0].encode(), self.client[1])
            state.host = host_of(state.peer)
        clients, connections = self._clients, self.connections
        if len(connections) > clients.most and not clients.make_room(connections, self):  # type: ignore[arg-type]
            self._end(TooManyConnections(clients.most))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # uvicorn tells the newest cycle only; with pipelining an older one may be the busy one.
        running, self._state.running = self._state.running, None
        if running is not None and not running.response_complete:
            running.disconnected = True
            running.message_event.set()
        self.pipeline.clear()
        # Else they would be left to the garbage collector.
        self.__dict__.pop("data_received", None)
        self._state.protocol = None

    # Reading.

    def read(self, data: bytes) -> None:
        """Bytes came that are not one request with a known head."""
        if self._state.between and self._state.fast_path is not None:
            self._piece = data
        self._piece_bytes = len(data)
        unread: bytes | None = data
        while unread is not None:
            unread = self._feed(unread)
        if self._in_head or self._chunked:
            self._count(self._piece_bytes)

    def _feed(self, data: bytes) -> bytes | None:
        """Reads what has come; returns what is to be read instead, if anything."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._decline_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(self._refusal or BadRequest())
        return None

    def _decline_upgrade(self, rest: bytes) -> bytes | None:
        """The request again as one that offers no upgrade.

        httptools has read its head, ignored it (see the callbacks below) and stopped there; `rest`
        is what came after the head.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(BadRequest())
            return None
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (method, self.url, version)]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        return b"\r\n".join(lines) + b"\r\n\r\n" + rest

    def _count(self, size: int) -> None:
        """Ends a message whose head, or the framing of whose chunks, goes on for too long.

        The piece in which it began does not count: it may hold the end of the message before.
        """
        if self._read_on < 0:
            self._read_on = 0
            return
        self._read_on += size
        if self._in_head:
            if self._read_on > MOST_HEAD_BYTES:
                self._refuse(_head_too_long())
        elif self._read_on > MOST_HEAD_BYTES + _MOST_FRAMING * self._body_bytes:
            self._refuse(BadRequest("The framing of the request's chunks is too long."))

    # What the parser reports.

    def on_message_begin(self) -> None:
        # Only what the parser's callbacks fill in; an ASGI scope is made when it is needed.
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._in_head = self._state.moved = True
        self._state.between = False
        self._head_piece, self._piece = self._piece, b""
        self._read_on = -1

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer
        name = name.lower()
        if name in _NOTED:
            self._note(name, value.strip().lower())
        self.headers.append((name, value))

    def _note(self, name: bytes, value: bytes) -> None:
        if name == b"expect":
            self.expect_100_continue = value == b"100-continue"
        elif value == b"chunked":
            self._chunked, self._body_bytes = True, 0
        else:
            self._stop(BadRequest())

    def _stop(self, error: ReplyError) -> None:
        """Stops the parser from within its callback."""
        self._refusal = error
        raise error

    def _check_head(self) -> None:
        length = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if length > MOST_HEAD_BYTES:
            self._stop(_head_too_long())

    def on_headers_complete(self) -> None:
        self._in_head = False
        piece, self._head_piece = self._head_piece, b""  # which may hold a part of the body
        before: Any = self.cycle
        if self.parser.should_upgrade() or (type(before) is ScoreExchange and before.refused):
            return  # the head is read again, or the connection ends
        version = self.parser.get_http_version()
        if version not in _VERSIONS or (self._chunked and version == "1.0"):
            self._stop(BadRequest())
        if len(self.headers) > MOST_HEADERS:
            self._stop(HeadTooLarge(f"{MOST_HEADERS} headers"))
        if self._piece_bytes > MOST_HEAD_BYTES or self._read_on >= 0:
            self._check_head()
        state = self._state
        fast_path = state.fast_path
        path, _, query = self.url.partition(b"?")
        method = self.parser.get_method()
        if fast_path is None or path != b"/score" or method not in _SHORT_METHODS:
            self._make_scope()
            super().on_headers_complete()
            state.piled = state.piled or bool(self.pipeline)
            if state.closing:
                self.cycle.keep_alive = False
            return
        scheme = (self.scheme or "http").encode()
        head = RequestHead(method, path, query, version.encode(), scheme, state.peer, self.headers)
        cycle = ScoreExchange(
            state,
            fast_path,
            head,
            keep_alive=version != "1.0" and self.parser.should_keep_alive() and not state.closing,
            expects_continue=self.expect_100_continue,
        )
        if piece and cycle.keep_alive and not self.expect_100_continue:
            fast_path.head_cache.remember(piece, head)
        free, state.cycle = state.free, cycle
        if free:
            self._begin(cycle)
        else:
            state.piled = True
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))  # type: ignore[arg-type]

    def _make_scope(self) -> None:
        url, headers, expects_continue = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects_continue
        self.headers.extend(headers)  # in place: the scope has this list

    def on_body(self, body: bytes) -> None:
        self._state.moved = True
        if self._chunked:
            self._body_bytes += len(body)
        cycle: Any = self.cycle
        if type(cycle) is ScoreExchange:
            cycle.feed(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._chunked = False
        self._state.between = True
        if self.parser.should_upgrade():
            return
        cycle: Any = self.cycle
        if type(cycle) is ScoreExchange:
            cycle.complete()
        else:
            super().on_message_complete()

    # Answering.

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if type(cycle) is ScoreExchange:
            self._begin(cycle)
        else:
            self._state.running = cycle
            super()._start_asgi_task(cycle, app)

    def _begin(self, cycle: ScoreExchange) -> None:
        self._state.running = cycle
        cycle.begin()

    def on_response_complete(self) -> None:
        self._state.moved = True
        self._state.piled = bool(self.pipeline)
        if self.pipeline:
            super().on_response_complete()
        elif self.flow.read_paused and not self.transport.is_closing():
            self.flow.resume_reading()

    def finish(self) -> None:
        """The answer to what has come by now is to be the last."""
        self._state.closing = True
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def _refuse(self, error: ReplyError) -> None:
        """Answers what is being read with `error`, after all that came before, and ends."""
        self.logger.warning("%s", error.message)
        self.parser = _DEAF
        self._in_head = self._chunked = self._state.between = False
        newest: Any = self.cycle
        if self._state.free:
            self._end(error)
        elif not newest.more_body:
            newest.keep_alive = False  # it is whole, and has an answer coming: the last one
        elif self.pipeline:
            self.pipeline.popleft()
            last: Any = self.pipeline[0][0] if self.pipeline else self._state.running
            last.keep_alive = False
        elif type(newest) is ScoreExchange:
            newest.refuse(error)
        else:
            self._end(error, answered=newest.response_started)
            newest.disconnected = newest.response_complete = True
            newest.waiting_for_100_continue = False
            newest.message_event.set()

    def _end(self, error: ReplyError, *, answered: bool = False) -> None:
        """Ends the connection with the answer `error`, unless it is `answered` in part."""
        if answered:
            self.transport.close()
            return
        reply = bare_error(error)
        self._clients.refused(reply, error)
        every = lines_of(self.server_state.default_headers)
        self.transport.write(render(reply, every, reply.body, keep_alive=False))
        self.close_gently()

    def close_gently(self) -> None:
        """Ends the connection after what is written, when its client has had time to read it."""
        self.parser = _DEAF
        self._in_head = self._chunked = self._state.between = False
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def close(self) -> None:
        """Ends the connection after what is written."""
        self.transport.close()

    def close_if_done(self) -> None:
        """Ends the connection after what is written, unless an answer is still to come."""
        if self._state.free:
            self.transport.close()

    # Being looked at.

    @property
    def awaiting(self) -> Awaiting | None:
        """What its client is waited for, or None while it is its client that waits."""
        if self.transport.get_write_buffer_size():
            return Awaiting.TAKING
        if not self._state.free:
            reading = self.cycle.more_body and not self.pipeline and not self.flow.read_paused
            return Awaiting.BODY if reading else None
        return Awaiting.HEAD if self._in_head else Awaiting.IDLE

    @property
    def quiet_since(self) -> float | None:
        """Since when nothing moved, or None where something did since the last look."""
        return None if self._state.moved else self._quiet_since

    def look(self, now: float, timeouts: ClientTimeouts) -> None:
        """Ends the connection if its client took too long, or has left unnoticed."""
        awaiting, unsent = self.awaiting, self.transport.get_write_buffer_size()
        if awaiting is None and self.flow.read_paused and self._client_left():
            self.transport.abort()
        elif awaiting is None or self._state.moved or unsent != self._unsent:
            self._state.moved = False
            self._quiet_since, self._unsent = now, unsent
        elif now - self._quiet_since > timeouts.of(awaiting):
            self._time_out(awaiting, timeouts)

    def _time_out(self, awaiting: Awaiting, timeouts: ClientTimeouts) -> None:
        if awaiting is Awaiting.IDLE:
            self.transport.close()
        elif awaiting is Awaiting.TAKING:
            self.transport.abort()
        else:
            self._refuse(timeouts.error())

    def _client_left(self) -> bool:
        """Whether the client has closed its end, which nobody notices while reading is paused."""
        poll = select.poll()
        with contextlib.suppress(ValueError, OSError):  # it is closed on our side too
            poll.register(self.transport.get_extra_info("socket").fileno(), select.POLLRDHUP)
        return bool(poll.poll(0))


class _Deaf:
    """Stands for the parser of a connection that is ending: what still comes is thrown away."""

    def feed_data(self, data: bytes) -> None:
        pass

    def should_upgrade(self) -> bool:
        return False


_DEAF: Any = _Deaf()


def _head_too_long() -> HeadTooLarge:
    return HeadTooLarge(f"{MOST_HEAD_BYTES} bytes")
