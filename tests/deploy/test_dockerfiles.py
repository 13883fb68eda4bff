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


def planned(name: str, choices: Choices, folder: Path) -> Plan:
    """What is to be built for a sample, where nobody can look into images."""
    sample = BY_NAME[name]
    copy_of(sample, folder)
    return plan(sample.read(folder), choices, lambda _image: None)


# Samples with what a command line says beside their files.
CHOSEN = {
    "v2-conda-by-conda": ("v2-conda", Choices(solver="conda")),
    "v2-conda-on-own-base": ("v2-conda", Choices(base_image="team/base:1")),
    "v1-legacy-gpu": ("v1-legacy", Choices(gpu=True, server_image="registry.local/scoreserve:gpu")),
}
ALL = {**{name: (name, Choices()) for name in BY_NAME}, **CHOSEN}


@pytest.mark.parametrize("name", ALL)
def test_the_dockerfile_is_the_golden_one(name: str, tmp_path: Path) -> None:
    text = planned(*ALL[name], tmp_path).dockerfile("its files")
    golden = GOLDEN / f"{name}.Dockerfile"
    if os.environ.get(WRITE):
        golden.write_text(text)
    assert text == golden.read_text()


def test_each_golden_one_has_a_sample() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(ALL)
