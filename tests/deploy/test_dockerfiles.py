"""The Dockerfile of each sample, as it is expected to be: golden/NAME.Dockerfile.

With SCORESERVE_WRITE_GOLDEN=1 they are written anew; look at the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scoreserve.deploy.plan import Choices, Plan, plan
from tests.deploy.sample_deployments import BY_NAME, copy_of

GOLDEN = Path(__file__).parent / "golden"
WRITE = "SCORESERVE_WRITE_GOLDEN"


def planned(name: str, folder: Path, choices: Choices | None = None) -> Plan:
    """What is to be built for a sample, where nobody can look into images."""
    sample = BY_NAME[name]
    copy_of(sample, folder)
    return plan(sample.read(folder), choices or Choices(), lambda _image: None)


@pytest.mark.parametrize("name", BY_NAME)
def test_the_dockerfile_is_the_golden_one(name: str, tmp_path: Path) -> None:
    text = planned(name, tmp_path).dockerfile("its files")
    golden = GOLDEN / f"{name}.Dockerfile"
    if os.environ.get(WRITE):
        golden.write_text(text)
    assert text == golden.read_text()


def test_each_golden_one_has_a_sample() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(BY_NAME)
