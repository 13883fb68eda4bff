"""The process of which workers are forked, as the front sees it (see `worker/template`)."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import socket
import threading
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from scoreserve import wire
from scoreserve.front.processes.child import Launch, SpawnedProcess, spawn_worker
from scoreserve.front.processes.forked import ForkedProcess
from scoreserve.start_failure import StartFailure
from scoreserve.worker_setup import Obstacle

_log = logging.getLogger("azmlinfsrv")

_READY = "ready"
_MOST_BYTES = 1 << 16  # of a message
_FORK_SECONDS = 10  # page tables take a second for some 20 GB
_LEAVE_SECONDS = 5.0  # for its atexit handlers


class TemplateEvents(Protocol):
    """Who is told what becomes of a template."""

    def template_loaded(self, template: Template, obstacles: Sequence[Obstacle]) -> None: ...

    def template_failed(self, template: Template, why: StartFailure) -> None:
        """The script cannot be loaded. The process is about to end."""

    def template_gone(self, template: Template, exit_code: int) -> None: ...


class Template:
    """One template, for the script as it was after so many reloads. `launch` forks a worker."""

    def __init__(
        self,
        events: TemplateEvents,
        settings: bytes,
        generation: int,
        fall_back: Launch = spawn_worker,
    ) -> None:
        self.generation = generation
        self.stage = "starting a process"
        self.ended = False  # asked to, or by itself
        self._closed = False  # no more comes from it
        self._gone = False  # and waited for
        self._events = events
        self._fall_back = fall_back
        self._asked: deque[ForkedProcess] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)
        with theirs:
            descriptor = theirs.fileno()
            self._process = SpawnedProcess(
                "scoreserve.worker", ["--template", str(descriptor)], [descriptor]
            )
        self._socket.send(wire.frame(wire.SETUP, settings))

    @property
    def pid(self) -> int:
        return self._process.pid

    def connect(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begins to listen to it, on this event loop."""
        self._loop = loop
        loop.add_reader(self._socket.fileno(), self._read)
        threading.Thread(target=self._wait, daemon=True).start()

    def launch(self, source: io.FileIO, sink: io.FileIO) -> ForkedProcess:
        """Asks for a worker. It is spawned where the template cannot fork it."""
        process = ForkedProcess(source, sink, self._fall_back)
        ends = [source.fileno(), sink.fileno()]
        try:
            if self.ended:
                raise ConnectionError("the template has ended")
            socket.send_fds(self._socket, [wire.frame(wire.FORK)], ends)
        except OSError as error:
            _log.warning("The template with pid %d does not take a request: %s", self.pid, error)
            process.is_refused()
        else:
            self._asked.append(process)
            if self._loop is not None:
                self._loop.call_later(_FORK_SECONDS, self._look_at, process)
        return process

    def _look_at(self, process: ForkedProcess) -> None:
        """Gives up a template that has not forked in time: its workers are spawned then."""
        if process in self._asked:
            _log.error(
                "The template with pid %d has not forked a worker in %d s; it is ended",
                self.pid,
                _FORK_SECONDS,
            )
            self.kill()

    def end(self) -> None:
        """Asks it to end, and ends it by force if it does not, or is still at init(). What it was
        asked for before is forked still, and told: no other may have those ends of pipes.
        """
        if not self.ended:
            self.ended = True
            with contextlib.suppress(OSError):  # it is gone
                self._socket.shutdown(socket.SHUT_WR)
        if self.stage != _READY:
            self.kill()
        elif self._loop is not None:
            self._loop.call_later(_LEAVE_SECONDS, self.kill)

    def kill(self) -> None:
        """Ends it, and what the script has started in its process group."""
        if not self._gone:
            self._process.kill_group()

    def _close(self) -> None:
        if self._closed:
            return
        self.ended = self._closed = True
        if self._loop is not None:
            self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
        while self._asked:
            self._asked.popleft().is_refused()

    def _read(self) -> None:
        while not self._closed:
            try:
                data = self._socket.recv(_MOST_BYTES)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._close()
                return
            kind, _, _ = wire.read_prefix(data)
            self._told(kind, data[wire.PREFIX_BYTES :])

    def _told(self, kind: int, payload: bytes) -> None:
        if kind == wire.STAGE:
            self.stage = payload.decode()
        elif kind == wire.READY:
            self.stage = _READY
            obstacles = [Obstacle(*each) for each in json.loads(payload)]
            self._events.template_loaded(self, obstacles)
        elif kind == wire.BOOT_FAILED:
            self._events.template_failed(self, StartFailure.from_json(payload))
        elif kind == wire.FORKED:
            self._forked(json.loads(payload))

    def _forked(self, told: dict[str, object]) -> None:
        process = self._asked.popleft()
        if told["pid"]:
            process.is_there(int(str(told["pid"])))
        else:
            _log.warning("The template with pid %d cannot fork: %s", self.pid, told["why"])
            process.is_refused()

    def _wait(self) -> None:
        self._process.wait()
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody asks any more
            self._loop.call_soon_threadsafe(self._exited)

    def _exited(self) -> None:
        self._process.kill_group()
        self._gone = True
        exit_code = self._process.reap()
        self._read()  # its last words
        self._close()
        self._events.template_gone(self, exit_code)
