"""More than the workers can do: refused at once or in time, and never run for nobody."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.faults.raw_http import post
from tests.live.conftest import Serve
from tests.servers import Server, wait_until

SCRIPT = """
import gates
def init():
    gates.reach("init")
def run(data):
    with open("runs", "a") as file:
        file.write(data + "\\n")
    if data == "first":
        gates.reach("first")
        gates.wait("answer")
    return data
"""

INIT_WAITS = """
import gates, pathlib
def init():
    if pathlib.Path("started").exists():
        gates.reach("replacement")
        gates.wait("init")
    pathlib.Path("started").touch()
def run(data):
    gates.reach(data)
    if data == "first":
        gates.wait("answer")
    return data
"""


@pytest.fixture(params=["true", "false"], ids=["fast path", "ASGI path"])
def path_to_score(request: pytest.FixtureRequest) -> dict[str, str]:
    return {"SCORESERVE_FAST_PATH": str(request.param)}


def runs(server: Server) -> list[str]:
    """What run() was called with."""
    return (server.directory / "runs").read_text().split()


def let_it_be_read(server: Server) -> None:
    """Returns when the front has read all that was sent to it before."""
    assert server.get("/").status == 200


def test_ten_times_the_queue_is_answered_200_or_503(
    serve: Serve, path_to_score: dict[str, str]
) -> None:
    with serve(SCRIPT, env={"SCORESERVE_MAX_QUEUE": "10", **path_to_score}) as server:
        running = server.start_score("first")
        server.wait_reached("first")
        requests = [server.start_score(f"request-{number}") for number in range(100)]
        let_it_be_read(server)
        server.open("answer")
        replies = [running.reply(), *(request.reply() for request in requests)]
        scored = [reply for reply in replies if reply.status == 200]
        refused = [reply for reply in replies if reply.status == 503]
        assert (len(scored), len(refused)) == (11, 90)
        assert len(runs(server)) == len(scored)
        for reply in refused:
            assert 1 <= int(reply.headers["retry-after"]) <= 300
            assert "10 requests are waiting" in reply.message
        assert server.score("after").json() == "after"


def test_as_many_as_may_wait_are_all_scored(serve: Serve) -> None:
    """The one that runs does not count, though it comes in the same moment."""
    with serve(SCRIPT, env={"SCORESERVE_MAX_QUEUE": "3"}) as server:
        requests = [server.start_score(f"request-{number}") for number in range(4)]
        assert [request.reply().status for request in requests] == [200] * 4


def test_a_request_that_waited_too_long_is_never_run(
    serve: Serve, path_to_score: dict[str, str]
) -> None:
    with serve(SCRIPT, env={"SCORESERVE_QUEUE_TIMEOUT_MS": "200", **path_to_score}) as server:
        running = server.start_score("first")
        server.wait_reached("first")
        reply = server.score("late")
        assert reply.status == 503
        assert "200 ms" in reply.message
        assert int(reply.headers["retry-after"]) >= 1
        server.open("answer")
        assert running.reply().status == 200
        assert server.score("after").status == 200
        assert runs(server) == ["first", "after"]


def test_so_is_one_that_waits_for_a_worker_that_does_not_come(serve: Serve) -> None:
    with serve(INIT_WAITS, env={"SCORESERVE_QUEUE_TIMEOUT_MS": "300"}) as server:
        running = server.start_score("first")
        server.wait_reached("first")
        os.kill(server.workers()[0], signal.SIGKILL)
        assert running.reply().status == 502
        server.wait_reached("replacement")
        reply = server.score("late")
        assert reply.status == 503
        assert "300 ms" in reply.message
        server.open("init")
        server.wait_healthy()
        assert server.score("after").json() == "after"


def test_clients_that_left_cost_no_run(serve: Serve, path_to_score: dict[str, str]) -> None:
    with serve(SCRIPT, env=path_to_score) as server:
        running = server.start_score("first")
        server.wait_reached("first")
        leaving = [server.raw() for _ in range(20)]
        for client in leaving:
            client.sendall(post(b"abandoned") + post(b"abandoned"))
        let_it_be_read(server)
        time.sleep(0.2)  # the ASGI path looks for clients that leave ten times a second
        for client in leaving:
            client.close()
        staying = server.start_score("stays")
        wait_for_looks(server)
        server.open("answer")
        assert running.reply().status == 200
        assert staying.reply().json() == "stays"
        assert runs(server) == ["first", "stays"]


def test_so_do_those_whose_first_request_is_running(
    serve: Serve, path_to_score: dict[str, str]
) -> None:
    """A connection with requests in line is not read: its end is noticed all the same."""
    with serve(SCRIPT, env=path_to_score) as server:
        client = server.raw()
        client.sendall(post(b"first") + post(b"abandoned") + post(b"abandoned"))
        server.wait_reached("first")
        client.close()
        server.open("answer")
        assert server.score("after").json() == "after"
        assert runs(server) == ["first", "after"]


def wait_for_looks(server: Server) -> None:
    """Waits until the front has looked at its connections, which it does once a second."""
    port = f":{server.port:04X}"
    wait_until(lambda: not half_closed(port), "the front has seen who left")


def half_closed(port: str) -> bool:
    """Whether a connection to this port is closed by its client alone."""
    with open("/proc/net/tcp", encoding="ascii") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    return any(row[1].endswith(port) and row[3] == "08" for row in rows)
