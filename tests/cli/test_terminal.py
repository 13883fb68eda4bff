"""What is shown on a terminal, and only there."""

from __future__ import annotations

import io
import os
import pty
from collections.abc import Iterator
from typing import TextIO

import pytest

from scoreserve.cli.terminal import Progress, coloured


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[TextIO, int]]:
    """A terminal's end for a program, and the descriptor of the other."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as stream:
        yield stream, ours
    os.close(ours)


def shown(descriptor: int, end: str) -> str:
    """All up to this, which may come in parts."""
    text = ""
    while not text.endswith(end):
        text += os.read(descriptor, 1 << 16).decode()
    return text


def test_colours_are_for_terminals(
    terminal: tuple[TextIO, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, _ = terminal
    assert coloured("ok", "green", stream) == "\x1b[32mok\x1b[0m"
    assert coloured("ok", "green", io.StringIO()) == "ok"
    monkeypatch.setenv("NO_COLOR", "1")
    assert coloured("ok", "green", stream) == "ok"


def test_progress_is_one_line_of_a_terminal(terminal: tuple[TextIO, int]) -> None:
    stream, other = terminal
    progress = Progress(stream)
    progress.say("x" * 500)
    progress.tell("done")
    before, _, last = shown(other, "\n").rpartition("\r\x1b[K")
    assert 0 < before.count("x") < 500  # what fits
    assert last == "done\r\n"


def test_elsewhere_there_is_no_progress() -> None:
    stream = io.StringIO()
    progress = Progress(stream)
    progress.say("one moment")
    progress.tell("done")
    progress.end()
    assert stream.getvalue() == "done\n"
