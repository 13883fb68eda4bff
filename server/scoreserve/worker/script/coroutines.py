"""The script's event loop: what `async def init` and `async def run` return is awaited on it.

Imported where there is one: asyncio takes a third as long as all else that a worker imports.

The loop is the one that the script would get by itself, whatever policy it has set. It runs while
something is awaited, and while the worker waits for requests: tasks, connections and servers that
the script leaves on it do not stand still.

A time limit cancels, by a timer of the loop: an exception that a signal's handler raises would be
lost in a loop that is written in C, and would break one that is not.
"""

from __future__ import annotations

import asyncio
import logging
import math
import select
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from typing import Any

from scoreserve.worker.script.alarm import OutOfTime

_log = logging.getLogger("azmlinfsrv")

# What a coroutine may take to clean up once it is cancelled. The front gives a worker up later,
# see `front.workers.time_limits`.
CLEAN_UP_SECONDS = 2.0


def _nothing() -> None:
    pass


class Coroutines:
    """Awaits on the script's event loop, on the main thread. `clean_up_seconds`: that what is
    cancelled may take to end.
    """

    def __init__(self, clean_up_seconds: float = CLEAN_UP_SECONDS) -> None:
        self._clean_up_seconds = clean_up_seconds
        self._loop = self._open_loop()
        self._interruption: BaseException | None = None

    def result(
        self,
        value: Awaitable[Any],
        seconds: float = math.inf,
        reached: Callable[[], None] = _nothing,
    ) -> Any:
        """What the awaitable gives within so many seconds. Raises what it raises, or OutOfTime;
        `reached` is called when they are over.

        Whatever ends it early, it is cancelled first, and has had time to end.
        """
        if self._loop.is_closed():  # by the script
            self._loop = self._open_loop()
        task = self._loop.create_task(_await(value))
        limit = _Limit(task, seconds, self._clean_up_seconds, reached)
        try:
            return self._loop.run_until_complete(task)
        except BaseException as error:
            if self._interruption is not None:
                interruption, self._interruption = self._interruption, None
                raise interruption from None
            if limit.reached and (isinstance(error, asyncio.CancelledError) or not task.done()):
                raise OutOfTime from error
            raise
        finally:
            limit.end()
            if not task.done():
                self._cancel([task], 0 if limit.reached else self._clean_up_seconds)

    def iterate(self, chunks: AsyncGenerator[Any, None]) -> Generator[Any, None, None]:
        """An async generator as a plain one, run a step at a time."""
        try:
            while True:
                try:
                    yield self.result(anext(chunks))
                except StopAsyncIteration:
                    return
        finally:
            self.result(chunks.aclose(), self._clean_up_seconds)

    def wait(self, descriptor: int) -> None:
        """Runs what is left on the loop until there is something to read."""
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        # A signal's handler may read while a coroutine runs.
        while not (self._loop.is_closed() or self._loop.is_running() or poll.poll(0)):
            readable: asyncio.Future[None] = self._loop.create_future()
            self._loop.add_reader(descriptor, _set, readable)
            try:
                self._loop.run_until_complete(readable)
            except BaseException:  # SystemExit and its like: no request is to blame
                _log.exception("A background task of the script failed")
            finally:
                self._loop.remove_reader(descriptor)

    def end(self) -> None:
        """Ends what is left on the loop, as `asyncio.run` does."""
        if self._loop.is_closed():
            return
        try:
            self._cancel(asyncio.all_tasks(self._loop), self._clean_up_seconds)
            self.result(self._loop.shutdown_asyncgens(), self._clean_up_seconds)
        except BaseException:  # the worker leaves, whatever the script makes of it
            _log.exception("What the script left on its event loop did not end well")

    def _open_loop(self) -> asyncio.AbstractEventLoop:
        loop = _loop_of_this_thread()
        handled_before = loop.get_exception_handler()

        def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            """What a signal's handler raises between two steps of a task comes here."""
            error = context.get("exception")
            if isinstance(error, OutOfTime) or _is_no_error(error):
                self._interruption = error
                loop.stop()
            elif handled_before is None:
                loop.default_exception_handler(context)
            else:
                handled_before(loop, context)

        loop.set_exception_handler(handle)
        return loop

    def _cancel(
        self, tasks: set[asyncio.Task[Any]] | list[asyncio.Task[Any]], seconds: float
    ) -> None:
        """Cancels tasks, and lets them clean up for so long."""
        if not tasks:
            return
        ended = self._loop.create_task(asyncio.wait(tasks, timeout=seconds))
        for task in tasks:
            task.cancel()
        _, left = self._loop.run_until_complete(ended)
        if left:
            _log.error("Coroutines go on that were cancelled: %s", left)


class _Limit:
    """Cancels a task once so many seconds are over, and stops its loop if it does not end then."""

    def __init__(
        self,
        task: asyncio.Task[Any],
        seconds: float,
        clean_up_seconds: float,
        reached: Callable[[], None],
    ) -> None:
        self.reached = False
        self._task = task
        self._clean_up_seconds = clean_up_seconds
        self._tell = reached
        self._timer: asyncio.TimerHandle | None = None
        if seconds < math.inf:
            self._timer = task.get_loop().call_later(max(seconds, 0), self._reach)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _reach(self) -> None:
        self.reached = True
        self._tell()
        self._task.cancel()
        loop = self._task.get_loop()
        self._timer = loop.call_later(self._clean_up_seconds, loop.stop)


async def _await(value: Awaitable[Any]) -> Any:
    return await value


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _is_no_error(error: BaseException | None) -> bool:
    """Whether it is meant for whoever runs the loop, and no callback's own affair."""
    callbacks_own = (Exception, asyncio.CancelledError, GeneratorExit)
    return error is not None and not isinstance(error, callbacks_own)


def _loop_of_this_thread() -> asyncio.AbstractEventLoop:
    """The event loop that init() has set or used, else a new one, which is then the thread's.

    So what an `init` without `async` has made for its loop works in an `async def run`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loop = asyncio.get_event_loop()
        if not loop.is_closed():
            return loop
    except RuntimeError:  # there is none, and none is made
        pass
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop
