"""The load generator, against servers that are a coroutine each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from scoreserve.bench.client import measure
from tests.ports import free_port

SECONDS = 0.2

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def measured(answer: Answer, files: list[Path], connections: int = 2) -> dict[str, Any]:
    """The figures of a load on a server that treats each connection like this."""
    port = free_port()

    async def run() -> dict[str, Any]:
        async with await asyncio.start_server(answer, "127.0.0.1", port):
            return await measure(
                f"http://127.0.0.1:{port}/score",
                [(str(file), "application/json") for file in files],
                connections,
                SECONDS,
                reply_seconds=5.0,
            )

    return asyncio.run(run())


@pytest.fixture
def samples(tmp_path: Path) -> list[Path]:
    """Two files with bodies of different lengths."""
    files = [tmp_path / "one.json", tmp_path / "two.json"]
    files[0].write_text("[1]")
    files[1].write_text("[1, 2]")
    return files


async def request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """Head and body of the next request; raises IncompleteReadError at the end."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0])
    return head, await reader.readexactly(length)


def answering(response: bytes, seen: list[tuple[str, bytes]], keep: bool = True) -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                seen.append(await request(reader))
                writer.write(response)
                if not keep:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    return answer


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"


@pytest.mark.parametrize("response", [OK, CHUNKED], ids=["sized", "chunked"])
def test_samples_are_posted_in_turn(samples: list[Path], response: bytes) -> None:
    seen: list[tuple[str, bytes]] = []
    figures = measured(answering(response, seen), samples)
    assert figures["requests"] > 2
    assert figures["errors"] == {}
    assert 0 < figures["p50_ms"] <= figures["p99_ms"]
    assert seen[0][0].startswith("POST /score HTTP/1.1\r\n")
    assert {body for _, body in seen} == {b"[1]", b"[1, 2]"}


def test_other_statuses_are_errors(samples: list[Path]) -> None:
    figures = measured(answering(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", []), samples)
    assert figures["errors"]["status 503"] == figures["requests"] > 0


def test_a_connection_that_the_server_closes_is_opened_anew(samples: list[Path]) -> None:
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    figures = measured(answering(closing, [], keep=False), samples, connections=1)
    assert figures["requests"] > 1
    assert figures["errors"] == {}


def test_an_answer_that_breaks_off_is_an_error(samples: list[Path]) -> None:
    broken = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"
    figures = measured(answering(broken, [], keep=False), samples)
    assert figures["requests"] == 0
    assert figures["errors"]["disconnected"] > 0


def test_what_is_no_http_is_an_error(samples: list[Path]) -> None:
    figures = measured(answering(b"SSH-2.0-OpenSSH\r\n", []), samples)
    assert figures["errors"]["no HTTP"] > 0


def test_one_answer_that_is_slower_than_the_reading_counts(samples: list[Path]) -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        await asyncio.sleep(2 * SECONDS)
        writer.write(OK)
        writer.close()

    figures = measured(slow, samples, connections=1)
    assert figures["requests"] == 1
    assert figures["seconds"] >= 2 * SECONDS


def test_nobody_listens(samples: list[Path]) -> None:
    url = f"http://127.0.0.1:{free_port()}/score"
    figures = asyncio.run(measure(url, [(str(samples[0]), "text/plain")], 1, SECONDS, 5.0))
    assert figures["requests"] == 0
    assert figures["errors"]["not connected"] > 0
