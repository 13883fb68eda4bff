"""Stand-ins for what surrounds the front's parts: workers, the event loop's call_soon, clients."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, NamedTuple

from starlette.types import Message, Receive, Scope, Send

from scoreserve import wire
from scoreserve.errors import ReplyError
from scoreserve.front.messages.body_stream import BodyStream
from scoreserve.front.queue.job import QueuedJob
from scoreserve.front.workers.dispatch_loop import DispatchLoop
from scoreserve.heads import RequestHead
from scoreserve.wire import Outcome

HEAD = b"content-type: application/json\r\n"

TURN_SECONDS = 1e-6

ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class ManualDefer:
    """Keeps what was deferred until `run`. A turn of the loop takes a microsecond of `timers`."""

    def __init__(self, timers: Timers | None = None) -> None:
        self.pending: list[Callable[[], None]] = []
        self.timers = timers

    def __call__(self, function: Callable[[], None]) -> None:
        self.pending.append(function)

    def turn(self) -> None:
        """Runs what is deferred now."""
        if self.timers is not None:
            self.timers.now += TURN_SECONDS
        pending, self.pending = self.pending, []
        for function in pending:
            function()

    def run(self) -> None:
        """Runs what is deferred now, and what that defers."""
        while self.pending:
            self.turn()


class Timers:
    """A clock that stands still but for `pass_time`, and what is to run later on it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.set: list[tuple[float, Callable[[], None]]] = []

    def clock(self) -> float:
        return self.now

    def later(self, seconds: float, function: Callable[[], None]) -> None:
        assert seconds > 0
        self.set.append((self.now + seconds, function))

    def pass_time(self, seconds: float) -> None:
        """Runs what is due meanwhile, each at its time."""
        end = self.now + seconds
        while due := [timer for timer in self.set if timer[0] <= end]:
            timer = min(due, key=lambda each: each[0])
            self.set.remove(timer)
            self.now = max(self.now, timer[0])
            timer[1]()
        self.now = end


class Sent(NamedTuple):
    """A job as the worker got it."""

    id: int
    head: bytes
    body: bytes


class FakeWorker:
    """Holds the jobs it was handed until the test answers them, each with its own head."""

    def __init__(self) -> None:
        self.batches: list[list[Sent]] = []
        self.in_flight: list[Sent] = []
        self.streams: dict[int, BodyStream] = {}
        self.asked: list[str] = []  # what was asked of its streams

    def send(self, jobs: Sequence[QueuedJob]) -> None:
        batch = [Sent(job.id, job.head, b"".join(job.chunks)) for job in jobs]
        self.batches.append(batch)
        self.in_flight += batch

    def open_stream(self, job_id: int) -> BodyStream:
        def ask(word: str) -> Callable[[], None]:
            return lambda: self.asked.append(f"{word} {job_id}")

        stream = self.streams[job_id] = BodyStream(ask("more"), ask("stop"))
        return stream

    def answers(self, seconds: float = 1.0) -> list[Outcome]:
        """The outcomes of all it holds, which it then holds no more."""
        jobs, self.in_flight = self.in_flight, []
        return [outcome_of(job, seconds) for job in jobs]


def outcome_of(job: Sent, seconds: float = 1.0, *, flags: int = wire.RAN) -> Outcome:
    """A job's outcome, by which the job can be told: its body is the job's head."""
    return Outcome(job.id, 200, HEAD, job.head, seconds, flags)


def request_head(
    method: str = "POST", path: str = "/score", *, query: str = "", **headers: str
) -> RequestHead:
    """The head of a request; headers are given with underscores for dashes."""
    pairs = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    client = b"192.0.2.1:50000"
    return RequestHead(
        method.encode(), path.encode(), query.encode(), b"1.1", b"http", client, pairs
    )


class Client:
    """Whoever sent a job: keeps what it is answered."""

    def __init__(self, name: str, body: bytes = b"") -> None:
        self.name = name.encode()
        self.answers: list[Outcome | ReplyError] = []
        self.seconds = -1.0  # that the last one took
        self.on_answer: Callable[[], None] = lambda: None
        self.job: QueuedJob = _ClientJob(self, body)

    @property
    def answer(self) -> Outcome | ReplyError:
        """The one answer it got."""
        (answer,) = self.answers
        return answer

    def got_its_own(self) -> bool:
        answer = self.answer
        return isinstance(answer, Outcome) and answer.body == self.name


class _ClientJob(QueuedJob):
    """A job of a client."""

    def __init__(self, client: Client, body: bytes) -> None:
        super().__init__(client.name, [body])
        self._client = client

    def tell(self, outcome: Outcome | ReplyError, seconds: float) -> None:
        self._client.answers.append(outcome)
        self._client.seconds = seconds
        self._client.on_answer()


def make_fast(dispatcher: DispatchLoop, defer: ManualDefer, worker: FakeWorker) -> None:
    """Lets an attached, idle worker finish so many jobs in no time that it is handed many ahead."""
    for number in range(400):
        dispatcher.submit(Client(f"warm-up {number}").job)
        defer.run()
        dispatcher.complete(worker, worker.answers(seconds=1e-6))
    worker.batches.clear()


class Response(NamedTuple):
    """A response as an ASGI application sent it."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        """The one value of that header, or None."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, f"{name!r} is sent {len(values)} times"
        return values[0] if values else None


class Exchange:
    """One request to an ASGI application, in the running event loop.

    `chunks` are the body as it arrives; after them the client waits, unless `leaves`.
    """

    def __init__(
        self,
        method: str = "POST",
        path: str = "/score",
        *,
        chunks: Iterable[bytes] = (b"",),
        headers: Iterable[tuple[bytes, bytes]] = (),
        leaves: bool = False,
        body_complete: bool = True,
    ) -> None:
        chunks = list(chunks)
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "http_version": "1.1",
            "scheme": "http",
            "client": ("192.0.2.1", 50000),
            "headers": list(headers),
        }
        self._incoming: list[Message] = [
            {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
        ]
        if body_complete:
            self._incoming[-1]["more_body"] = False
        self._gone = asyncio.Event()
        if leaves:
            self._gone.set()
        self.received = 0
        self.answered_after = 0  # how much was received when the answer began
        self.sent: list[Message] = []

    def leave(self) -> None:
        """The client closes the connection."""
        self._gone.set()

    async def receive(self) -> Message:
        if self._incoming:
            self.received += 1
            return self._incoming.pop(0)
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if not self.sent:
            self.answered_after = self.received
        self.sent.append(message)

    async def run(self, app: ASGIApp) -> Response:
        """The response to a request that is answered."""
        await app(self.scope, self.receive, self.send)
        start, *parts = self.sent
        body = b"".join(part["body"] for part in parts)
        return Response(start["status"], list(start["headers"]), body)


class FakeClientTransport(asyncio.Transport):
    """A client's connection: keeps what is written, and whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False
        self.ended = False
        self.reading = True
        self.unsent = 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("192.0.2.1", 50000) if name in ("peername", "sockname") else default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed, "written after the end"
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """The client reads its end, and is read for a while."""
        self.ended = True

    def abort(self) -> None:
        self.closed = True

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


async def turns(count: int = 10) -> None:
    """Lets everything that is ready run, and what becomes ready by it."""
    for _ in range(count):
        await asyncio.sleep(0)
