"""A module of ours as a process, beside files of the user's."""

from __future__ import annotations

import subprocess
import sys

import pytest

from scoreserve.module_command import module_command
from tests.conftest import WriteFile


@pytest.mark.parametrize("version", [sys.version_info, (3, 10)], ids=["here", "3.10"])
def test_no_file_of_the_users_shadows_what_it_imports(
    write_file: WriteFile, monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...]
) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    folder = write_file("argparse.py", "raise SystemExit('the wrong one')").parent
    done = subprocess.run(
        [*module_command("scoreserve"), "--version"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("scoreserve ")
