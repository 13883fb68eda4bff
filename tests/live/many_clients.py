"""Many clients at once, each with requests that no other sends."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from tests.servers import DEADLINE_SECONDS, Server

CLIENTS = 32
LONGEST_ID = 100
PIPELINED = 8  # requests that a client sends before it reads their answers

# By itself, how many may wait follows from how fast the workers are: on a busy machine, few.
ALL_MAY_WAIT = {"SCORESERVE_MAX_QUEUE": str(CLIENTS * PIPELINED)}


class Answer(NamedTuple):
    """What a request was answered."""

    status: int
    head: str
    body: Any

    def milliseconds(self) -> float:
        """What run() is said to have taken."""
        _, _, rest = self.head.partition("x-ms-run-fn-exec-ms: ")
        return float(rest.split("\r\n")[0])


async def _read(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.partition("content-length: ")[2].split("\r\n")[0])
    return Answer(int(head.split()[1]), head, json.loads(await reader.readexactly(length)))


async def _ask(port: int, path: str, mine: Sequence[str], answers: dict[str, Answer]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.closing(writer):
        for start in range(0, len(mine), PIPELINED):
            some = mine[start : start + PIPELINED]
            for text in some:
                writer.write(
                    f"POST {path} HTTP/1.1\r\nhost: localhost\r\n"
                    f"content-type: application/json\r\nx-request-id: {text[:LONGEST_ID]}\r\n"
                    f"content-length: {len(text)}\r\n\r\n{text}".encode()
                )
            for text in some:
                answer = answers[text] = await _read(reader)
                assert f"x-request-id: {text[:LONGEST_ID].lower()}\r\n" in answer.head


async def _ask_from_all(server: Server, bodies: Sequence[str], path: str) -> dict[str, Answer]:
    answers: dict[str, Answer] = {}
    shares = [bodies[number::CLIENTS] for number in range(CLIENTS)]
    clients = [_ask(server.port, path, share, answers) for share in shares if share]
    await asyncio.wait_for(asyncio.gather(*clients), 2 * DEADLINE_SECONDS)
    return answers


def ask_all(server: Server, bodies: Sequence[str], path: str = "/score") -> dict[str, Answer]:
    """Sends distinct requests from many clients at once; the answer to each."""
    answers = asyncio.run(_ask_from_all(server, bodies, path))
    assert len(answers) == len(bodies)
    return answers
