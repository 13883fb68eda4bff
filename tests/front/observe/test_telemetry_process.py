"""The process behind the feed: one that ends is followed by another, and a stop is soon over."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from scoreserve.front.observe import telemetry_process
from scoreserve.front.observe.telemetry_feed import PROCESS_GONE, TelemetryFeed
from scoreserve.front.observe.telemetry_process import TelemetryProcess
from scoreserve.front.processes import child
from scoreserve.settings import Settings

DEADLINE_SECONDS = 30.0

# Tells its own pid as a number of dropped records, and writes what it reads to a file.
CHILD = """
import os, sys
from scoreserve.telemetry import records
path, source, sink = sys.argv[1], *map(int, sys.argv[2:])
os.write(sink, records.dropped_frame({"pid": os.getpid()}))
with open(source, "rb") as pipe:
    while (frame := records.read_frame(pipe)) is not None:
        with open(path, "ab") as file:
            file.write(b"%d %b\\n" % frame)
"""


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for the process; what it has read is in this file."""
    path = tmp_path / "read"
    monkeypatch.setattr(child, "module_command", lambda module: command(path))
    return path


def command(path: Path) -> list[str]:
    return [sys.executable, "-c", CHILD, str(path)]


async def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def lines_of(read: Path) -> list[bytes]:
    return read.read_bytes().splitlines() if read.exists() else []


def test_it_gets_the_settings_and_all_that_is_fed(read: Path) -> None:
    async def scenario() -> None:
        feed = TelemetryFeed(asyncio.get_running_loop().call_soon)
        process = TelemetryProcess(feed, b"{}")
        await process.start()
        feed.report(b"a")
        feed.report(b"b")
        await process.stop()
        feed.report(b"late")

    asyncio.run(scenario())
    assert lines_of(read) == [b"1 {}", b"3 a", b"3 b"]


def test_one_that_dies_is_followed_by_another(read: Path) -> None:
    async def scenario() -> None:
        feed = TelemetryFeed(asyncio.get_running_loop().call_soon)
        process = TelemetryProcess(feed, b"{}")
        await process.start()
        await until(lambda: feed.dropped["pid"] and lines_of(read))
        os.kill(feed.dropped["pid"], signal.SIGKILL)
        await until(lambda: not feed.connected)
        feed.report(b"lost")
        await until(lambda: feed.connected)
        feed.report(b"after")
        await process.stop()
        assert feed.dropped[PROCESS_GONE] == 1

    asyncio.run(scenario())
    assert lines_of(read) == [b"1 {}", b"1 {}", b"3 after"]


def test_one_that_does_not_end_is_ended(read: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry_process, "_LAST_SECONDS", 0.1)
    hangs = [sys.executable, "-c", "import time; time.sleep(600)"]
    monkeypatch.setattr(child, "module_command", lambda module: hangs)

    async def scenario() -> None:
        process = TelemetryProcess(TelemetryFeed(asyncio.get_running_loop().call_soon), b"{}")
        await process.start()
        await process.stop()

    asyncio.run(scenario())


def test_one_that_cannot_be_started_is_told_and_tried_again(
    read: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    commands = [command(read), ["/no/such/python"]]
    monkeypatch.setattr(child, "module_command", lambda module: commands.pop())

    async def scenario() -> None:
        feed = TelemetryFeed(asyncio.get_running_loop().call_soon)
        process = TelemetryProcess(feed, b"{}")
        await process.start()
        assert "cannot be started" in caplog.text
        await until(lambda: feed.connected)
        await process.stop()

    asyncio.run(scenario())
    assert lines_of(read) == [b"1 {}"]


def test_one_that_cannot_be_connected_is_ended_and_another_is_started(
    read: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        connect = loop.connect_read_pipe
        pids: list[int] = []

        async def refuse(*_: object) -> NoReturn:
            loop.connect_read_pipe = connect  # type: ignore[method-assign]
            assert process._process is not None
            pids.append(process._process.pid)
            raise OSError(errno.ENOSPC, "No space left on device")

        loop.connect_read_pipe = refuse  # type: ignore[method-assign, assignment]
        feed = TelemetryFeed(loop.call_soon)
        process = TelemetryProcess(feed, b"{}")
        await process.start()
        assert "cannot be started" in caplog.text
        (pid,) = pids
        with pytest.raises(ChildProcessError):  # it has been waited for
            os.waitpid(pid, os.WNOHANG)
        await until(lambda: feed.connected)
        await process.stop()

    asyncio.run(scenario())
    assert lines_of(read) == [b"1 {}"]


def test_one_that_fails_has_told_why_before_it_is_taken_to_have_ended(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "opentelemetry.py").write_text("raise RuntimeError('a package that is broken')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")

    async def scenario() -> None:
        feed = TelemetryFeed(asyncio.get_running_loop().call_soon)
        process = TelemetryProcess(feed, Settings().to_json())
        await process.start()
        await until(lambda: not feed.connected)
        await process.stop()

    asyncio.run(scenario())
    assert "RuntimeError: a package that is broken" in capfd.readouterr().err
    assert "has ended with exit code 1" in caplog.text
