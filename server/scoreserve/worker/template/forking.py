"""Forks a worker from this process, as a child of the front's rather than of this one.

    template ─ fork ─→ a process between ─ fork ─→ worker
                       ends at once                its parent is then the front, which has asked the
                                                   kernel for orphans (PR_SET_CHILD_SUBREAPER)

So the front waits for a forked worker as for any other, learns its exit code and counts its CPU
time, and the workers do not mind the end of the template.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
import warnings
from collections.abc import Callable

from scoreserve import wire
from scoreserve.worker.template.front_socket import FrontSocket

_MOST_TOLD_BYTES = 512
_LOOK_SECONDS = 0.0005  # at which process is the parent


def fork_on_demand(front: FrontSocket, forked: Callable[[], None]) -> list[int] | None:
    """Forks a worker each time that the front asks for one. Returns in each worker, with the
    descriptors that are for it, and in the end, with None, in this process, where `forked` is
    called after each.
    """
    while (message := front.receive()) is not None:
        try:
            told = _fork()
        except OSError as error:
            told = {"pid": 0, "why": str(error)}
        if told is None:
            return message.descriptors
        if told["pid"]:
            forked()
        for descriptor in message.descriptors:
            os.close(descriptor)
        with contextlib.suppress(OSError):  # the front is gone, which the next look shows
            front.send(wire.FORKED, json.dumps(told).encode())
    return None


def _fork() -> dict[str, object] | None:
    """Forks a worker: None in it, here what is told of it. Raises OSError."""
    reader, writer = os.pipe()
    try:
        try:
            between = _fork_quietly()
        except OSError:
            os.close(writer)
            raise
        if between == 0:
            _fork_again(writer)
            return None
        os.close(writer)
        told = _read_all(reader)
        # Once it has been waited for, its child is the front's. A handler of the script's may have.
        with contextlib.suppress(ChildProcessError):
            os.waitpid(between, 0)
    finally:
        os.close(reader)
    if not told:
        return {"pid": 0, "why": "the process that was to fork it has died"}
    answer: dict[str, object] = json.loads(told)
    return answer


def _fork_again(writer: int) -> None:
    """Forks the worker, and ends the process between. Returns in the worker, which tells its id
    once it leads a session of its own, and so can be ended, and its parent is the front. One that
    cannot tell it ends: nobody knows of it.
    """
    between = os.getpid()
    try:
        if _fork_quietly():
            os._exit(0)
        os.setsid()
        while os.getppid() == between:  # which is about to end
            time.sleep(_LOOK_SECONDS)
        _tell(writer, {"pid": os.getpid(), "why": ""})
        os.close(writer)
    except OSError as error:
        with contextlib.suppress(OSError):
            _tell(writer, {"pid": 0, "why": str(error)})
        os._exit(1)


def _tell(writer: int, told: dict[str, object]) -> None:
    os.write(writer, json.dumps(told).encode())


def _read_all(reader: int) -> bytes:
    found = b""
    while part := os.read(reader, _MOST_TOLD_BYTES):
        found += part
    return found


def _fork_quietly() -> int:
    """Python warns of threads from 3.12 on. They have been looked at, see `obstacles`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()
