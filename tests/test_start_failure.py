"""The last words of a server that did not start."""

from __future__ import annotations

import io
import json
import logging
import sys

import pytest

from scoreserve import logs
from scoreserve.start_failure import StartFailure, tell

MISSING = StartFailure(
    "No module named 'xgboost'", "/app/score.py, line 3\nimport xgboost", "pip install xgboost"
)


def test_are_a_block_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    tell(MISSING)
    out, err = capsys.readouterr()
    assert (out, err.splitlines()) == (
        "",
        [
            "------------------------- scoreserve could not start -------------------------",
            "What     No module named 'xgboost'",
            "Where    /app/score.py, line 3",
            "         import xgboost",
            "To do    pip install xgboost",
            "------------------------------------------------------------------------------",
        ],
    )


def test_leave_out_what_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    tell(StartFailure("why"))
    _, what, _ = capsys.readouterr().err.splitlines()
    assert what == "What     why"


def test_are_one_record_of_json(clean_loggers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs.JsonFormatter, "wanted", False)  # and so again in the end
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.JsonFormatter())
    logging.getLogger("azmlinfsrv").handlers = [handler]
    tell(MISSING, as_json=True)
    record = json.loads(written.getvalue())
    assert record["level"] == "CRITICAL"
    assert record["message"] == (
        "scoreserve could not start: No module named 'xgboost'"
        " in /app/score.py, line 3: import xgboost: pip install xgboost"
    )


def test_have_color_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    tell(MISSING)
    first, *rest = terminal.getvalue().splitlines()
    assert first.startswith("\x1b[1;31m---")
    assert not any("\x1b" in line for line in rest)


def test_reach_another_process() -> None:
    assert StartFailure.from_json(MISSING.to_json()) == MISSING
