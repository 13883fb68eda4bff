"""What processes use, as /proc tells it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from scoreserve.front.observe import process_usage

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="needs a /proc")

BUSY = "import time\nwhile time.process_time() < 0.3: pass"


def test_our_own_process() -> None:
    used = process_usage.usage([os.getpid()])
    assert used is not None
    assert 0 < used.cpu_seconds <= sum(os.times()[:4]) + 0.02  # clock ticks are coarse
    assert 1_000_000 < used.resident_bytes < 1 << 40
    with open("/dev/null"), open("/dev/null"):
        more = process_usage.usage([os.getpid()])
    assert more is not None
    assert more.open_fds == used.open_fds + 2


def test_resident_memory_of_one() -> None:
    resident = process_usage.resident_bytes(os.getpid())
    assert resident is not None
    assert 1_000_000 < resident < 1 << 40
    assert process_usage.resident_bytes(2**22 + 1) is None  # over any process id


def test_several_are_added_and_one_that_is_gone_is_nothing() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    one = process_usage.usage([os.getpid()])
    both = process_usage.usage([os.getpid(), os.getpid(), gone.pid])
    assert one is not None
    assert both is not None
    assert both.open_fds == 2 * one.open_fds
    assert process_usage.usage([gone.pid]) == process_usage.Usage(0.0, 0, 0)


def test_a_process_that_was_waited_for_is_counted_as_ended() -> None:
    before = process_usage.ended_children_cpu_seconds()
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    assert process_usage.ended_children_cpu_seconds() >= before + 0.25


def test_children_that_a_process_waited_for_are_its_own() -> None:
    command = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}]); input()"
    with subprocess.Popen([sys.executable, "-c", command], stdin=subprocess.PIPE) as process:
        deadline = time.monotonic() + 30
        while (used := process_usage.usage([process.pid])) is not None and used.cpu_seconds < 0.25:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.communicate(b"\n")


def test_without_a_proc_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "exists", lambda path: False)
    assert process_usage.usage([os.getpid()]) is None
