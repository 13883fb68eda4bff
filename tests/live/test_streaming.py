"""Bodies that a script makes while they are sent, over both paths."""

from __future__ import annotations

import http.client
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests import servers
from tests.live.conftest import Serve
from tests.servers import DEADLINE_SECONDS, Reply, Server, read_reply, wait_until

# run() is told "KIND NAME": what to stream, and by which name to meet its test at gates.
SCRIPT = """
import gates
from flask import Response, request, stream_with_context
from azureml_inference_server_http.api.aml_response import AMLResponse

CHUNK = "x" * 65536

def init(): pass

def letters(name):
    "a, b and c, each but the first behind a gate of its own."
    yield "a"
    for letter in "bc":
        gates.wait(f"{name} {letter}")
        yield letter

def endless(name):
    try:
        while True:
            yield CHUNK
    except GeneratorExit:
        gates.reach(f"{name} closed")
        raise

def many(name):
    for number in range(512):
        (gates.HERE / f"{name}.count").write_text(str(number + 1))
        yield CHUNK

def failing(name):
    yield "a"
    gates.wait(name)
    raise ValueError("raised by the generator")

def failing_at_once(name):
    raise ValueError("raised at once")
    yield

def telling(name):
    yield request.method
    gates.wait(name)
    yield " " + request.headers["X-Word"]

async def letters_async(name):
    try:
        for letter in letters(name):
            yield letter
    finally:
        gates.reach(f"{name} closed")

async def respond(name):
    return Response(letters(name))

KINDS = {
    "generator": letters,
    "response": lambda name: Response(letters(name), mimetype="text/event-stream"),
    "aml": lambda name: AMLResponse(letters(name), 206, {"X-One": "1"}),
    "async": letters_async,
    "coroutine": respond,
    "endless": endless,
    "endless response": lambda name: Response(endless(name)),
    "many": many,
    "failing": failing,
    "failing response": lambda name: Response(failing(name)),
    "at once": failing_at_once,
    "at once response": lambda name: Response(failing_at_once(name)),
    "context": lambda name: Response(stream_with_context(telling(name))),
    "plain": lambda name: name,
}

def run(data):
    kind, _, name = data.partition(": ")
    return KINDS[kind](name)
"""

CHUNK_BYTES = 65536
MANY_BYTES = 512 * CHUNK_BYTES

STREAMS = ["generator", "response", "aml", "async", "coroutine"]


@pytest.fixture(scope="module", params=["true", "false"], ids=["fast path", "ASGI path"])
def path_to_score(request: pytest.FixtureRequest) -> str:
    """The value of SCORESERVE_FAST_PATH."""
    return str(request.param)


