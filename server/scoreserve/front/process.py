"""The front process: starts the workers, serves HTTP until a signal, stops the workers.

SIGTERM          drain: not ready, no new connections, answer what is in hand, then leave
SIGINT, SIGQUIT  stop at once: what is in hand is answered 503
SIGHUP           load script and model anew, a worker at a time
no worker        exit code 3, which ends the arbiter and with it the container
"""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

import uvloop

from scoreserve.cgroup import Cgroup
from scoreserve.front.http.fd_limits import raise_limit
from scoreserve.front.queue.body_budget import BodyBudget, sensible_limit
from scoreserve.front.queue.limits import QueueLimits
from scoreserve.front.workers.cpu_policy import CpuPolicy
from scoreserve.front.workers.dispatch_loop import DispatchLoop
from scoreserve.front.workers.pid_table import WorkerPids
from scoreserve.front.workers.supervisor import Supervisor
from scoreserve.log_thread import LogThread
from scoreserve.logs import JsonFormatter, wants_color
from scoreserve.parent_death import end_with_parent
from scoreserve.settings import Settings
from scoreserve.start_failure import StartFailure
from scoreserve.telemetry import switches
from scoreserve.telemetry.packages import is_installed

if TYPE_CHECKING:
    from scoreserve.front.observe.telemetry import Telemetry
    from scoreserve.front.workers.file_watch import FileWatch

_log = logging.getLogger("azmlinfsrv")

_GC_THRESHOLD = 20_000  # objects
_LINES = {"off": 0, "one": 1, "two": 2}  # of a request, by SCORESERVE_ACCESS_LOG
_LAST_LOG_SECONDS = 1.0  # for handlers of the user's, when all else has ended


def run(
    settings: Settings,
    sockets: list[socket.socket],
    worker_pids: WorkerPids,
    *,
    arbiter: int,
    custom_logs: bool,
) -> StartFailure | None:
    """Serves on the listening `sockets` until told to stop. `arbiter` is the id of the process that
    started this one; `custom_logs`: see AccessLog. Returns why it cannot start or go on, if it ends
    for that.
    """
    JsonFormatter.role = "front"
    gc.disable()  # what is imported stays
    front: FrontProcess | None = None
    try:
        front = FrontProcess(settings, sockets, worker_pids, arbiter, custom_logs=custom_logs)
        # Requests make few reference cycles but many objects: at the default threshold of 700 the
        # collector took a tenth of the front's time. What start-up made need never be looked at
        # again.
        gc.freeze()
        gc.set_threshold(_GC_THRESHOLD)
        gc.enable()
        uvloop.run(front.serve(), loop_factory=lambda: front.loop)
    except Exception as error:
        if front is not None and front.is_serving:
            raise  # the arbiter starts another
        _log.critical("The server cannot start: %s", error, exc_info=True)
        return _failure(error)
    return front.gave_up


def _failure(error: Exception) -> StartFailure:
    """Why the front itself cannot start."""
    remedy = "The traceback is in the log above."
    if isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE}:
        remedy = "Allow more open files: `ulimit -n 4096`, or docker run --ulimit nofile=4096."
    elif isinstance(error, MemoryError) or getattr(error, "errno", 0) == errno.ENOMEM:
        remedy = "Give the server more memory."
    return StartFailure(f"{type(error).__name__}: {error}", remedy=remedy)


def _telemetry(
    settings: Settings, defer: Callable[[Callable[[], None]], object]
) -> Telemetry | None:
    """What sends telemetry, where it is switched on and its packages are there."""
    on, lacking = switches.missing(switches.switches(settings, os.environ), is_installed)
    for line in lacking:
        _log.warning(line)
    if not on.any:
        return None
    from scoreserve.front.api.routes import COUNTED
    from scoreserve.front.observe.telemetry import Telemetry

    return Telemetry(settings, on, os.environ, COUNTED, defer)


