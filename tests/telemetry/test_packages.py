"""What is installed is found out without importing it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scoreserve.telemetry import switches
from scoreserve.telemetry.packages import is_installed
from scoreserve.telemetry.switches import Switches


def test_a_distribution_is_there_or_not() -> None:
    assert is_installed("pytest")
    assert not is_installed("no-such-distribution")


def test_the_names_that_are_asked_for_are_those_of_the_extras() -> None:
    assert switches.missing(Switches(azure=True, traces=True, metrics=True), is_installed)[1] == []


def test_nothing_is_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Azure's distribution for all of monitoring makes a package of what is but a folder here."""
    package = tmp_path / "azure"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('it is imported')")
    for name in [name for name in sys.modules if name.partition(".")[0] == "azure"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert is_installed("azure-monitor-opentelemetry-exporter")
    assert "azure" not in sys.modules
