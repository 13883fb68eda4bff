"""What a script imports and is not there, read from its text."""

from __future__ import annotations

import pytest

from scoreserve.check.imports import Imports, of_script
from tests.conftest import WriteFile


def missing(found: Imports) -> list[tuple[str, int, str]]:
    return [(each.module, each.line, each.function) for each in found.missing]


def test_nothing_is_run(write_file: WriteFile) -> None:
    path = write_file("score.py", "import json, os.path\nraise SystemExit\n")
    found = of_script(str(path))
    assert found.found == {"json", "os"}
    assert missing(found) == []


def test_all_that_is_missing_is_told_at_once(write_file: WriteFile) -> None:
    path = write_file("score.py", "import nothing_a\nfrom nothing_b.inner import x\n")
    assert missing(of_script(str(path))) == [("nothing_a", 1, ""), ("nothing_b.inner", 2, "")]


def test_an_import_in_a_function_names_it(write_file: WriteFile) -> None:
    path = write_file("score.py", "def init():\n    if True:\n        import nothing_a\n")
    assert missing(of_script(str(path))) == [("nothing_a", 3, "init")]


def test_one_that_runs_with_the_script_counts_more(write_file: WriteFile) -> None:
    path = write_file("score.py", "def init():\n    import nothing_a\nimport nothing_a\n")
    assert missing(of_script(str(path))) == [("nothing_a", 3, "")]


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    import nothing_a\nexcept ImportError:\n    pass\n",
        "try:\n    import nothing_a\nexcept (OSError, ModuleNotFoundError):\n    pass\n",
        "try:\n    import nothing_a\nexcept:\n    pass\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import nothing_a\n",
        "from . import nothing_a\n",
    ],
)
def test_what_may_be_missing_is_not_told(write_file: WriteFile, text: str) -> None:
    assert missing(of_script(str(write_file("score.py", text)))) == []


def test_another_error_that_is_caught_excuses_nothing(write_file: WriteFile) -> None:
    text = "try:\n    import nothing_a\nexcept OSError:\n    pass\n"
    assert missing(of_script(str(write_file("score.py", text)))) == [("nothing_a", 2, "")]


def test_modules_beside_the_script_are_read_too(
    write_file: WriteFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_file("score.py", "import helper_of_score\n")
    helper = write_file("helper_of_score.py", "import nothing_a, helper_of_score\n")
    assert missing(of_script(str(path))) == [("helper_of_score", 1, "")]
    monkeypatch.syspath_prepend(str(path.parent))
    found = of_script(str(path))
    assert [(each.module, each.path) for each in found.missing] == [("nothing_a", str(helper))]


def test_what_is_no_python_is_refused(write_file: WriteFile) -> None:
    with pytest.raises(SyntaxError):
        of_script(str(write_file("score.py", "def init(:\n")))
