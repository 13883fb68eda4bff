"""Requests and their answers, over one server that is never hurt."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from tests import servers
from tests.servers import Reply, Server, read_reply, wait_until

AT_ONCE = 300  # requests

SCRIPT = """
import os, threading
inits = []

def init():
    inits.append(threading.current_thread() is threading.main_thread())

def run(data):
    if data == "where":
        on_main_thread = threading.current_thread() is threading.main_thread()
        return {"pid": os.getpid(), "inits": inits, "on_main_thread": on_main_thread}
    if data.startswith("length:"):
        return len(data)
    return {"got": data}
"""


@pytest.fixture(scope="module", params=["true", "false"], ids=["fast path", "ASGI path"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Two workers, both ready."""
    directory = tmp_path_factory.mktemp("server")
    args = ["--entry_script", "score.py", "--worker_count", "2"]
    # By itself, how many may wait follows from how fast the workers are: on a busy machine, few.
    env = {"SCORESERVE_FAST_PATH": request.param, "SCORESERVE_MAX_QUEUE": str(AT_ONCE)}
    with servers.serve(SCRIPT, directory, args=args, env=env) as server:
        ready = "ready for serving traffic"
        wait_until(lambda: server.output.count(ready) == 2, "both workers are ready")
        yield server


def score_request(body: bytes, *headers: bytes) -> bytes:
    lines = [b"POST /score HTTP/1.1", b"host: test", *headers]
    return b"\r\n".join([*lines, b"content-length: %d" % len(body), b"", body])


def read_replies(received: bytes) -> list[Reply]:
    """The complete replies among these bytes."""
    replies: list[Reply] = []
    while True:
        head, found, rest = received.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        length = int(headers.get("content-length", 0))
        if not found or len(rest) < length:
            return replies
        replies.append(Reply(int(status.split()[1]), headers, rest[:length]))
        received = rest[length:]


def receive_replies(client: socket.socket, count: int) -> list[Reply]:
    """Waits for so many replies on one connection."""
    received = b""
    while len(read_replies(received)) < count:
        piece = client.recv(1 << 16)
        assert piece, f"closed after {received!r}"
        received += piece
    return read_replies(received)


def test_a_body_is_scored(server: Server) -> None:
    reply = server.score("[1, 2]", x_request_id="mine")
    assert (reply.status, reply.json()) == (200, {"got": "[1, 2]"})
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-request-id"] == "mine"
    assert float(reply.headers["x-ms-run-fn-exec-ms"]) >= 0


def test_a_query_is_scored(server: Server) -> None:
    reply = server.get("/score?a=1&b=x")
    assert reply.status == 200
    assert json.loads(reply.json()["got"]) == {"a": 1, "b": "x"}


def test_init_runs_once_and_run_runs_on_the_main_thread(server: Server) -> None:
    for _ in range(10):
        found = server.score("where").json()
        assert found["inits"] == [True]
        assert found["on_main_thread"]
        assert found["pid"] in server.workers()


def test_bodies_of_megabytes_arrive_whole(server: Server) -> None:
    body = "length:" + "ä" * 2_500_000
    assert server.score(body).json() == len(body)


def test_results_of_megabytes_arrive_whole(server: Server) -> None:
    body = "".join(map(str, range(500_000)))
    assert server.score(body).json() == {"got": body}


def test_a_body_may_come_in_chunks(server: Server) -> None:
    chunks = (b"%d," % number for number in range(1000))
    reply = server.send("POST", "/score", chunks).reply()
    assert reply.json() == {"got": "".join(f"{number}," for number in range(1000))}


def test_each_of_many_concurrent_requests_gets_its_own_answer(server: Server) -> None:
    for _ in range(2):  # the second time, workers are known to be fast and get many at once
        names = [f"request {number}" for number in range(AT_ONCE)]
        pending = {name: server.start_score(name, x_request_id=name) for name in names}
        for name, request in pending.items():
            reply = request.reply()
            assert (reply.status, reply.json()) == (200, {"got": name})
            assert reply.headers["x-request-id"] == name


def test_one_connection_serves_many_requests(server: Server) -> None:
    connection = server.connect()  # which is not made anew if it is closed
    for number in range(200):
        connection.request("POST", "/score", str(number))
        assert read_reply(connection).json() == {"got": str(number)}


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    client = server.raw()
    bodies = [b"%d" % number for number in range(20)]
    client.sendall(b"".join(map(score_request, bodies)))
    replies = receive_replies(client, len(bodies))
    assert [reply.json()["got"].encode() for reply in replies] == bodies


def test_a_client_that_waits_for_100_continue_gets_it(server: Server) -> None:
    client = server.raw()
    client.sendall(score_request(b"1234", b"expect: 100-continue")[: -len(b"1234")])
    assert client.recv(1 << 16).startswith(b"HTTP/1.1 100 ")
    client.sendall(b"1234")
    (reply,) = receive_replies(client, 1)
    assert reply.json() == {"got": "1234"}


def test_what_is_no_http_is_400_and_closed(server: Server) -> None:
    client = server.raw()
    client.sendall(b"no http\r\n\r\n")
    assert client.recv(1 << 16).startswith(b"HTTP/1.1 400 ")
    assert client.recv(1) == b""


@pytest.mark.parametrize("sent", [0, 10, -2], ids=["nothing", "half a head", "half a body"])
def test_clients_that_leave_too_early_do_no_harm(server: Server, sent: int) -> None:
    workers = server.workers()
    client = server.raw()
    client.sendall(score_request(b"body")[:sent])
    client.close()
    assert server.score("next").json() == {"got": "next"}
    assert server.workers() == workers


def test_clients_that_leave_with_their_answer_unread_do_no_harm(server: Server) -> None:
    workers = server.workers()
    client = server.raw()
    client.sendall(score_request(b"x" * 5_000_000))
    client.close()
    assert server.score("next").json() == {"got": "next"}
    assert server.workers() == workers


def test_other_paths_and_methods_are_refused(server: Server) -> None:
    assert server.get("/other").status == 404
    assert server.send("PUT", "/score").reply().status == 405
    assert server.send("DELETE", "/").reply().status == 405


def test_a_request_to_the_wrong_path_may_have_a_body(server: Server) -> None:
    """And the connection is still good for the next one."""
    connection = server.connect()
    connection.request("POST", "/other", b"x" * 1_000_000)
    assert read_reply(connection).status == 404
    connection.request("POST", "/score", b"next")
    assert read_reply(connection).json() == {"got": "next"}
