"""A worker's process that a template is asked to fork, and which becomes a child of the front's."""

from __future__ import annotations

import contextlib
import io
import os
import threading

from scoreserve.front.processes.child import Launch, Process, kill_group

_NO_PROCESS = os.EX_OSERR  # the exit code of a worker for which the system had no process


class ForkedProcess:
    """The process that was asked for with these ends of its pipes. Where the template has none to
    give, `fall_back` launches another.
    """

    def __init__(self, source: io.FileIO, sink: io.FileIO, fall_back: Launch) -> None:
        self._source = source
        self._sink = sink
        self._fall_back = fall_back
        self._pid = 0
        self._instead: Process | None = None
        self._killed = False  # before it is known
        self._settled = threading.Event()  # what it is is known

    @property
    def pid(self) -> int:
        return self._pid if self._instead is None else self._instead.pid

    @property
    def is_known(self) -> bool:
        return self._settled.is_set()

    @property
    def is_forked(self) -> bool:
        return self._instead is None

    def is_there(self, pid: int) -> None:
        """The template has forked it."""
        self._source.close()
        self._sink.close()
        self._pid = pid
        self._settle()

    def is_refused(self) -> None:
        """The template has not."""
        with contextlib.suppress(OSError):  # then there is no process at all, which `reap` tells
            self._instead = self._fall_back(self._source, self._sink)
        self._settle()

    def _settle(self) -> None:
        if self._killed:
            self.kill_group()
        self._settled.set()

    def wait(self) -> None:
        self._settled.wait()
        if self._instead is not None:
            self._instead.wait()
        elif self._pid:
            with contextlib.suppress(ChildProcessError):
                os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOWAIT)

    def reap(self) -> int:
        self._settled.wait()
        if self._instead is not None:
            return self._instead.reap()
        if not self._pid:
            return _NO_PROCESS
        try:
            _, status = os.waitpid(self._pid, 0)
        except ChildProcessError:  # it is nobody's child that could be waited for
            return _NO_PROCESS
        return os.waitstatus_to_exitcode(status)

    def signal(self, number: int) -> None:
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill_group(self) -> None:
        self._killed = True
        if self.pid:
            kill_group(self.pid)
