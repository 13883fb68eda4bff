"""`print` in a script: a log line, unless it is meant for another file."""

from __future__ import annotations

import builtins
import io
import sys
from typing import Any

import pytest

from scoreserve.worker.script import print_hook


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch, server_log: pytest.LogCaptureFixture) -> None:
    """The hook, until the test ends."""
    monkeypatch.setattr(builtins, "print", builtins.print)
    print_hook.install()


@pytest.mark.parametrize(
    ("objects", "options", "line"),
    [
        (("text",), {}, "text"),
        (("a", 1, None), {}, "a 1 None"),
        ((), {}, ""),
        (("a", "b"), {"sep": ", "}, "a, b"),
        (("a", "b"), {"sep": ""}, "ab"),
        (("a", "b"), {"sep": None}, "a b"),
        (("a",), {"end": ""}, "a"),
        (("a",), {"end": "!", "flush": True}, "a"),
        (("100% %s %d",), {}, "100% %s %d"),
        (("two\nlines",), {}, "two\nlines"),
        (("ä\ud800",), {}, "ä\ud800"),
        (("a",), {"file": None}, "a"),
    ],
)
def test_is_a_log_line(
    objects: tuple[Any, ...],
    options: dict[str, Any],
    line: str,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    print(*objects, **options)
    assert caplog.record_tuples == [("azmlinfsrv.print", 20, line)]
    assert capsys.readouterr() == ("", "")


def test_to_stdout_by_name_is_too(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    print("a", "b", file=sys.stdout, sep="-")
    assert caplog.messages == ["a-b"]
    assert capsys.readouterr() == ("", "")


def test_to_stderr_is_left_alone(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    print("a", "b", file=sys.stderr, sep="-", end="!")
    assert capsys.readouterr() == ("", "a-b!")
    assert caplog.messages == []


def test_to_a_file_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    file = io.StringIO()
    print("a", "b", file=file)
    print(file=file)
    assert file.getvalue() == "a b\n\n"
    assert caplog.messages == []


def test_what_cannot_be_printed_fails_as_ever() -> None:
    class Broken:
        def __str__(self) -> str:
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        print(Broken())


def test_looks_like_the_builtin() -> None:
    assert (print.__name__, print.__doc__) == ("print", print_hook._print.__doc__)


def test_installed_twice_is_still_one_line(caplog: pytest.LogCaptureFixture) -> None:
    print_hook.install()
    print("once")
    assert caplog.messages == ["once"]
