"""The script's event loop: who gets it, what a limit does, and what happens between requests."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from types import FrameType
from typing import Any

import pytest
import uvloop

from scoreserve.worker.script.alarm import OutOfTime
from scoreserve.worker.script.coroutines import Coroutines

CLEAN_UP_SECONDS = 0.2


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> Iterator[asyncio.AbstractEventLoop]:
    """The event loop that init() has set."""
    loop: asyncio.AbstractEventLoop = request.param()
    asyncio.set_event_loop(loop)
    yield loop
    loop.close()
    asyncio.set_event_loop(None)


@pytest.fixture
def coroutines(loop: asyncio.AbstractEventLoop) -> Coroutines:
    return Coroutines(CLEAN_UP_SECONDS)


class TestLoop:
    def test_is_the_one_that_init_has_set(
        self, coroutines: Coroutines, loop: asyncio.AbstractEventLoop
    ) -> None:
        async def running() -> asyncio.AbstractEventLoop:
            return asyncio.get_running_loop()

        assert coroutines.result(running()) is loop

    def test_is_a_new_one_once_it_is_closed(
        self, coroutines: Coroutines, loop: asyncio.AbstractEventLoop
    ) -> None:
        async def running() -> asyncio.AbstractEventLoop:
            return asyncio.get_running_loop()

        loop.close()
        new = coroutines.result(running())
        assert new is not loop
        new.close()


class TestLimit:
    def test_cancels_and_waits_for_the_end(self, coroutines: Coroutines) -> None:
        said: list[str] = []

        async def hang() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                said.append("cleaned up")

        with pytest.raises(OutOfTime) as caught:
            coroutines.result(hang(), 0.01, lambda: said.append("reached"))
        assert said == ["reached", "cleaned up"]
        assert isinstance(caught.value.__cause__, asyncio.CancelledError)  # where it was

    def test_has_no_effect_later(self, coroutines: Coroutines) -> None:
        async def quick() -> str:
            return "done"

        assert coroutines.result(quick(), 0.01) == "done"
        with pytest.raises(OutOfTime):
            coroutines.result(asyncio.Event().wait(), 0.01)
        assert coroutines.result(asyncio.sleep(2 * CLEAN_UP_SECONDS, "slept")) == "slept"

    def test_may_be_caught(self, coroutines: Coroutines) -> None:
        async def catch() -> str:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return "caught"
            return ""

        assert coroutines.result(catch(), 0.01) == "caught"

    def test_does_not_wait_for_ever(
        self, coroutines: Coroutines, server_log: pytest.LogCaptureFixture
    ) -> None:
        let_go = False

        async def ignore() -> None:
            while not let_go:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(0.01)

        with pytest.raises(OutOfTime):
            coroutines.result(ignore(), 0.01)
        assert "Coroutines go on that were cancelled" in server_log.text
        let_go = True
        coroutines.end()

    def test_is_not_what_cancels_itself(self, coroutines: Coroutines) -> None:
        async def give_up() -> None:
            raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            coroutines.result(give_up(), 100)


class StopNow(BaseException):
    """What a handler of the server's raises into the script."""


@pytest.fixture
def stopping() -> Iterator[Callable[[], None]]:
    """Has a signal's handler raise StopNow on the main thread, a moment later."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise StopNow

    before = signal.signal(signal.SIGUSR1, ring)
    main = threading.get_ident()
    timers: list[threading.Timer] = []

    def later() -> None:
        timers.append(threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGUSR1)))
        timers[-1].start()

    yield later
    for timer in timers:
        timer.join()
    signal.signal(signal.SIGUSR1, before)


class TestInterruption:
    """By what a signal's handler raises."""

    def test_comes_through_and_cancels(
        self, coroutines: Coroutines, stopping: Callable[[], None]
    ) -> None:
        said: list[str] = []

        async def hang() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                said.append("cleaned up")

        stopping()
        with pytest.raises(StopNow):
            coroutines.result(hang())
        assert said == ["cleaned up"]
        assert coroutines.result(asyncio.sleep(0, "next")) == "next"

    def test_closes_a_generator(self, coroutines: Coroutines, stopping: Callable[[], None]) -> None:
        said: list[str] = []

        async def chunks() -> AsyncIterator[str]:
            try:
                yield "one"
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                said.append("closed")

        read = coroutines.iterate(chunks())  # type: ignore[arg-type]
        assert next(read) == "one"
        stopping()
        with pytest.raises(StopNow):
            next(read)
        assert said == ["closed"]


class TestWaiting:
    """For a request, while tasks that the script has left go on."""

    @pytest.fixture
    def pipe(self) -> Iterator[tuple[int, int]]:
        reader, writer = os.pipe()
        yield reader, writer
        os.close(reader)
        os.close(writer)

    def test_runs_what_is_left(self, coroutines: Coroutines, pipe: tuple[int, int]) -> None:
        reader, writer = pipe
        tasks: list[asyncio.Task[Any]] = []

        async def write_later() -> None:
            await asyncio.sleep(0.01)
            os.write(writer, b"x")

        async def leave() -> None:
            tasks.append(asyncio.create_task(write_later()))

        coroutines.result(leave())
        coroutines.wait(reader)
        assert select.select([reader], [], [], 0)[0]
        assert coroutines.result(asyncio.sleep(0, "next")) == "next"

    def test_survives_what_fails(
        self,
        coroutines: Coroutines,
        pipe: tuple[int, int],
        loop: asyncio.AbstractEventLoop,
        server_log: pytest.LogCaptureFixture,
    ) -> None:
        reader, writer = pipe

        def leave() -> None:
            loop.call_later(0.01, os.write, writer, b"x")
            raise SystemExit(5)

        loop.call_soon(leave)
        coroutines.wait(reader)
        assert "A background task of the script failed" in server_log.text

    def test_does_not_wait_within_a_coroutine(
        self, coroutines: Coroutines, pipe: tuple[int, int]
    ) -> None:
        """A signal's handler may read."""

        async def read() -> str:
            coroutines.wait(pipe[0])
            return "read"

        assert coroutines.result(read()) == "read"


def test_the_end_cancels_what_is_left(coroutines: Coroutines) -> None:
    said: list[str] = []

    async def run_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            said.append("cleaned up")

    tasks: list[asyncio.Task[None]] = []

    async def leave() -> None:
        tasks.append(asyncio.create_task(run_for_ever()))
        await asyncio.sleep(0)

    coroutines.result(leave())
    coroutines.end()
    assert said == ["cleaned up"]


def test_the_end_is_one_whatever_is_left(
    coroutines: Coroutines, server_log: pytest.LogCaptureFixture
) -> None:
    async def end_badly() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise SystemExit(5)

    tasks: list[asyncio.Task[None]] = []

    async def leave() -> None:
        tasks.append(asyncio.create_task(end_badly()))
        await asyncio.sleep(0)

    coroutines.result(leave())
    coroutines.end()
    assert "did not end well" in server_log.text
    with contextlib.suppress(SystemExit):
        tasks[0].result()