@pytest.fixture(scope="module")
def server(path_to_score: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One worker, so that a stream that does not end holds up everything else."""
    env = {"SCORESERVE_FAST_PATH": path_to_score}
    with servers.serve(SCRIPT, tmp_path_factory.mktemp("server"), env=env) as server:
        yield server


class Stream:
    """A streamed response as it comes."""

    def __init__(self, server: Server, kind: str, name: str, **headers: str) -> None:
        self.connection = server.connect()
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        self.connection.request("POST", "/score", f"{kind}: {name}", named)
        self.response = self.connection.getresponse()

    def next(self) -> bytes:
        """What comes next, without waiting for more than that."""
        return self.response.read1()

    def leave(self) -> None:
        """The client hangs up."""
        self.response.close()
        self.connection.close()


def score_request(body: bytes) -> bytes:
    return b"POST /score HTTP/1.1\r\nhost: test\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def open_gates(server: Server, name: str) -> None:
    """Lets a stream of letters come to its end."""
    for letter in "bc":
        server.open(f"{name} {letter}")


def serves_on(server: Server) -> bool:
    """Whether the worker is free for the next request."""
    return bool(server.score("plain: next").json() == "next")


class TestChunks:
    @pytest.mark.parametrize("kind", STREAMS)
    def test_come_as_they_are_made(self, server: Server, kind: str) -> None:
        name = f"come {kind}"
        stream = Stream(server, kind, name)
        assert stream.response.headers["transfer-encoding"] == "chunked"
        assert stream.response.headers["content-length"] is None
        assert stream.next() == b"a"
        server.open(f"{name} b")
        assert stream.next() == b"b"
        server.open(f"{name} c")
        assert stream.next() == b"c"
        assert stream.next() == b""
        assert serves_on(server)

    def test_follow_the_responses_status_and_headers(self, server: Server) -> None:
        open_gates(server, "headers")
        reply = server.score("aml: headers", x_request_id="mine")
        assert (reply.status, reply.body) == (206, b"abc")
        assert (reply.headers["x-one"], reply.headers["x-request-id"]) == ("1", "mine")
        assert float(reply.headers["x-ms-run-fn-exec-ms"]) >= 0

    def test_may_be_told_of_the_request(self, server: Server) -> None:
        """By `stream_with_context`, after run() has returned."""
        stream = Stream(server, "context", "context", x_word="hello")
        assert stream.next() == b"POST"
        server.open("context")
        assert stream.response.read() == b" hello"

    def test_leave_the_connection_good_for_the_next_request(self, server: Server) -> None:
        open_gates(server, "connection")
        connection = server.connect()  # which is not made anew if it is closed
        for _ in range(3):
            connection.request("POST", "/score", "generator: connection")
            assert read_reply(connection).body == b"abc"
        connection.request("POST", "/score", "plain: last")
        assert read_reply(connection).json() == "last"

    def test_end_with_the_connection_for_http_1_0(self, server: Server) -> None:
        """Whole on the ASGI path, since ASGI servers send chunks to such clients too."""
        open_gates(server, "old")
        client = server.raw()
        body = b"generator: old"
        client.sendall(b"POST /score HTTP/1.0\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        received = b""
        while piece := client.recv(1 << 16):
            received += piece
        head, _, sent = received.partition(b"\r\n\r\n")
        assert sent == b"abc"
        assert b"transfer-encoding" not in head.lower()
        assert serves_on(server)


class TestOtherRequests:
    def test_that_wait_behind_a_stream_are_all_answered(self, server: Server) -> None:
        stream = Stream(server, "generator", "before")
        assert stream.next() == b"a"
        names = [f"waits {number}" for number in range(20)]
        waiting = [server.start_score(f"plain: {name}") for name in names]
        assert server.get("/").status == 200  # by now the front has read what came before
        open_gates(server, "before")
        assert stream.response.read() == b"bc"
        assert [request.reply().json() for request in waiting] == names

    def test_that_stream_too_wait_their_turn(self, server: Server) -> None:
        first = Stream(server, "generator", "first")
        assert first.next() == b"a"
        waiting = [server.start_score("generator: second") for _ in range(5)]
        open_gates(server, "second")
        open_gates(server, "first")
        assert first.response.read() == b"bc"
        assert [request.reply().body for request in waiting] == [b"abc"] * 5

    def test_on_the_same_connection_come_after_it(self, server: Server) -> None:
        client = server.raw()
        for body in (b"generator: pipeline", b"plain: after"):
            client.sendall(score_request(body))
        open_gates(server, "pipeline")
        received = b""
        while not received.endswith(b'"after"'):
            piece = client.recv(1 << 16)
            assert piece, received
            received += piece
        first, _, second = received.rpartition(b"HTTP/1.1 200 ")
        assert first.endswith(b"1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n")
        assert second.endswith(b'\r\n\r\n"after"')

    def test_for_the_health_need_not_wait(self, server: Server) -> None:
        stream = Stream(server, "generator", "health")
        assert stream.next() == b"a"
        assert server.get("/").status == 200
        open_gates(server, "health")
        assert stream.response.read() == b"bc"


class TestClientsThatLeave:
    @pytest.mark.parametrize("kind", ["endless", "endless response"])
    def test_close_the_generator(self, server: Server, kind: str) -> None:
        name = f"leaves {kind}"
        stream = Stream(server, kind, name)
        assert stream.next()
        stream.leave()
        server.wait_reached(f"{name} closed")
        assert serves_on(server)

    @pytest.mark.parametrize("kind", STREAMS)
    def test_while_it_works_do_no_harm(self, server: Server, kind: str) -> None:
        name = f"works {kind}"
        stream = Stream(server, kind, name)
        assert stream.next() == b"a"
        stream.leave()
        open_gates(server, name)
        assert serves_on(server)
        if kind == "async":
            server.wait_reached(f"{name} closed")

    def test_before_it_begins_do_no_harm(self, server: Server) -> None:
        holder = Stream(server, "generator", "holds")
        assert holder.next() == b"a"
        client = server.raw()
        client.sendall(score_request(b"endless: unseen"))
        assert server.get("/").status == 200  # by now the front has read what came before
        client.close()
        open_gates(server, "holds")
        assert holder.response.read() == b"bc"
        assert serves_on(server)


@contextmanager
def connect_with_little_buffer(server: Server) -> Iterator[socket.socket]:
    """A connection that takes in hardly anything that nobody reads."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
        client.settimeout(DEADLINE_SECONDS)
        client.connect(("127.0.0.1", server.port))
        yield client


def test_a_slow_reader_holds_the_generator_back(server: Server) -> None:
    """Or a body would pile up in the front until its memory is gone."""
    count = server.directory / "slow.count"
    with connect_with_little_buffer(server) as client:
        client.sendall(score_request(b"many: slow"))
        wait_until(lambda: count.exists() and count.read_text(), "the generator has begun")
        probes = server.connect()
        seen: list[str] = []

        def has_stopped() -> bool:
            """Many turns of the front's loop have brought no chunk."""
            probes.request("GET", "/")
            assert read_reply(probes).status == 200
            seen.append(count.read_text())
            return len(seen) >= 100 and len(set(seen[-100:])) == 1

        wait_until(has_stopped, "the generator stops")
        assert int(seen[-1]) * CHUNK_BYTES < MANY_BYTES / 2  # what the sockets' buffers hold
        response = http.client.HTTPResponse(client)
        response.begin()
        assert len(response.read()) == MANY_BYTES
        response.close()
    assert serves_on(server)


class TestBodiesThatBreakOff:
    @pytest.mark.parametrize("kind", ["failing", "failing response"])
    def test_end_the_connection_without_the_last_chunk(self, server: Server, kind: str) -> None:
        name = f"breaks {kind}"
        stream = Stream(server, kind, name)
        assert stream.next() == b"a"
        server.open(name)
        with pytest.raises(http.client.IncompleteRead):
            stream.response.read()
        assert serves_on(server)
        assert "The response body broke off" in server.output
        assert "ValueError: raised by the generator" in server.output

    @pytest.mark.parametrize("kind", ["at once", "at once response"])
    def test_before_the_first_chunk_are_a_500(self, server: Server, kind: str) -> None:
        reply: Reply = server.score(f"{kind}: now")
        assert reply.status == 500
        assert reply.message.startswith("An unexpected internal error occurred.")
        assert "ValueError: raised at once" in server.output
        assert serves_on(server)


def test_the_scoring_timeout_is_run_s_alone(serve: Serve, path_to_score: str) -> None:
    """A stream may take as long as its client likes."""
    script = """
import gates, time
def init(): pass
def run(data):
    began = time.monotonic()
    yield "a"
    while time.monotonic() < began + 0.3:  # far beyond the timeout
        pass
    yield "b"
"""
    env = {"SCORING_TIMEOUT_MS": "100", "SCORESERVE_FAST_PATH": path_to_score}
    with serve(script, env=env) as server:
        assert [server.score().body for _ in range(2)] == [b"ab", b"ab"]


def test_a_stream_is_drained_before_the_server_stops(serve: Serve, path_to_score: str) -> None:
    with serve(SCRIPT, env={"SCORESERVE_FAST_PATH": path_to_score}) as server:
        stream = Stream(server, "generator", "drained")
        assert stream.next() == b"a"
        server.signal(signal.SIGTERM)
        open_gates(server, "drained")
        assert stream.response.read() == b"bc"
        assert server.wait_exit() == 0
