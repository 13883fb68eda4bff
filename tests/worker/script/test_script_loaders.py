"""The entry script's file as a module: by the loader that fits it."""

from __future__ import annotations

import os
import py_compile
import sys
from pathlib import Path

import pytest

from scoreserve.errors import BootError
from scoreserve.worker.script import script_loaders
from tests.conftest import WriteFile

pytestmark = pytest.mark.usefixtures("clean_modules")


def nothing() -> None:
    """For those who need not know when the script begins."""


def test_source_is_never_taken_from_its_bytecode(write_file: WriteFile, tmp_path: Path) -> None:
    path = write_file("score.py", "value = 'old'\n")
    py_compile.compile(str(path), doraise=True)
    times = path.stat()
    path.write_text("value = 'new'\n")  # of the same size and time
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert script_loaders.load(str(path), "a_script", nothing).value == "new"
    assert len(list((tmp_path / "__pycache__").iterdir())) == 1


@pytest.mark.parametrize("name", ["score.pyc", "score.cpython.pyc"])
def test_bytecode_needs_no_source(write_file: WriteFile, tmp_path: Path, name: str) -> None:
    path = write_file("source.py", "value = __name__\n")
    py_compile.compile(str(path), str(tmp_path / name), doraise=True)
    path.unlink()
    assert script_loaders.load(str(tmp_path / name), "a_script", nothing).value == "a_script"


def test_the_module_is_known_while_it_is_made(write_file: WriteFile) -> None:
    path = write_file("score.py", "import sys\nvalue = sys.modules[__name__].__file__\n")
    begun: list[bool] = []
    module = script_loaders.load(
        str(path), "a_script", lambda: begun.append(not hasattr(sys.modules["a_script"], "value"))
    )
    assert begun == [True]
    assert module.value == str(path)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("score.ipynb", b"{}", "notebook"),
        ("Score.IPYNB", b"{}", "notebook"),
        ("score.pyc", b"", "bytecode of this Python"),
        ("score.zip", b"PK\3\4\0\0", "neither Python source"),
        ("score", b"\0", "neither Python source"),
    ],
)
def test_what_is_no_script_is_refused(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BootError, match=reason):
        script_loaders.load(str(tmp_path / name), "a_script", nothing)
