"""Why no worker is to be had, from the end of the last one."""

from __future__ import annotations

import pytest

from scoreserve.front.workers.exit_reasons import EXIT, INIT_TIMEOUT, OOM, SIGNAL, End
from scoreserve.front.workers.failure_note import FailureNote
from scoreserve.front.workers.start_failures import of_end
from scoreserve.settings import MEBIBYTE, Settings
from scoreserve.start_failure import StartFailure

SETTINGS = Settings(app_root="/app", entry_script="score.py", workers=2)


@pytest.mark.parametrize(
    ("end", "remedy"),
    [
        (End(OOM, "was killed by SIGKILL: ..."), "more memory than its 512 MiB"),
        (End(SIGNAL, "was killed by SIGKILL (out of memory?)"), "each of the 2 has a model"),
        (End(SIGNAL, "was killed by SIGKILL"), "Somebody"),
        (End(SIGNAL, "was killed by SIGSEGV"), "Fatal Python error"),
        (End(EXIT, "exited with code 5"), "os._exit()"),
        (End(INIT_TIMEOUT, "was ended: init() took longer"), "WORKER_TIMEOUT"),
    ],
)
def test_the_remedy_is_that_of_the_end(end: End, remedy: str) -> None:
    found = of_end(end, "running init()", SETTINGS, memory_bytes=512 * MEBIBYTE, served=False)
    at = "" if end.reason == INIT_TIMEOUT else " while running init()"
    assert found.what == f"The scoring worker {end.text}{at}"
    assert found.where == "/app/score.py"
    assert remedy in found.remedy


def test_a_server_that_served_did_not_fail_to_start() -> None:
    found = of_end(
        End(EXIT, "exited with code 5"), "ready", SETTINGS, memory_bytes=None, served=True
    )
    assert found.what == "The scoring worker exited with code 5"
    assert found.headline == "scoreserve could not go on"


class TestNote:
    def test_is_empty_at_first(self) -> None:
        assert FailureNote().read() is None

    def test_keeps_the_first_failure(self) -> None:
        note = FailureNote()
        first = StartFailure("läuft nicht", "score.py, line 1\n\ud800", "do", served=True)
        note.write(first)
        note.write(StartFailure("another"))
        assert note.read() == first

    @pytest.mark.parametrize("character", ["x", "\x00", "\U0001f680"])
    def test_has_room_for_long_ones(self, character: str) -> None:
        note = FailureNote()
        long = character * 1_000_000
        note.write(StartFailure(long, long, long))
        kept = note.read()
        assert kept is not None
        assert len(kept.what) > 1000
