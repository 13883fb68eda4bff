"""The fast path to /score: from the HTTP parser's callbacks to the scoring handler and back.

ASGI costs more than all else that a fast request needs: a task, two awaits, a dictionary for each
message, two writes. A ScoreExchange stands in for uvicorn's RequestResponseCycle on a connection
and does without. It keeps the same promises:

    order        a pipelined request begins when the answers before it are complete
    flow         a slow reader slows a streamed body; reading pauses while requests wait in line
    limits       a body over the limit is refused from its declared length, or while it comes
    disconnect   cancels the job, or closes the stream

    a whole request with a known head ─→ begin_whole ─┐
    headers ─→ begin (its turn in the pipeline) ─┐    │
    body ────→ feed ─→ complete ─────────────────┴────┴→ ScoreHandler.submit ─→ answer ─→ one write
"""

from __future__ import annotations

import asyncio
import time
from typing import Final, Protocol, TypeAlias

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from scoreserve.errors import BodyTooLarge, ReplyError
from scoreserve.front.api.score_handler import ReplyTo
from scoreserve.front.http.fast_path import FastPath, render
from scoreserve.front.messages.body_stream import BodyStream, StreamBroken
from scoreserve.front.messages.replies import BODILESS, Reply
from scoreserve.front.queue.job import QueuedJob
from scoreserve.heads import RequestHead
from scoreserve.wire import JOIN_BELOW_BYTES, Chunk

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_SMALL_BYTES = 1024
_clock: Final = time.perf_counter


