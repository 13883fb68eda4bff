"""Logs that cannot be written: no request fails or waits for that."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.live.conftest import Serve
from tests.servers import Server

SCRIPT = """
import sys
print("imported")
def init(): pass
def run(data):
    print("x" * 1000)
    sys.stderr.write("x" * 1000 + "\\n")
    return data
"""

REQUESTS = 300  # whose lines are far more than a pipe holds


def nobody_reads() -> Iterator[int]:
    """A pipe whose reader is there, and does nothing."""
    reader, writer = os.pipe()
    yield writer
    os.close(writer)
    os.close(reader)


def nobody_is_left() -> Iterator[int]:
    """A pipe whose reader has ended."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


def is_full() -> Iterator[int]:
    """A disk without room."""
    with open("/dev/full", "wb") as file:
        yield file.fileno()


def check(server: Server) -> None:
    connection = server.connect()
    for number in range(REQUESTS):
        connection.request("POST", "/score", str(number))
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b'"%d"' % number)
    assert server.get("/").status == 200


@pytest.mark.parametrize("path_to_score", ["true", "false"], ids=["fast path", "ASGI path"])
@pytest.mark.parametrize("make", [nobody_reads, nobody_is_left, is_full])
def test_cost_nothing_but_themselves(
    serve: Serve, make: Callable[[], Iterator[int]], path_to_score: str
) -> None:
    outputs = make()
    with serve(SCRIPT, env={"SCORESERVE_FAST_PATH": path_to_score}, output=next(outputs)) as server:
        check(server)
    assert list(outputs) == []


def test_of_a_script_that_closes_them_cost_nothing_either(serve: Serve) -> None:
    closes = """
import os, sys
def init(): sys.stdout.close(), sys.stderr.close()
def run(data):
    print(data)
    if data == "descriptors":
        os.close(1), os.close(2)
    if data == "fails":
        raise ValueError
    return data
"""
    with serve(closes) as server:
        workers = server.workers()
        assert server.score("descriptors").status == 200
        assert server.score("fails").status == 500
        assert server.score("after").json() == "after"
        assert server.workers() == workers
