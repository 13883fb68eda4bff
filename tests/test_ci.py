"""CI does nothing that a person cannot do with one command, and both of its forms do the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / ".ci" / "run"
WORKFLOWS = ROOT / ".github" / "workflows"

pytestmark = pytest.mark.skipif(not RUN.exists(), reason="needs the checkout")


def targets_of_run() -> set[str]:
    return set(re.findall(r"^make (\S+)$", RUN.read_text(), re.MULTILINE))


def test_the_workflow_and_the_script_make_the_same() -> None:
    jobs = yaml.safe_load((WORKFLOWS / "ci.yml").read_text())["jobs"]
    called = {
        target
        for job in jobs.values()
        for step in job["steps"]
        for target in re.findall(r"make (\S+)$", step.get("run", ""))
    }
    matrix = set(jobs["more"]["strategy"]["matrix"]["target"])
    assert {target for target in called if target[0] != "$"} | matrix == targets_of_run()


def test_what_they_make_is_in_the_makefile_and_explained() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in targets_of_run():
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
        assert f'@echo "make {target} ' in makefile, f"`make help` does not tell of {target}"


def test_each_python_is_tested_and_has_wheels() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    listed = re.search(r"^PYTHONS \?= (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert listed is not None
    pythons = listed[1].split()
    assert f'requires-python = ">={pythons[0]}"' in project
    wheels = [f"cp{version.replace('.', '')}-*" for version in pythons]
    assert f"build = {wheels}".replace("'", '"') in project
    tests = yaml.safe_load((WORKFLOWS / "ci.yml").read_text())["jobs"]["test"]
    assert tests["strategy"]["matrix"]["python"] == pythons
