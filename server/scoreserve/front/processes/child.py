"""A scoring worker's process as its front starts, signals and waits for it: spawned, or forked.

Either is a child of the front's (`forked` says how), and leads a session and a process group of its
own.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from typing import Protocol

from scoreserve.module_command import module_command


class Process(Protocol):
    """One process. `pid` is 0 until it is known."""

    @property
    def pid(self) -> int: ...

    @property
    def is_known(self) -> bool:
        """Whether it is settled which process it is, or that there is none: `wait` blocks till
        then, and where it is forked the event loop settles it.
        """

    @property
    def is_forked(self) -> bool:
        """Whether it shares the memory of a template."""

    def wait(self) -> None:
        """Blocks until it has ended. Its id is its own, where the system can do so, until `reap`:
        no other's group is killed in its stead.
        """

    def reap(self) -> int:
        """The exit code of a process that has ended; negative: the signal's number."""

    def signal(self, number: int) -> None:
        """Sends it a signal, if it is there."""

    def kill_group(self) -> None:
        """Ends it and whatever it has started in its process group."""


# Starts a process with these ends of its pipes, which are its own from then on. Raises OSError.
Launch = Callable[[io.FileIO, io.FileIO], Process]


class SpawnedProcess:
    """A new Python process that runs our module with these arguments, and inherits these
    descriptors. Raises OSError when the system has no process to give.
    """

    is_known = True
    is_forked = False

    def __init__(self, module: str, arguments: Sequence[str], descriptors: Sequence[int]) -> None:
        self._process = subprocess.Popen(
            [*module_command(module), *arguments],
            pass_fds=descriptors,
            start_new_session=True,  # a terminal's Ctrl-C is for the server, which then stops it
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait(self) -> None:
        if hasattr(os, "waitid"):
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        else:  # macOS
            self._process.wait()

    def reap(self) -> int:
        return self._process.wait()

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill_group(self) -> None:
        kill_group(self.pid)


def spawn_worker(source: io.FileIO, sink: io.FileIO) -> Process:
    """Launches a worker that loads the script itself."""
    with source, sink:
        descriptors = [source.fileno(), sink.fileno()]
        return SpawnedProcess("scoreserve.worker", list(map(str, descriptors)), descriptors)


def kill_group(pid: int) -> None:
    """Kills the process group that this process leads."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
