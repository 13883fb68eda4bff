"""Other servers of these protocols, started as programs of their own environments."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.ports import free_port
from tests.protocols.conftest import PROGRAMS, python_of
from tests.servers import wait_until

STARTS_SECONDS = 120.0  # they import much, on machines that are busy


class Answer(NamedTuple):
    """What a request was answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@contextlib.contextmanager
def peer(environment: str, program: str, directory: Path, probe: str) -> Iterator[str]:
    """Starts one of the programs; gives its address once it answers the `probe`, a path."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    log = directory / f"{program}.log"
    command: list[str | Path] = [
        python_of(environment),
        PROGRAMS / f"{program}.py",
        directory / program,
        str(port),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory,
            start_new_session=True,
        )
    try:
        wait_until(
            lambda: _answers(address + probe),
            f"{program} answers",
            unless=lambda: None if process.poll() is None else log.read_text(encoding="utf-8"),
            seconds=STARTS_SECONDS,
        )
        yield address
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answers(url: str) -> bool:
    try:
        return request(url).status == 200
    except OSError:
        return False


def request(
    url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """The answer to a POST of this body, or to a GET without one."""
    asked = urllib.request.Request(url, body, dict(headers or {}))
    try:
        with urllib.request.urlopen(asked) as answer:
            return _read(answer)
    except urllib.error.HTTPError as error:
        return _read(error)


def _read(answer: Any) -> Answer:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Answer(answer.status, headers, answer.read())
