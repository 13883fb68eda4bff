"""Waiting for a debugger: what is asked of debugpy, and what happens without it."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from scoreserve.worker.script import debugger

WARNING = """\
!! Starting the inference server in DEBUGGING mode because AZUREML_DEBUG_PORT is set.
!! This environment variable should not be set in a production environment.
"""


class FakeDebugpy(ModuleType):
    """Keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__("debugpy")
        self.asked: list[str] = []

    def connect(self, port: int) -> None:
        self.asked.append(f"connect to {port}")

    def wait_for_client(self) -> None:
        self.asked.append("wait")


def test_connects_and_waits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    debugpy = FakeDebugpy()
    monkeypatch.setitem(sys.modules, "debugpy", debugpy)
    debugger.attach(5678)
    assert debugpy.asked == ["connect to 5678", "wait"]
    assert capsys.readouterr().out == f"{WARNING}** Connecting to debugger at port 5678...\n"


def test_without_debugpy_the_process_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "debugpy", None)  # as if it were not installed
    with pytest.raises(SystemExit) as caught:
        debugger.attach(5678)
    assert caught.value.code == -1
    assert capsys.readouterr().out == (
        f"{WARNING}** Cannot connect to a debugger because debugpy is not installed.\n"
    )
