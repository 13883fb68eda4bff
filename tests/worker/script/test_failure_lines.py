"""The line that says what went wrong with a request."""

from __future__ import annotations

import pytest

from scoreserve.errors import InternalError, ScoringTimeout, ScriptFailed
from scoreserve.worker.script.failure_lines import failure_line


class Unsayable(Exception):
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("cause", "line"),
    [
        (ValueError("no such column"), "ValueError: no such column"),
        (KeyError("a"), "KeyError: 'a'"),
        (ValueError(), "ValueError"),
        (ValueError("\n first\nsecond"), "ValueError: first"),
        (Unsayable(), f"{__name__}.Unsayable: <its message cannot be made>"),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
def test_is_the_last_of_a_traceback(cause: BaseException, line: str) -> None:
    assert failure_line(ScriptFailed().with_cause(cause)) == line


def test_is_no_longer_than_a_line() -> None:
    line = failure_line(ScriptFailed().with_cause(ValueError("x" * 1000)))
    assert len(line) == 300
    assert line.endswith("x…")


def test_is_what_is_answered_where_the_script_raised_nothing_of_its_own() -> None:
    timeout = ScoringTimeout(50).with_cause(RuntimeError("out of time"))
    assert failure_line(timeout) == timeout.message
    assert failure_line(InternalError()) == InternalError().message
