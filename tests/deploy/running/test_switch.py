"""The switch, in a process of its own, in front of servers of a few lines."""

from __future__ import annotations

import http.client
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from scoreserve.deploy.running.switch import Routes, RoutesFile
from tests.http_server import serving
from tests.ports import free_port
from tests.servers import wait_until

SECONDS = 30.0
SERVE = """
import asyncio, sys
from scoreserve.deploy.running import switch
asyncio.run(switch.serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""


@dataclass(frozen=True)
class Running:
    """A switch that listens, and what says where it leads."""

    file: RoutesFile
    live: int
    candidate: int


@pytest.fixture
def switch(tmp_path: Path) -> Iterator[Running]:
    live, candidate = free_port(), free_port()
    path = tmp_path / "routes.json"
    command = [sys.executable, "-c", SERVE, str(path), str(live), str(candidate)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        yield Running(RoutesFile(str(path)), live, candidate)
        process.terminate()
        assert process.wait(SECONDS) == 0


@contextmanager
def server(name: str) -> Iterator[str]:
    """A server that answers every request with its name and the length of the body; its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = f"{name} {len(self.rfile.read(length))}".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with serving(Handler) as port:
        yield f"127.0.0.1:{port}"


def post(connection: http.client.HTTPConnection, body: bytes = b"x") -> str:
    connection.request("POST", "/", body)
    return connection.getresponse().read().decode()


def ask(port: int, body: bytes = b"x") -> str:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)) as connection:
        return post(connection, body)


def test_each_port_leads_to_its_container(switch: Running) -> None:
    with server("old") as old, server("new") as new:
        switch.file.replace(Routes(live=old, candidate=new))
        assert (ask(switch.live), ask(switch.candidate)) == ("old 1", "new 1")


def test_large_bodies_pass_as_they_are(switch: Running) -> None:
    with server("old") as old:
        switch.file.replace(Routes(live=old))
        assert ask(switch.live, b"x" * 5_000_000) == "old 5000000"


def test_no_request_fails_while_it_is_switched(switch: Running) -> None:
    with ExitStack() as stack:
        old, new = (stack.enter_context(server(name)) for name in ("old", "new"))
        switch.file.replace(Routes(live=old))
        answers: list[str] = []
        switched = threading.Event()
        failures: list[Exception] = []

        def client() -> None:
            try:
                while not switched.is_set() or not answers[-1].startswith("new"):
                    answers.append(ask(switch.live))
            except Exception as error:  # noqa: BLE001  # told by the test
                failures.append(error)

        threads = [threading.Thread(target=client) for _ in range(4)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(answers) >= 20 or bool(failures), "the old one answers")
        switch.file.replace(Routes(live=new))
        switched.set()
        for thread in threads:
            thread.join(SECONDS)
        assert not failures
        assert {re.sub(" .*", "", answer) for answer in answers} == {"old", "new"}


def test_a_connection_stays_where_it_is(switch: Running) -> None:
    """The container that it came to ends it, when it has answered."""
    with server("old") as old, server("new") as new:
        switch.file.replace(Routes(live=old))
        connection = http.client.HTTPConnection("127.0.0.1", switch.live, timeout=SECONDS)
        with closing(connection):
            assert post(connection) == "old 1"
            switch.file.replace(Routes(live=new))
            assert post(connection) == "old 1"
            assert ask(switch.live) == "new 1"


def test_a_client_that_says_it_is_done_gets_its_answer(switch: Running) -> None:
    with server("old") as old:
        switch.file.replace(Routes(live=old))
        with socket.create_connection(("127.0.0.1", switch.live), timeout=SECONDS) as client:
            client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx")
            client.shutdown(socket.SHUT_WR)
            received = b"".join(iter(lambda: client.recv(4096), b""))
        assert received.endswith(b"old 1")


@pytest.mark.parametrize("target", ["", "127.0.0.1:1"], ids=["nowhere", "nobody listens there"])
def test_a_connection_that_leads_nowhere_is_ended(switch: Running, target: str) -> None:
    switch.file.replace(Routes(live=target))
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        ask(switch.live)


def test_routes_are_read_as_they_are_written() -> None:
    routes = Routes("10.0.0.1:5001", "10.0.0.2:5001", proven=True)
    assert Routes.from_text(routes.text) == routes
