"""A process that a template is asked for: it is there, or another is, or none."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys

import pytest

from scoreserve.front.processes.child import Process
from scoreserve.front.processes.forked import ForkedProcess

# In a process of its own: that it adopts orphans stays so.
ADOPTS = """
import os, sys, time
from scoreserve.front.processes.adoption import OrphanReaper, adopt_orphans

def children():
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return list(map(int, file.read().split()))

assert adopt_orphans()
child = os.fork()
if not child:
    os.setsid()
    for leads_a_session in (False, True):
        if not os.fork():
            if leads_a_session:
                os.setsid()
            time.sleep(0.1)
            os._exit(0)
    os._exit(0)
os.waitpid(child, 0)
assert len(children()) == 2
own = os.spawnlp(os.P_NOWAIT, "true", "true")  # ended, and still to be waited for
orphans = OrphanReaper()
deadline = time.monotonic() + 30
while True:
    orphans.look()
    left = children()
    if left == [own]:
        break
    assert time.monotonic() < deadline, left
    time.sleep(0.01)
assert os.waitpid(own, 0)[0] == own
"""


class Refused:
    """The launch of a process instead; `error`: there is none to be had."""

    def __init__(self, error: OSError | None = None) -> None:
        self.error = error

    def __call__(self, source: io.FileIO, sink: io.FileIO) -> Process:
        with source, sink:
            if self.error is not None:
                raise self.error
        return forked_by_this("exit 5")


def forked_by_this(command: str) -> ForkedProcess:
    """One that is there, and a child of this process."""
    process = ForkedProcess(*ends(), Refused())
    process.is_there(os.posix_spawnp("sh", ["sh", "-c", command], os.environ))
    return process


def ends() -> tuple[io.FileIO, io.FileIO]:
    reader, writer = os.pipe()
    return io.FileIO(reader, "rb"), io.FileIO(writer, "wb")


def test_one_that_is_there_is_waited_for_like_a_child() -> None:
    process = forked_by_this("exit 7")
    process.wait()
    process.wait()  # its id is still its own
    assert process.is_forked
    assert process.reap() == 7


def test_one_that_was_killed_before_it_was_known_is_killed_then() -> None:
    source, sink = ends()
    process = ForkedProcess(source, sink, Refused())
    process.signal(signal.SIGTERM)
    process.kill_group()
    child = subprocess.Popen(["sleep", "60"], start_new_session=True)
    process.is_there(child.pid)
    assert child.wait(30) == -signal.SIGKILL
    assert source.closed
    assert sink.closed


def test_another_takes_its_place_where_it_is_refused() -> None:
    process = ForkedProcess(*ends(), Refused())
    process.is_refused()
    process.wait()
    assert not process.is_forked
    assert process.pid > 0
    assert process.reap() == 5


def test_one_for_which_there_is_no_process_at_all_has_ended() -> None:
    process = ForkedProcess(*ends(), Refused(OSError("no process to be had")))
    process.is_refused()
    process.wait()
    assert (process.pid, process.reap()) == (0, os.EX_OSERR)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can")
def test_orphans_are_adopted_and_waited_for_and_no_others() -> None:
    done = subprocess.run([sys.executable, "-c", ADOPTS], check=False, timeout=60)
    assert done.returncode == 0
