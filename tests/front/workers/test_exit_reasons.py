"""How the end of a worker is told."""

from __future__ import annotations

import signal

import pytest

from scoreserve.errors import ScoringTimeout
from scoreserve.front.workers.exit_reasons import REASONS, SCORING_TIMEOUT, End, Exceeded, end_of


def end(
    code: int,
    *,
    exceeded: Exceeded | None = None,
    boot_failed: bool = False,
    out_of_memory: bool | None = False,
) -> End:
    found = end_of(code, exceeded=exceeded, boot_failed=boot_failed, out_of_memory=out_of_memory)
    assert found.reason in REASONS
    return found


@pytest.mark.parametrize(
    ("code", "reason", "text"),
    [
        (0, "exit", "exited with code 0"),
        (3, "exit", "exited with code 3"),
        (-signal.SIGSEGV, "signal", "was killed by SIGSEGV"),
        (-signal.SIGKILL, "signal", "was killed by SIGKILL"),
        (-(signal.SIGRTMIN + 1), "signal", f"was killed by signal {signal.SIGRTMIN + 1}"),
    ],
)
def test_by_its_exit_code(code: int, reason: str, text: str) -> None:
    assert end(code) == (reason, text)


def test_for_want_of_memory_is_said_when_it_is_known_and_guessed_when_it_cannot_be() -> None:
    known = end(-signal.SIGKILL, out_of_memory=True)
    assert known.reason == "oom"
    assert "SIGKILL" in known.text
    assert "memory limit" in known.text
    guessed = end(-signal.SIGKILL, out_of_memory=None)
    assert guessed == ("signal", "was killed by SIGKILL (out of memory?)")
    assert end(-signal.SIGTERM, out_of_memory=None) == ("signal", "was killed by SIGTERM")


def test_before_it_could_serve() -> None:
    assert end(3, boot_failed=True) == ("boot_failed", "could not start")


def test_by_us_is_told_by_the_limit_not_by_our_signal() -> None:
    limit = Exceeded(SCORING_TIMEOUT, ScoringTimeout(100))
    found = end(-signal.SIGABRT, exceeded=limit)
    assert found == ("scoring_timeout", "was ended: Scoring timeout after 100 ms")
