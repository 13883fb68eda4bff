"""`print` in a script: a log line, unless it is meant for another file."""

from __future__ import annotations

import builtins
import contextlib
import io
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scoreserve import stdio
from scoreserve.worker.script import print_hook
from scoreserve.worker.script.script_stdout import ScriptSink

Install = Callable[[], None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, server_log: pytest.LogCaptureFixture) -> Install:
    """Installs the hook until the test ends, for the stdout that pytest has given it by then."""
    monkeypatch.setattr(builtins, "print", builtins.print)
    return print_hook.install


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
    install: Install,
    *,
    objects: tuple[Any, ...],
    options: dict[str, Any],
    line: str,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    install()
    print(*objects, **options)
    assert caplog.record_tuples == [("azmlinfsrv.print", 20, line)]
    assert capsys.readouterr() == ("", "")


def test_the_place_of_the_line_is_that_of_the_print(
    install: Install, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    install()
    print("here")
    [record] = caplog.records
    assert (record.pathname, record.funcName) == (
        __file__,
        "test_the_place_of_the_line_is_that_of_the_print",
    )


def test_to_stdout_by_name_is_too(
    install: Install, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    install()
    print("a", "b", file=sys.stdout, sep="-")
    assert caplog.messages == ["a-b"]
    assert capsys.readouterr() == ("", "")


def test_to_stderr_is_left_alone(
    install: Install, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    install()
    print("a", "b", file=sys.stderr, sep="-", end="!")
    assert capsys.readouterr() == ("", "a-b!")
    assert caplog.messages == []


def test_to_a_file_is_left_alone(install: Install, caplog: pytest.LogCaptureFixture) -> None:
    install()
    file = io.StringIO()
    print("a", "b", file=file)
    print(file=file)
    assert file.getvalue() == "a b\n\n"
    assert caplog.messages == []


def test_what_cannot_be_printed_fails_as_ever(install: Install) -> None:
    install()

    class Broken:
        def __str__(self) -> str:
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        print(Broken())


def test_looks_like_the_builtin(install: Install) -> None:
    install()
    assert (print.__name__, print.__doc__) == ("print", print_hook._print.__doc__)


def test_installed_twice_is_still_one_line(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    install()
    install()
    print("once")
    assert caplog.messages == ["once"]


class TestCaptured:
    """What the script captures is the script's."""

    @pytest.fixture
    def captured(self) -> io.StringIO:
        return io.StringIO()

    def test_is_what_is_printed_meanwhile(
        self, install: Install, captured: io.StringIO, caplog: pytest.LogCaptureFixture
    ) -> None:
        install()
        with contextlib.redirect_stdout(captured):
            print("a", "b", sep="-", end="!")
            print("c", file=sys.stdout)
            print("d", file=None)
        print("after")
        assert captured.getvalue() == "a-b!c\nd\n"
        assert caplog.messages == ["after"]

    def test_in_a_capture_is_the_inner_ones(
        self, install: Install, captured: io.StringIO, caplog: pytest.LogCaptureFixture
    ) -> None:
        install()
        inner = io.StringIO()
        with contextlib.redirect_stdout(captured):
            with contextlib.redirect_stdout(inner):
                print("inner")
            print("outer")
        assert (inner.getvalue(), captured.getvalue()) == ("inner\n", "outer\n")
        assert caplog.messages == []

    def test_is_what_other_threads_print_too(
        self, install: Install, captured: io.StringIO, caplog: pytest.LogCaptureFixture
    ) -> None:
        install()
        with contextlib.redirect_stdout(captured):
            thread = threading.Thread(target=print, args=("elsewhere",))
            thread.start()
            thread.join()
        assert captured.getvalue() == "elsewhere\n"
        assert caplog.messages == []

    def test_is_not_what_is_printed_past_it(
        self, install: Install, captured: io.StringIO, caplog: pytest.LogCaptureFixture
    ) -> None:
        install()
        before = sys.stdout
        with contextlib.redirect_stdout(captured):
            print("past", file=before)
        assert captured.getvalue() == ""
        assert caplog.messages == ["past"]

    def test_is_what_a_tee_gets_whatever_it_looks_like(
        self,
        install: Install,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        install()

        class Tee:
            """As scripts write it: in all else it is the stream behind."""

            def __init__(self, behind: Any) -> None:
                self.behind, self.seen = behind, ""

            def write(self, text: str) -> None:
                self.seen += text

            def __getattr__(self, name: str) -> Any:
                return getattr(self.behind, name)

        tee = Tee(sys.stdout)
        monkeypatch.setattr(sys, "stdout", tee)
        print("both")
        assert tee.seen == "both\n"
        assert caplog.messages == []


def test_to_another_wrapper_of_the_same_stdout_is_a_log_line(
    install: Install, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Scripts make one for another encoding."""
    ours = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", ours)
    install()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(ours.buffer, encoding="utf-8"))
    print("a")
    assert caplog.messages == ["a"]


def test_to_a_wrapper_that_is_detached_fails_as_ever(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install()
    file = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", file)
    file.detach()
    with pytest.raises(ValueError, match="detached"):
        print("a")


def test_where_another_file_is_behind_the_descriptor_is_in_that_file(
    install: Install,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    """As scripts do to capture what a C library prints."""
    with open(tmp_path / "log", "w+b") as log, open(tmp_path / "captured", "w+b") as captured:
        stdout = stdio.Stream(ScriptSink(log.fileno(), 0))
        monkeypatch.setattr(sys, "stdout", stdout)
        install()
        print("before")
        sys.stdout.write("written before\n")
        kept = os.dup(log.fileno())
        os.dup2(captured.fileno(), log.fileno())
        print("captured", end="!")
        sys.stdout.write("written\n")
        os.dup2(kept, log.fileno())
        os.close(kept)
        print("after")
        sys.stdout.write("written after\n")
    assert caplog.messages == ["before", "after"]
    assert (tmp_path / "captured").read_text() == "captured!written\n"
    assert (tmp_path / "log").read_text() == "written before\nwritten after\n"
