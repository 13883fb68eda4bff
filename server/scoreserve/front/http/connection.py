"""One client connection: uvicorn's HTTP protocol, with the fast path to /score beside its own.

Mended where a client of ours would notice:

- What is no request is refused, and offers of an upgrade are declined, as `request_checks` has it.
- A status over 599, which a script may choose, has a status line.
- Trailers are dropped, so that nothing that comes after a body passes for a header.
- Whoever is refused can read why: the connection is closed for writing, and goes on being read for
  a moment. Closed at once under a client that sends, it would be reset, answer and all.
- However a client leaves, the request that is being answered hears of it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, cast

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from scoreserve.errors import BadRequest, ReplyError, RequestTimeout, TooManyConnections
from scoreserve.front.api.responses import LINGER_SECONDS, REPLY
from scoreserve.front.api.score import CAN_BEGIN
from scoreserve.front.http.connection_limits import Awaiting, ClientTimeouts, ConnectionLimits
from scoreserve.front.http.endings import DEAF, client_left, is_reset
from scoreserve.front.http.fast_path import FastPath, render
from scoreserve.front.http.request_checks import MessageChecks, without_upgrade
from scoreserve.front.http.score_exchange import ConnectionState, Exchange, ScoreExchange
from scoreserve.front.messages.replies import Reply, bare_error, lines_of
from scoreserve.front.observe.access_log import host_of
from scoreserve.heads import RequestHead

# A client that sends its body more slowly gives way to others.
_LEAST_BODY_BYTES_A_SECOND = 1000

# How long the answer to an answer may take, where a client may have left. One that is farther away
# costs a run that nobody hears of.
_RESET_SECONDS = 0.05

# How long a worker may take for the next part of a body whose client sends no more, and may have
# left: what is written to it would tell.
_UNHEARD_SECONDS = 2.0

_FAST_METHODS = frozenset({b"GET", b"POST"})

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
        self._message = MessageChecks()  # of the one that is being read
        self._half_closed = False  # its client sends no more
        self._piece = b""  # that came last, if it came between two messages
        self._head_piece = b""  # with which the head began
        # For the look at every connection.
        self._quiet_since = self.loop.time()
        self._unsent = 0
        self._body_bytes = 0  # that have come of the body that is being read
        self._body_seen: tuple[float, int] | None = None  # when it was first looked at, and then
        self.lags = False

    # uvicorn's own names, for exchanges of either kind.

    pipeline: deque[tuple[Exchange, Any]]  # type: ignore[assignment]

    @property  # type: ignore[override]
    def cycle(self) -> Exchange | None:
        """The newest request's."""
        return self._state.newest

    @cycle.setter
    def cycle(self, exchange: Exchange | None) -> None:
        self._state.newest = exchange

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
        while self.pipeline:
            self._drop_newest()
        # Else they would be left to the garbage collector.
        self.__dict__.pop("data_received", None)
        self._state.protocol = None

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client sends no more. Some go on reading (`nc -N`), which cannot be told from those
        that have left. So what is with a worker is answered, which is run anyway, and what can be
        with one at once; what else waits is not run for nobody, nor is a generator that stands
        still, see `look`. Returns whether to keep the connection, whose last answer is that to what
        has come.
        """
        state = self._state
        if state.free or not self._answer_is_coming():
            return False
        newest = state.newest
        assert newest is not None
        if newest.more_body:  # it will never be whole
            if newest is state.running:
                return False
            self._drop_newest()
            newest = self.pipeline[0][0] if self.pipeline else state.running
            assert newest is not None
        newest.keep_alive = False
        self._half_closed = True
        self._read_no_more()
        return True

    def _answer_is_coming(self) -> bool:
        """Whether the request that is being answered will be, though its client sends no more."""
        running = self._state.running
        if isinstance(running, ScoreExchange):
            return running.can_begin
        if running is None or running.more_body:
            return False
        can_begin: Any = cast("dict[str, Any]", running.scope).get(CAN_BEGIN)
        return can_begin is None or bool(can_begin())

    def _stands_still(self, now: float) -> bool:
        """Whether a worker has been at the next part of a body for long."""
        running = self._state.running
        if running is None or running.response_complete:
            return False
        if isinstance(running, ScoreExchange):
            stream = running.stream
        else:
            reply: Reply | None = cast("dict[str, Any]", running.scope).get(REPLY)
            stream = None if reply is None else reply.stream
        if stream is None or stream.owed_since is None:
            return False
        return now - stream.owed_since > _UNHEARD_SECONDS

    # Reading.

    def read(self, data: bytes) -> None:
        """Bytes came that are not one request with a known head."""
        if self._state.between and self._state.fast_path is not None:
            self._piece = data
        self._message.came(len(data))
        unread: bytes | None = data
        while unread is not None:
            unread = self._feed(unread)
        error = self._message.goes_on()
        if error is not None:
            self._refuse(error)

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
        parser = self.parser
        version = parser.get_http_version()
        try:
            again = without_upgrade(parser.get_method(), self.url, version, self.headers, rest)
        except ReplyError as error:
            self._refuse(error)
            return None
        self.parser = httptools.HttpRequestParser(self)
        return again

    # What the parser reports. What a callback raises stops it.

    def on_message_begin(self) -> None:
        # Only what the parser's callbacks fill in; an ASGI scope is made when it is needed.
        self.url = b""
        self.headers = []
        self._message.begin()
        self._state.moved = True
        self._state.between = False
        self._head_piece, self._piece = self._piece, b""

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._message.in_head:
            return  # a trailer
        name = name.lower()
        try:
            self._message.header(name, value)
        except ReplyError as error:
            self._stop(error)
        self.headers.append((name, value))

    def _stop(self, error: ReplyError) -> None:
        """Stops the parser from within its callback."""
        self._refusal = error
        raise error

    def on_headers_complete(self) -> None:
        piece, self._head_piece = self._head_piece, b""  # which may hold a part of the body
        before = self._state.newest
        if self.parser.should_upgrade() or (type(before) is ScoreExchange and before.refused):
            self._message.in_head = False
            return  # the head is read again, or the connection ends
        version = self.parser.get_http_version()
        try:
            self._message.head_complete(version, self.url, self.headers)
        except ReplyError as error:
            self._stop(error)
        state = self._state
        fast_path = state.fast_path
        path, _, query = self.url.partition(b"?")
        method = self.parser.get_method()
        if fast_path is None or path != b"/score" or method not in _FAST_METHODS:
            self._to_application()
            return
        scheme = (self.scheme or "http").encode()
        head = RequestHead(method, path, query, version.encode(), scheme, state.peer, self.headers)
        exchange = ScoreExchange(
            state,
            fast_path,
            head,
            keep_alive=version != "1.0" and self.parser.should_keep_alive() and not state.closing,
            expects_continue=self._message.expects_continue,
        )
        if piece and exchange.keep_alive and not self._message.expects_continue:
            fast_path.head_cache.remember(piece, head)
        free, state.newest = state.free, exchange
        if free:
            self._begin(exchange)
        else:
            state.piled = True
            self.flow.pause_reading()
            self.pipeline.appendleft((exchange, self.app))

    def _to_application(self) -> None:
        """The request whose head is complete goes to the ASGI application, as uvicorn has it."""
        state = self._state
        free = state.free
        self._make_scope()
        super().on_headers_complete()
        exchange = state.newest
        assert exchange is not None
        if free:
            state.running = exchange
        else:
            state.piled = True
        if state.closing:
            exchange.keep_alive = False

    def _make_scope(self) -> None:
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.url, self.expect_100_continue = url, self._message.expects_continue
        self.headers.extend(headers)  # in place: the scope has this list

    def on_body(self, body: bytes) -> None:
        self._state.moved = True
        self._body_bytes += len(body)
        if self._message.chunked:
            self._message.body(len(body))
        exchange = self._state.newest
        if type(exchange) is ScoreExchange:
            exchange.feed(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._message.end()
        self._state.between = True
        self._body_bytes = 0
        if self.parser.should_upgrade():
            return
        exchange = self._state.newest
        if type(exchange) is ScoreExchange:
            exchange.complete()
        else:
            super().on_message_complete()

    # Answering.

    def _begin(self, exchange: ScoreExchange) -> None:
        self._state.running = exchange
        exchange.begin()

    def on_response_complete(self) -> None:
        """An answer is complete, of either kind: the next one that waits in line begins."""
        self._state.moved = True
        self._state.piled = bool(self.pipeline)
        if self.transport.is_closing():
            return
        # An answer to a client that has left is answered by the kernel of its machine. Then what
        # waits in line need not be run.
        left = bool(self.pipeline) and client_left(self.transport)
        if self.flow.read_paused and not left:
            self.flow.resume_reading()
        if left:
            self.loop.call_later(_RESET_SECONDS, self._begin_next)
        elif self.pipeline:
            self._begin_next()

    def _begin_next(self) -> None:
        """The next request that waits in line begins, unless its client is gone."""
        if not self.pipeline or is_reset(self.transport):
            self.transport.abort()
            return
        exchange, app = self.pipeline.pop()
        if type(exchange) is ScoreExchange:
            self._begin(exchange)
        else:
            self._state.running = exchange
            task = self.loop.create_task(cast("RequestResponseCycle", exchange).run_asgi(app))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    def finish(self) -> None:
        """The answer to what has come by now is to be the last."""
        self._state.closing = True
        newest = self._state.newest
        if newest is not None:
            newest.keep_alive = False

    def _refuse(self, error: ReplyError) -> None:
        """Answers what is being read with `error`, after all that came before, and ends."""
        self.logger.warning("%s", error.message)
        self._read_no_more()
        newest = self._state.newest
        if newest is None or self._state.free:
            self._end(error)
        elif not newest.more_body:
            newest.keep_alive = False  # it is whole, and has an answer coming: the last one
        elif self.pipeline:
            self._drop_newest()
            last = self.pipeline[0][0] if self.pipeline else self._state.running
            assert last is not None
            last.keep_alive = False
        elif isinstance(newest, ScoreExchange):
            newest.refuse(error)
        else:
            self._end(error, answered=newest.response_started)
            newest.disconnected = newest.response_complete = True
            newest.waiting_for_100_continue = False
            newest.message_event.set()

    def _drop_newest(self) -> None:
        """Of those that wait in line, the newest is not answered."""
        exchange, _ = self.pipeline.popleft()
        if isinstance(exchange, ScoreExchange):
            exchange.drop()

    def _read_no_more(self) -> None:
        """What still comes is thrown away."""
        self.parser = DEAF
        self._message.end()
        self._state.between = False

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
        self._read_no_more()
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def give_way(self) -> None:
        """Ends the connection for another's sake."""
        if self.awaiting is Awaiting.BODY:
            self._refuse(RequestTimeout())
        else:
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
        newest = self._state.newest
        if newest is not None and not self._state.free:
            reading = newest.more_body and not self.pipeline and not self.flow.read_paused
            return Awaiting.BODY if reading else None
        return Awaiting.HEAD if self._message.in_head else Awaiting.IDLE

    @property
    def quiet_since(self) -> float | None:
        """Since when nothing moved, or None where something did since the last look."""
        return None if self._state.moved else self._quiet_since

    def look(self, now: float, timeouts: ClientTimeouts) -> None:
        """Ends the connection if its client took too long, or has left unnoticed."""
        awaiting, unsent = self.awaiting, self.transport.get_write_buffer_size()
        self._look_at_body(awaiting, now)
        if self._half_closed and self._stands_still(now):
            self.transport.abort()
        elif awaiting is None and self.flow.read_paused and client_left(self.transport):
            if not self._answer_is_coming():
                self.transport.abort()
        elif awaiting is None or self._state.moved or unsent != self._unsent:
            self._state.moved = False
            self._quiet_since, self._unsent = now, unsent
        elif now - self._quiet_since > timeouts.of(awaiting):
            self._time_out(awaiting, timeouts)

    def _look_at_body(self, awaiting: Awaiting | None, now: float) -> None:
        """Finds out whether a body comes too slowly, from its first look on."""
        if awaiting is not Awaiting.BODY or self._body_seen is None:
            self._body_seen = (now, self._body_bytes) if awaiting is Awaiting.BODY else None
            self.lags = False
            return
        since, before = self._body_seen
        came = self._body_bytes - before
        self.lags = came < _LEAST_BODY_BYTES_A_SECOND * (now - since)

    def _time_out(self, awaiting: Awaiting, timeouts: ClientTimeouts) -> None:
        if awaiting is Awaiting.IDLE:
            self.transport.close()
        elif awaiting is Awaiting.TAKING:
            self.transport.abort()
        else:
            self._refuse(timeouts.error())
