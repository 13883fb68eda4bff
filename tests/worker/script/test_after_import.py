"""What is to be done when a module has been imported."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from scoreserve.worker.script import after_import
from tests.conftest import WriteFile

pytestmark = pytest.mark.usefixtures("clean_modules")


@pytest.fixture(autouse=True)
def clean_finders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Takes back what the test adds to sys.meta_path, and lets it import from its directory."""
    before = list(sys.meta_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.meta_path[:] = before


def test_is_done_once_the_module_is_whole(write_file: WriteFile) -> None:
    write_file("late_one.py", "value = 1\n")
    seen: list[tuple[str, int]] = []
    after_import.call("late_one", lambda module: seen.append((module.__name__, module.value)))
    after_import.call("late_one", lambda module: seen.append((module.__name__, 2)))
    for _ in range(2):
        importlib.import_module("late_one")
    assert seen == [("late_one", 1), ("late_one", 2)]


def test_is_done_for_copies_of_it_too(write_file: WriteFile) -> None:
    for name in ("outer/__init__.py", "outer/late_one.py", "late_one_more.py"):
        write_file(name, "")
    seen: list[str] = []
    after_import.call("late_one", lambda module: seen.append(module.__name__))
    for name in ("outer.late_one", "late_one_more"):
        importlib.import_module(name)
    assert seen == ["outer.late_one"]


def test_leaves_the_module_its_loader(write_file: WriteFile) -> None:
    write_file("late_one.py", "value = 1\n")
    after_import.call("late_one", lambda module: None)
    module = importlib.import_module("late_one")
    assert isinstance(module.__loader__, SourceFileLoader)
    assert module.__spec__ is not None
    assert module.__spec__.loader is module.__loader__
    assert module.__loader__.get_source("late_one") == "value = 1\n"
    assert importlib.reload(module) is module


def test_is_not_done_where_the_import_fails(write_file: WriteFile) -> None:
    write_file("late_one.py", "raise KeyError\n")
    after_import.call("late_one", lambda module: pytest.fail("it is not there"))
    with pytest.raises(KeyError):
        importlib.import_module("late_one")
    after_import.call("no_such_module", lambda module: pytest.fail("it is not there"))
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("no_such_module")


def test_fails_no_import(write_file: WriteFile, server_log: pytest.LogCaptureFixture) -> None:
    write_file("late_one.py", "")

    def fail(module: ModuleType) -> None:
        raise KeyError("ours")

    after_import.call("late_one", fail)
    assert importlib.import_module("late_one")
    assert "What follows the import of late_one failed" in server_log.text
