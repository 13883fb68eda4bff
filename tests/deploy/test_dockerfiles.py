"""The Dockerfile of each sample, as it is expected to be: golden/NAME.Dockerfile.

With SCORESERVE_WRITE_GOLDEN=1 they are written anew; look at the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scoreserve.deploy.bases import Base
from scoreserve.deploy.deployment import Deployment
from scoreserve.deploy.dockerfile import service_lines
from scoreserve.deploy.plan import Choices, KnowsNothing, Plan, plan
from scoreserve.errors import DeploymentError
from tests.deploy.sample_deployments import BY_NAME, copy_of

GOLDEN = Path(__file__).parent / "golden"
WRITE = "SCORESERVE_WRITE_GOLDEN"


def planned(name: str, choices: Choices, folder: Path) -> Plan:
    """What is to be built for a sample, where nobody can look into images."""
    sample = BY_NAME[name]
    copy_of(sample, folder)
    return plan(sample.read(folder), choices, KnowsNothing())


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


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("good morning", '"good morning"'),
        ('a "quoted" $HOME', '"a \\"quoted\\" \\$HOME"'),
        ("C:\\x", '"C:\\\\x"'),
        ("", '""'),
    ],
)
def test_a_variable_has_its_value_as_it_is(value: str, written: str) -> None:
    text = service_lines(Deployment("s", variables={"NAME": value}), Base("scoreserve:cpu"))
    assert f"ENV NAME={written}\n" in text


@pytest.mark.parametrize("variables", [{"TWO": "a\nb"}, {"A B": "x"}, {"": "x"}, {"A=B": "x"}])
def test_a_variable_that_no_dockerfile_can_have_is_told(variables: dict[str, str]) -> None:
    with pytest.raises(DeploymentError, match="give it to the container that runs"):
        service_lines(Deployment("s", variables=variables), Base("scoreserve:cpu"))


def test_labels_cannot_break_out_of_their_line() -> None:
    labels = {"my tag\nRUN evil": "a\nRUN evil", "description": "two\r\nlines"}
    text = service_lines(Deployment("s", labels=labels), Base("scoreserve:cpu"))
    assert not [line for line in text.splitlines() if line.startswith("RUN")]
    assert 'image.description="two lines"' in text
