"""A template as the front sees it: what it was asked for, and what becomes of that at its end."""

from __future__ import annotations

import asyncio
import io
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from scoreserve.front.processes import child
from scoreserve.front.processes.child import Process
from scoreserve.front.processes.template import Template
from scoreserve.start_failure import StartFailure
from scoreserve.worker_setup import Obstacle

DEADLINE_SECONDS = 30.0

# Tells that it is ready, looks at the first request once a file is there, and answers each with an
# id that no worker has; then dies, or goes on until the front has closed its end.
CHILD = """
import os, socket, sys, time
from scoreserve import wire
go, answers, descriptor = sys.argv[1], int(sys.argv[2]), int(sys.argv[-1])
front = socket.socket(fileno=descriptor)
front.recv(1 << 18)
front.send(wire.frame(wire.READY, b"[]"))
while not os.path.exists(go):
    time.sleep(0.01)
while socket.recv_fds(front, 1 << 18, 2)[0] and answers:
    front.send(wire.frame(wire.FORKED, b'{"pid": %d, "why": ""}' % os.getpid()))
    answers -= 1
"""


class Events:
    """What became of a template."""

    def __init__(self) -> None:
        self.loaded = False
        self.exit_code: int | None = None

    def template_loaded(self, template: Template, obstacles: Sequence[Obstacle]) -> None:
        self.loaded = True

    def template_failed(self, template: Template, why: StartFailure) -> None:
        raise NotImplementedError

    def template_gone(self, template: Template, exit_code: int) -> None:
        self.exit_code = exit_code


class Scene:
    """A template that answers so many requests, and looks at the first when it is let go."""

    def __init__(self, go: str, answers: int, monkeypatch: pytest.MonkeyPatch) -> None:
        command = [sys.executable, "-c", CHILD, go, str(answers)]
        monkeypatch.setattr(child, "module_command", lambda module: command)
        self.go = go
        self.events = Events()
        self.spawned = 0
        self.template = Template(self.events, b"{}", 0, self._spawn)

    def _spawn(self, source: io.FileIO, sink: io.FileIO) -> Process:
        with source, sink:
            self.spawned += 1
        raise OSError("no process is needed here")

    async def ask(self) -> Process:
        self.template.connect(asyncio.get_running_loop())
        await until(lambda: self.events.loaded)
        reader, writer = os.pipe()
        return self.template.launch(io.FileIO(reader, "rb"), io.FileIO(writer, "wb"))

    def let_go(self) -> None:
        with open(self.go, "w", encoding="ascii"):
            pass

    async def ended(self) -> None:
        await until(lambda: self.events.exit_code is not None)


async def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


@pytest.fixture
def go(tmp_path: Path) -> str:
    return str(tmp_path / "go")


def test_one_that_is_to_end_forks_what_it_was_asked_for(
    go: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(go, 2, monkeypatch)

    async def scenario() -> None:
        process = await scene.ask()
        scene.template.end()
        scene.let_go()
        await scene.ended()
        assert process.pid == scene.template.pid

    asyncio.run(scenario())
    assert (scene.spawned, scene.events.exit_code) == (0, 0)


def test_once_it_is_to_end_workers_are_spawned(go: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(go, 2, monkeypatch)

    async def scenario() -> None:
        scene.let_go()
        await scene.ask()
        scene.template.end()
        reader, writer = os.pipe()
        scene.template.launch(io.FileIO(reader, "rb"), io.FileIO(writer, "wb"))
        assert scene.spawned == 1
        await scene.ended()

    asyncio.run(scenario())
    assert scene.spawned == 1


def test_what_a_template_that_dies_has_not_forked_is_spawned(
    go: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(go, 0, monkeypatch)

    async def scenario() -> None:
        await scene.ask()
        scene.let_go()
        await scene.ended()

    asyncio.run(scenario())
    assert (scene.spawned, scene.events.exit_code) == (1, 0)