class ScoreExchange(ReplyTo):
    """One request to /score on a connection, from its headers to its response.

    The attributes without underscore are those that uvicorn's protocol uses of a cycle.
    """

    __slots__ = (
        "_begun",
        "_chunks",
        "_complete",
        "_expects_continue",
        "_fast_path",
        "_head",
        "_held",
        "_job",
        "_overfull",
        "_size",
        "_started",
        "_state",
        "_streaming",
        "disconnected",
        "keep_alive",
        "refused",
        "response_complete",
    )

    def __init__(
        self,
        state: ConnectionState,
        fast_path: FastPath,
        head: RequestHead,
        *,
        keep_alive: bool,
        expects_continue: bool,
    ) -> None:
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False
        self._state = state
        self._fast_path = fast_path
        self._head = head
        self._expects_continue = expects_continue
        self._chunks: list[Chunk] = []
        self._size = 0
        self._held = 0  # bytes of memory taken for the body, see ScoreHandler.hold
        self._overfull: ReplyError | None = None  # why there was no room, while others were in line
        self._begun = self._complete = self.refused = False
        self._job: QueuedJob | None = None
        self._streaming: tuple[asyncio.Task[None], BodyStream] | None = None
        self._started = _clock()

    @property
    def message_event(self) -> ScoreExchange:
        """What uvicorn calls `set` of when the connection is lost."""
        return self

    @property
    def more_body(self) -> bool:
        """Whether the body is still coming."""
        return not self._complete

    def begin(self) -> None:
        """All answers before this one are complete."""
        self._begun = True
        auth = self._fast_path.auth
        if auth is not None and (refusal := auth.refuse(self._head)) is not None:
            self._end(refusal)
            return
        declared = self._head.header(b"content-length")
        if declared is not None and int(declared) > self._fast_path.max_body_bytes:
            self._refuse_body()
            return
        error = self._overfull or self._hold(max(self._size, int(declared or b"0")))
        if error is not None:
            self.refuse(error)
            return
        if self._expects_continue:
            self._state.transport.write(_CONTINUE)
        if self._complete:
            self._submit()

    def feed(self, body: bytes) -> None:
        """A part of the body."""
        if self.refused or self._overfull is not None:
            return
        self._size += len(body)
        if self._size > self._held and (error := self._hold(self._size)) is not None:
            if self._begun:
                self.refuse(error)
            else:
                self._overfull = error
                self._chunks = []
            return
        if self._chunks and len(body) < _SMALL_BYTES:
            self._add_small(body)
        else:
            self._chunks.append(body)
        if self._size > self._fast_path.max_body_bytes and self._begun:
            self._refuse_body()

    def _hold(self, size: int) -> ReplyError | None:
        """Takes the memory for so many bytes of body; returns why there is none."""
        try:
            self._fast_path.handler.hold(size - self._held)
        except ReplyError as error:
            return error
        self._held = size
        return None

    def _release(self) -> None:
        held, self._held = self._held, 0
        self._fast_path.handler.release(held)

    def _add_small(self, body: bytes) -> None:
        """A small part that is not the first: as an object of its own it takes many times its size,
        and a client may send a hundred million of them.
        """
        last = self._chunks[-1]
        if isinstance(last, bytearray):
            last += body
        else:
            self._chunks.append(bytearray(body))

    @property
    def can_begin(self) -> bool:
        """Whether its answer is coming, though its client sends no more: it is whole, and a worker
        has it or can have it at once.
        """
        if self._job is not None:
            return self._fast_path.handler.can_begin(self._job)
        return self._complete

    @property
    def stream(self) -> BodyStream | None:
        """The body that a worker makes while it is sent, if it does."""
        return None if self._streaming is None else self._streaming[1]

    def begin_whole(self, body: bytes) -> None:
        """The request is there as a whole, and all answers before this one are complete."""
        self._begun = self._complete = True
        self._chunks = [body]
        self._size = len(body)
        auth = self._fast_path.auth
        if auth is not None and (refusal := auth.refuse(self._head)) is not None:
            self._end(refusal)
            return
        error = self._hold(self._size)
        if error is None:
            self._submit()
        else:
            self.refuse(error)

    def complete(self) -> None:
        """The body is complete."""
        self._complete = True
        if self.refused:
            self._state.transport.close()
        elif self._begun:
            self._submit()

    def drop(self) -> None:
        """It is not answered, whatever came of it."""
        self._chunks = []
        self._release()

    def set(self) -> None:
        """The connection is lost."""
        self.drop()
        if not self.disconnected or self.response_complete:
            return
        if self._streaming is not None:
            task, stream = self._streaming
            task.cancel()
            stream.close()  # the task may not have begun
        elif self._job is not None:
            job, self._job = self._job, None
            self._fast_path.handler.cancel(job)

    def _submit(self) -> None:
        if self._size > self._fast_path.max_body_bytes:  # it all came while others were in line
            self._refuse_body()
            return
        chunks, self._chunks = self._chunks, []
        self._held = 0  # the job's now
        client = self._state.peer
        self._job = self._fast_path.handler.submit(self._head, chunks, self, client)

    def refuse(self, error: ReplyError) -> None:
        """Answers with `error` while the body is still coming, and ends the connection."""
        self._end(self._fast_path.handler.refuse(self._head, error))

    def _refuse_body(self) -> None:
        self.refuse(BodyTooLarge(self._fast_path.max_body_bytes))

    def _end(self, reply: Reply) -> None:
        """Answers and ends the connection, once the client has had time to read the answer."""
        self._chunks = []
        self._release()
        self.refused = True
        self.keep_alive = False
        self._record(reply)
        self._state.transport.write(self._render(reply, reply.body))
        self.response_complete = True
        if self._complete:
            self._state.transport.close()
        else:
            self._state.port.close_gently()

    def answer(self, reply: Reply) -> None:
        """The reply to it."""
        job, self._job = self._job, None
        request_id = b"" if job is None else job.request_id
        self.keep_alive = self.keep_alive and not reply.close
        if self.disconnected:
            if reply.stream is not None:
                reply.stream.close()
            return
        if reply.stream is not None:
            self._record(reply, request_id)
            task = self._state.port.loop.create_task(self._stream(reply, reply.stream))
            self._streaming = task, reply.stream
            return
        transport = self._state.transport
        if reply.parts:
            transport.write(self._render(reply))
            transport.writelines(reply.parts)
        elif len(reply.body) < JOIN_BELOW_BYTES:
            transport.write(self._render(reply, reply.body))
        else:
            transport.write(self._render(reply))
            transport.write(reply.body)
        self._record(reply, request_id)  # after it is sent: no client waits for a log
        self._finish()

    def break_off(self) -> None:
        self._job = None
        self._state.transport.abort()

    async def _stream(self, reply: Reply, stream: BodyStream) -> None:
        transport, flow = self._state.transport, self._state.port.flow
        # HTTP/1.0 ends a body by closing; a last chunk without a body would be read as the next
        # response's beginning.
        chunked = self._head.http_version != b"1.0" and reply.status not in BODILESS
        framing = b"transfer-encoding: chunked\r\n" if chunked else b""
        transport.write(self._render(reply, framing=framing))
        try:
            while (chunk := await stream.next_chunk()) is not None:
                transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
                self._fast_path.counters.sent_bytes += len(chunk)
                if flow.write_paused:
                    await flow.drain()
            if chunked:
                transport.write(b"0\r\n\r\n")
            self._finish()
        except StreamBroken:
            transport.close()  # without the last chunk: the client sees that it is incomplete
        finally:
            stream.close()

    def _render(self, reply: Reply, body: bytes = b"", framing: bytes = b"") -> bytes:
        every = self._fast_path.default_lines.of(self._state.server_state.default_headers)
        return render(reply, every, body, framing, keep_alive=self.keep_alive)

    def _finish(self) -> None:
        self.response_complete = True
        if not self.keep_alive:
            self._state.transport.close()
        self._state.answered()

    def _record(self, reply: Reply, request_id: bytes = b"") -> None:
        fast_path = self._fast_path
        seconds = _clock() - self._started
        host = self._state.host
        fast_path.log.record(self._head, reply, seconds, api=True, host=host, request_id=request_id)
        fast_path.counters.answered(self._head.method, reply, self._size)


