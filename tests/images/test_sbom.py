"""The bill of materials that can be made of an image."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scoreserve import __version__

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.images


def test_names_what_debian_and_python_installed(tmp_path: Path) -> None:
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [ROOT / "base-images" / "sbom", "cpu"],
        env={**os.environ, "PATH": programs, "DIRECTORY": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "scoreserve-cpu.spdx.json").read_text())
    found = {package["name"]: package["versionInfo"] for package in document["packages"]}
    assert found["scoreserve"] == __version__
    assert {"onnxruntime", "uvicorn", "libc6", "python3", "libgomp1"} <= found.keys()