class FrontProcess:
    """DispatchLoop, supervisor and HTTP server of one front process."""

    def __init__(
        self,
        settings: Settings,
        sockets: list[socket.socket],
        worker_pids: WorkerPids,
        arbiter: int,
        *,
        custom_logs: bool,
    ) -> None:
        self.gave_up: StartFailure | None = None
        descriptors = raise_limit()  # before there are workers, so that all have the same
        self.loop = uvloop.new_event_loop()
        # Until the event loop handles it. The workers may have read the script by then.
        self._hung_up = False
        signal.signal(signal.SIGHUP, self._remember_hang_up)
        self._sockets = sockets
        self._cpu_policy = CpuPolicy()
        self._arbiter = arbiter
        self._worker_pids = worker_pids
        self._watched = False  # by the kernel
        dispatch = DispatchLoop(
            self.loop.call_soon,
            self.loop.call_later,
            limits=QueueLimits(settings.max_queue, settings.queue_limit_ms),
            handed_ahead=self._cpu_policy.handed_ahead,
            bodies=BodyBudget(
                sensible_limit(
                    settings.max_queue_bytes, settings.max_body_bytes, Cgroup().memory_limit()
                )
            ),
        )
        self._supervisor = Supervisor(settings, dispatch, self._give_up, worker_pids.write)
        self._file_watch = _file_watch(settings)
        self._supervisor.spawn()
        # Imported while the workers start: it takes about as long as their own imports.
        from scoreserve.front.assembly import assemble, serve_with
        from scoreserve.front.observe.access_log import AccessLog

        log_class = AccessLog
        if settings.log_format == "json" and not custom_logs:
            from scoreserve.front.observe.access_log_json import JsonAccessLog

            log_class = JsonAccessLog
        log = log_class(
            self.loop.call_later,
            lines=_LINES[settings.access_log],
            direct=not custom_logs,
            color=wants_color(sys.stdout, settings.log_color),
        )
        self._log_thread = LogThread() if custom_logs else None
        self._telemetry = _telemetry(settings, self.loop.call_soon)
        self._log = log if self._telemetry is None else self._telemetry.beside(log)
        parts = assemble(
            settings, self._supervisor, dispatch, self._log, descriptors, self._telemetry
        )
        self._metrics_page = parts.metrics_page
        self._supervisor.on_batch_counts = parts.batching.add
        if self._telemetry is not None:
            self._supervisor.on_report = self._telemetry.feed.report
            dispatch.note_batches()
        looks = (
            self._supervisor.end_hung_workers,
            self._cpu_policy.second_over,
            self._tell_the_arbiter,
            self._end_with_the_arbiter,
        )
        self._server = serve_with(parts, self._supervisor.refuse_all, looks)

    async def serve(self) -> None:
        """Serves until a signal, or until no worker can be had."""
        loop = self.loop
        loop.add_signal_handler(signal.SIGTERM, self._server.stop)
        for number in (signal.SIGINT, signal.SIGQUIT):
            loop.add_signal_handler(number, self._server.stop_now)
        loop.add_signal_handler(signal.SIGHUP, self._supervisor.reload, "SIGHUP")
        if self._log_thread is not None:
            self._log_thread.start()
        if self._telemetry is not None:  # first: workers report from their start
            await self._telemetry.start(self._metrics_page)
        await self._supervisor.start()
        if self._hung_up:
            self._supervisor.reload("SIGHUP")
        watching = None
        if self._file_watch is not None:
            watching = asyncio.ensure_future(self._file_watch.watch(self._supervisor.reload))
        try:
            await self._server.serve(self._sockets)
        finally:
            if watching is not None:
                watching.cancel()
            await self._supervisor.stop(self._server.seconds_left())
            self._log.flush()
            if self._telemetry is not None:
                await self._telemetry.stop(self._metrics_page)
            if self._log_thread is not None:
                self._log_thread.stop(_LAST_LOG_SECONDS)

    def _remember_hang_up(self, number: int, frame: FrameType | None) -> None:
        self._hung_up = True

    def _give_up(self, why: StartFailure) -> None:
        self.gave_up = why
        self._server.stop_now()

    def _tell_the_arbiter(self) -> None:
        self._worker_pids.note_served()

    def _end_with_the_arbiter(self) -> None:
        if os.getppid() != self._arbiter:  # it is gone, and the listening with it
            self._server.stop_now()
        elif not self._watched:
            self._watched = True
            end_with_parent(signal.SIGINT, self._arbiter)

    @property
    def is_serving(self) -> bool:
        """Whether it ever listened."""
        return self._server.started


def _file_watch(settings: Settings) -> FileWatch | None:
    if not settings.reload:
        return None
    from scoreserve.front.workers.file_watch import FileWatch

    return FileWatch(settings)
