"""Clients that are idle or slow: they wait, they are closed in the end, and they hurt nobody."""

from __future__ import annotations

import contextlib
import resource
import socket
from collections.abc import Iterator

import pytest

from tests.faults.raw_http import POST, post, read_all, replies_in
from tests.live.conftest import Serve
from tests.servers import Server, read_reply, wait_until

ECHO = "def init(): pass\ndef run(data): return data\n"

WAITS = """
import gates
def init(): pass
def run(data):
    gates.reach(data)
    gates.wait("answer")
    return data
"""

STREAMS = """
import gates
from azureml_inference_server_http.api.aml_response import AMLResponse
def init(): pass
def chunks():
    try:
        while True:
            yield b"x" * 1_000_000
    finally:
        gates.reach("closed")
def run(data):
    return AMLResponse(chunks(), 200) if data == "stream" else "x" * int(data)
"""

IMPATIENT = {"SCORESERVE_CLIENT_TIMEOUT_SECONDS": "1", "SCORESERVE_KEEP_ALIVE_SECONDS": "1"}


@pytest.fixture(params=["true", "false"], ids=["fast path", "ASGI path"])
def path_to_score(request: pytest.FixtureRequest) -> dict[str, str]:
    return {"SCORESERVE_FAST_PATH": str(request.param)}


@pytest.fixture
def many_files() -> Iterator[None]:
    """This process may open many files, and so may the servers it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def front_of(server: Server) -> int:
    """The process id of its front."""
    (front,) = set(server.processes("azmlinfsrv")) - {server.process.pid}
    return front


@pytest.mark.usefixtures("many_files")
def test_a_thousand_idle_and_a_thousand_slow_clients_hurt_nobody(serve: Serve) -> None:
    with serve(ECHO) as server:
        active = server.connect()
        idle = [server.raw() for _ in range(1000)]
        slow = [server.raw() for _ in range(1000)]
        for client in slow:
            client.sendall(POST + b"X-A: ")
        for number in range(20):
            active.request("POST", "/score", str(number))
            assert read_reply(active).json() == str(number)
            assert server.score("new").json() == "new"
        for client in (idle[0], idle[-1]):
            client.sendall(post(b"idle", b"Connection: close"))
            assert read_all(client).endswith(b'"idle"')


@pytest.mark.usefixtures("many_files")
def test_idle_and_slow_clients_make_room_for_an_active_one(serve: Serve) -> None:
    with serve(ECHO, env={"SCORESERVE_MAX_CONNECTIONS": "20"}) as server:
        for _ in range(30):
            server.raw()
        assert server.score("data").json() == "data"
        for _ in range(30):
            server.raw().sendall(POST)
        assert server.score("data").json() == "data"


def test_when_all_connections_are_busy_a_new_client_is_told_to_come_back(serve: Serve) -> None:
    with serve(WAITS, env={"SCORESERVE_MAX_CONNECTIONS": "16"}) as server:
        requests = [server.start_score("busy") for _ in range(15)]
        last = server.connect()
        last.request("POST", "/score", "busy")
        server.wait_reached("busy")
        (refusal,) = replies_in(read_all(server.raw()))
        assert refusal.status == 503
        assert int(refusal.headers["retry-after"]) >= 1
        assert "16" in refusal.message
        server.open("answer")
        assert [request.reply().status for request in requests] == [200] * 15
        assert read_reply(last).status == 200


def test_a_server_out_of_descriptors_accepts_again_when_it_has_some(serve: Serve) -> None:
    with serve(ECHO) as server:
        active = server.connect()
        active.request("POST", "/score", "before")
        read_reply(active)
        front = front_of(server)
        before = resource.prlimit(front, resource.RLIMIT_NOFILE)
        resource.prlimit(front, resource.RLIMIT_NOFILE, (40, before[1]))
        clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(100)]
        active.request("POST", "/score", "meanwhile")
        assert read_reply(active).json() == "meanwhile"
        for client in clients:
            client.close()
        wait_until(server.is_healthy, "new connections are accepted")
        resource.prlimit(front, resource.RLIMIT_NOFILE, before)
        assert server.score("after").json() == "after"


@pytest.mark.parametrize(
    "begun",
    [POST, POST + b"Content-Length: 10\r\n\r\n12345", POST + b"Transfer-Encoding: chunked\r\n\r\n"],
    ids=["head", "body", "chunks"],
)
def test_a_request_that_never_ends_is_answered_408(
    serve: Serve, path_to_score: dict[str, str], begun: bytes
) -> None:
    with serve(ECHO, env={**IMPATIENT, **path_to_score}) as server:
        client = server.raw()
        client.sendall(begun)
        (reply,) = replies_in(read_all(client))
        assert (reply.status, reply.headers["connection"]) == (408, "close")
        assert reply.message


def test_a_head_that_comes_byte_by_byte_is_answered_408(serve: Serve) -> None:
    with serve(ECHO, env=IMPATIENT) as server:
        client = server.raw()
        client.settimeout(0.05)
        client.sendall(POST + b"X-A: ")
        received = b""
        while not received:
            with contextlib.suppress(TimeoutError):
                client.sendall(b"a")
                received = client.recv(1 << 16)
        assert received.startswith(b"HTTP/1.1 408 ")


def test_a_request_under_way_is_not_idle(serve: Serve) -> None:
    """However long run() takes; and what follows it has its time from then on."""
    with serve(WAITS, env=IMPATIENT) as server:
        connection, idle = server.connect(), server.raw()
        connection.request("POST", "/score", "busy")
        server.wait_reached("busy")
        assert read_all(idle) == b""  # it is closed meanwhile, as is shown to last long enough
        server.open("answer")
        assert read_reply(connection).json() == "busy"
        connection.request("POST", "/score", "again")
        assert read_reply(connection).json() == "again"


def test_a_stream_that_nobody_reads_gives_its_worker_back(
    serve: Serve, path_to_score: dict[str, str]
) -> None:
    with serve(STREAMS, env={**IMPATIENT, **path_to_score}) as server:
        client = server.raw()
        client.sendall(post(b"stream"))
        server.wait_reached("closed")
        assert server.score("3").json() == "xxx"


def test_a_long_answer_that_nobody_reads_is_let_go_of(
    serve: Serve, path_to_score: dict[str, str]
) -> None:
    with serve(STREAMS, env={**IMPATIENT, **path_to_score}) as server:
        client = server.raw()
        client.sendall(post(b"50000000"))
        client.recv(1)
        front = front_of(server)
        wait_until(lambda: not connected(front, client), "the connection is gone")


def connected(process: int, client: socket.socket) -> bool:
    """Whether a process of this machine still holds the other end of a connection."""
    port = client.getsockname()[1]
    with open(f"/proc/{process}/net/tcp", encoding="ascii") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    return any(row[2].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


def test_slow_bodies_keep_no_honest_client_out(serve: Serve, path_to_score: dict[str, str]) -> None:
    with serve(ECHO, env={"SCORESERVE_MAX_CONNECTIONS": "20", **path_to_score}) as server:
        slow = [server.raw() for _ in range(20)]
        for client in slow:
            client.sendall(post(b"x" * 1000)[:-999])

        def is_served() -> bool:
            with contextlib.suppress(ConnectionError):
                return server.score("honest").status == 200
            return False

        wait_until(is_served, "an honest client is served")
