"""What cannot be looked through is kept out, and says so; nothing is raised."""

from __future__ import annotations

import compileall
import functools
import sys
from pathlib import Path
from typing import Any

import pytest

from scoreserve.worker.model.shared_state import obstacles
from tests.worker.model.shared_state.scripts import load, obstacles_of

PLAIN = "def init():\n    pass\ndef run(raw):\n    return helper(raw)\n"


def test_a_script_without_source(tmp_path: Path) -> None:
    module = load(tmp_path, PLAIN.replace("helper(raw)", "raw"))
    (tmp_path / "score.py").unlink()
    (found,) = obstacles(module.run)
    assert "source cannot be read" in found.reason
    assert (found.path, found.line) == (str(tmp_path / "score.py"), 3)


def test_a_module_without_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "compiled_beside.py").write_text("def helper(x):\n    return x\n")
    compileall.compile_file(tmp_path / "compiled_beside.py", legacy=True, quiet=1)
    (tmp_path / "compiled_beside.py").unlink()
    found = obstacles_of(tmp_path, "from compiled_beside import helper\n" + PLAIN)
    sys.modules.pop("compiled_beside", None)
    assert [each.line for each in found] == [5]
    assert "source cannot be read" in found[0].reason


def test_a_function_that_is_not_in_its_source_any_more(tmp_path: Path) -> None:
    module = load(tmp_path, PLAIN.replace("helper(raw)", "raw"))
    (tmp_path / "score.py").write_text("\n\n\n\n")
    (found,) = obstacles(module.run)
    assert "is not in its source" in found.reason


@pytest.mark.parametrize("run", [len, print, functools.partial(len), object(), None])
def test_what_is_no_script_at_all(run: Any) -> None:
    (found,) = obstacles(run)
    assert "not written in Python" in found.reason


def test_functions_that_call_one_another_without_end(tmp_path: Path) -> None:
    source = """
        def init():
            pass
        def odd(n, seen):
            return even(n - 1, [*seen, n])
        def even(n, seen):
            return odd(n - 1, {"seen": seen})
        def run(raw):
            return odd(len(raw), [])
    """
    assert obstacles_of(tmp_path, source) == []


def test_a_limit_of_recursion_is_as_it_was(tmp_path: Path) -> None:
    before = sys.getrecursionlimit()
    obstacles_of(tmp_path, "def init():\n    pass\ndef run(raw):\n    return raw\n")
    assert sys.getrecursionlimit() == before


def test_a_module_that_is_imported_by_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    source = """
        def init():
            pass
        def run(raw):
            import imported_late_by_run
            return imported_late_by_run.f(raw)
    """
    (found,) = obstacles_of(tmp_path, source, imported_late_by_run="def f(x):\n    return x\n")
    assert (found.line, found.source) == (4, "import imported_late_by_run")
