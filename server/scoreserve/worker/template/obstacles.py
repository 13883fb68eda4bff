"""What of a process does not survive a fork, as far as can be seen from outside. Linux.

cuda        a context: NVIDIA's driver refuses to serve a forked process
threads     only the one that forks goes on in the child; what waits for another waits for ever
sockets     connections and event loops would be shared by all workers
databases   SQLite's files: "do not carry an open database across a fork" (sqlite.org/faq)
children    processes that init() has started are the template's, not the workers'

What cannot be seen is what libraries keep in memory: OpenMP's team of threads, which a child waits
for though it is gone. So the first forked worker is tried with a request, see `trial`.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from scoreserve.worker_setup import Obstacle

_SQLITE = b"SQLite format 3\0"
_LOOKS, _LOOK_SECONDS = 10, 0.05  # at threads
_CUDA_DEVICES = "/dev/nvidia"
_SHARED = {"socket:": "socket", "anon_inode:[eventpoll]": "event loop"}


class OpenFile(NamedTuple):
    """A descriptor, and what is behind it, as /proc shows it."""

    descriptor: int
    target: str


def open_files(process: Path = Path("/proc/self")) -> list[OpenFile]:
    """The open files of a process."""
    found = []
    for entry in os.listdir(process / "fd"):
        with contextlib.suppress(OSError):  # the one that lists them
            found.append(OpenFile(int(entry), os.readlink(process / "fd" / entry)))
    return found


def obstacles(before: Collection[OpenFile], process: Path = Path("/proc/self")) -> list[Obstacle]:
    """Why this process should not be forked; `before`: files that were open before the script."""
    new = [file for file in open_files(process) if file not in before]
    return [
        *_of_cuda(new),
        *_of_threads(process),
        *_of_shared(new),
        *_of_databases(new),
        *_of_children(process),
    ]


def _of_cuda(files: Iterable[OpenFile]) -> Iterator[Obstacle]:
    if any(file.target.startswith(_CUDA_DEVICES) for file in files):
        yield Obstacle(
            "init() has used the GPU, and CUDA does not work in a forked process", forbids=True
        )


def _of_threads(process: Path) -> Iterator[Obstacle]:
    tasks = _others(process)
    for _ in range(_LOOKS):  # those of a pool that is closed are about to end
        if not tasks:
            return
        time.sleep(_LOOK_SECONDS)
        tasks = _others(process)
    if tasks:
        counts = Counter(tasks)
        names = ", ".join(f"{count} x {name}" for name, count in sorted(counts.items()))
        yield Obstacle(
            f"init() has started threads that a forked worker would not have ({names}): start"
            " threads, and call the model for the first time, in after_fork(index)"
        )


def _others(process: Path) -> list[str]:
    """The threads beside the main one, by the names that Python or the system knows them by."""
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    main = _text(process / "comm")
    found = []
    for task in (process / "task").iterdir():
        number = int(task.name)
        if number != threading.main_thread().native_id:
            name = _text(task / "comm")  # which is the process's, unless it was given one
            found.append(names.get(number) or ("a library's" if name in ("", main) else name))
    return found


def _of_shared(files: Iterable[OpenFile]) -> Iterator[Obstacle]:
    found = Counter(
        name for file in files for start, name in _SHARED.items() if file.target.startswith(start)
    )
    if found:
        counts = " and ".join(f"{count} {name}(s)" for name, count in sorted(found.items()))
        yield Obstacle(
            f"init() has opened {counts}, which forked workers would share: open connections in"
            " after_fork(index)"
        )


def _of_databases(files: Iterable[OpenFile]) -> Iterator[Obstacle]:
    for file in files:
        # Closing another descriptor of the file would end the locks that SQLite has on it.
        with contextlib.suppress(OSError):
            if os.pread(file.descriptor, len(_SQLITE), 0) == _SQLITE:
                yield Obstacle(
                    f"init() has opened the SQLite database {file.target}, which must not be used"
                    " across a fork: open it in after_fork(index)"
                )


def _of_children(process: Path) -> Iterator[Obstacle]:
    found: list[str] = []
    for task in (process / "task").iterdir():
        found += _text(task / "children").split()
    if found:
        names = ", ".join(sorted({_text(Path("/proc", pid, "comm")) for pid in found} - {""}))
        yield Obstacle(
            f"init() has started {len(found)} process(es) ({names}), which would be the template's:"
            " start them in after_fork(index)"
        )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:  # it has ended; or this kernel does not tell
        return ""
