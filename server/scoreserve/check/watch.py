"""Starts the process that tries a script, and hands on what it finds.

A script may end its process, hang, or be killed: that is a finding too.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import IO

from scoreserve.check.findings import Finding, Level
from scoreserve.module_command import module_command
from scoreserve.settings import Settings
from scoreserve.worker.script.user_frames import Place, is_users

STAGE = "stage "  # how a line begins that tells of one; a finding is a JSON list
DONE = "done"
_GRACE_SECONDS = 1.0  # for the process to write what it is doing
_FRAME = re.compile(r'\s*File "(.*)", line (\d+) in (.*)')


def findings(settings: Settings, seconds: float, say: Callable[[str], None]) -> Iterator[Finding]:
    """What the process finds, as it comes. No stage may take longer than so many seconds; `say` is
    told of each.
    """
    source, sink = os.pipe()
    with (
        os.fdopen(source, "rb", buffering=0) as lines,
        tempfile.TemporaryFile() as stacks,
        _started(settings, sink, stacks, seconds) as process,
    ):
        os.close(sink)
        stage = "starting the process"
        for line in _lines(lines, seconds):
            if line is None:
                yield _too_slow(stage, seconds, stacks)
                return
            if line == DONE:
                return
            if line.startswith(STAGE):
                stage = line.removeprefix(STAGE)
                say(stage)
            else:
                yield Finding.from_json(line)
        yield _ended(stage, process.wait())


@contextlib.contextmanager
def _started(
    settings: Settings, sink: int, stacks: IO[bytes], seconds: float
) -> Iterator[subprocess.Popen[bytes]]:
    """The process, which is killed in the end with all that it has started."""
    arguments = [str(sink), str(stacks.fileno()), str(seconds)]
    process = subprocess.Popen(
        [*module_command("scoreserve.check.trial"), *arguments],
        stdin=subprocess.PIPE,
        pass_fds=[sink, stacks.fileno()],
        start_new_session=True,
    )
    try:
        assert process.stdin is not None
        with process.stdin, contextlib.suppress(BrokenPipeError):
            process.stdin.write(settings.to_json())
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _lines(source: IO[bytes], seconds: float) -> Iterator[str | None]:
    """The lines as they come, to the end; None, as the last, when there is none for so long."""
    left = b""
    while True:
        deadline = time.monotonic() + seconds + _GRACE_SECONDS
        while b"\n" not in left:
            readable, _, _ = select.select([source], [], [], max(0.0, deadline - time.monotonic()))
            if not readable:
                yield None
                return
            read = source.read(1 << 16)
            if not read:
                return
            left += read
        line, _, left = left.partition(b"\n")
        yield line.decode("utf-8")


def _too_slow(stage: str, seconds: float, stacks: IO[bytes]) -> Finding:
    place = _users_place(stacks)
    return Finding(
        "time",
        Level.ERROR,
        f"{stage} takes more than {seconds:.0f} s",
        str(place) if place is not None else "",
        "If it only needs more time, give it more: --timeout SECONDS here, WORKER_TIMEOUT for a"
        " server.",
    )


def _users_place(stacks: IO[bytes]) -> Place | None:
    """Where the script is, in the stacks that faulthandler has written, innermost first."""
    stacks.seek(0)
    for line in stacks.read().decode("utf-8", "replace").splitlines():
        found = _FRAME.match(line)
        if found is not None and is_users(found[1]):
            function = "" if found[3] == "<module>" else found[3]
            return Place(found[1], int(found[2]), function)
    return None


def _ended(stage: str, code: int) -> Finding:
    """The process has ended without having come to its end."""
    if code < 0:
        with contextlib.suppress(ValueError):
            name = signal.Signals(-code).name
            remedy = (
                "It may have taken more memory than there is."
                if name == "SIGKILL"
                else "A library that is written in C has failed. Look for its version."
            )
            return Finding("process", Level.ERROR, f"{stage}: {name} has ended it", remedy=remedy)
    return Finding(
        "process",
        Level.ERROR,
        f"{stage}: the script has ended its process with exit code {code}",
        remedy="Remove what ends it, such as os._exit().",
    )
