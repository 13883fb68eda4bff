"""The arbiter ends the workers that a front leaves behind."""

from __future__ import annotations

import signal
import subprocess
import sys

from scoreserve.front.roster import Roster


def start() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", "import time; time.sleep(1000)"]
    return subprocess.Popen(command, start_new_session=True)


def test_those_that_were_written_last_are_ended() -> None:
    roster = Roster()
    with start() as first, start() as second:
        roster.write([first.pid, second.pid])
        roster.write([second.pid])
        roster.end_all()
        assert second.wait(30) == -signal.SIGKILL
        assert first.poll() is None
        first.kill()
        first.wait()
        roster.end_all()  # they are gone: nothing happens


def test_without_any_nothing_is_ended() -> None:
    Roster().end_all()


def test_more_than_a_page_holds_are_cut_off() -> None:
    Roster().write(range(1 << 22, (1 << 22) + 10_000))