Exchange: TypeAlias = "ScoreExchange | RequestResponseCycle"


class ConnectionPort(Protocol):
    """What is asked of the connection itself: uvicorn's protocol, of which ours is a subclass."""

    loop: asyncio.AbstractEventLoop
    flow: FlowControl

    def read(self, data: bytes) -> None: ...

    def on_response_complete(self) -> None: ...

    def close_gently(self) -> None: ...


class ConnectionState:
    """One connection, as its score requests know it: uvicorn's protocol is no compiled class, and
    each look at a field of it takes as long as making an object.

    `data_received` is what the event loop calls. It begins a whole request with a known head at
    once; all else is for the `protocol` to read.
    """

    transport: asyncio.Transport

    def __init__(
        self, protocol: ConnectionPort, server_state: ServerState, fast_path: FastPath | None
    ) -> None:
        self.protocol: ConnectionPort | None = protocol  # until the connection is lost
        self.server_state = server_state
        self.fast_path = fast_path
        self.peer = self.host = b""  # of the client: `host:port`, and as the log has it
        self.newest: Exchange | None = None
        self.running: Exchange | None = None  # the one that is being answered
        self.between = True  # two messages
        self.closing = False  # the answer to what has come by now is the last
        self.piled = False  # requests have waited in line
        self.moved = False  # since the last look at the connection

    def data_received(self, data: bytes) -> None:
        """Bytes came from the client."""
        fast_path = self.fast_path
        if fast_path is not None and self.between and self.free and not self.closing:
            head = fast_path.head_cache.find(data)
            if head is not None:
                self.moved = True
                exchange = ScoreExchange(
                    self, fast_path, head, keep_alive=True, expects_continue=False
                )
                self.newest = self.running = exchange
                exchange.begin_whole(data[len(head.block) :])
                return
        self.port.read(data)

    @property
    def port(self) -> ConnectionPort:
        """The connection itself."""
        assert self.protocol is not None, "the connection is lost"
        return self.protocol

    @property
    def free(self) -> bool:
        """Whether all that has come is answered."""
        newest = self.newest
        if isinstance(newest, ScoreExchange):
            return newest.response_complete
        return newest is None or bool(newest.response_complete)

    def answered(self) -> None:
        """An answer of ours is complete."""
        self.moved = True
        if self.piled:
            self.port.on_response_complete()
