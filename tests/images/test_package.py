"""`scoreserve package`: each sample of Azure's files becomes an image that scores."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy.conda.channel import make_channel
from tests.deploy.sample_deployments import BY_NAME, copy_of
from tests.deploy.test_dockerfiles import GOLDEN
from tests.images import podman
from tests.images.conftest import CPU
from tests.images.test_conda import python_of
from tests.images.test_examples import company_base
from tests.images.test_files import check

pytestmark = pytest.mark.images

COMMAND = Path(sys.executable).with_name("scoreserve")
ROWS, SCORES = '{"data": [[1, 2, 3], [4, 5, 6]]}', [321, 654]
SCRIPT = "def init(): pass\ndef run(data): return data\n"
USERS_OWN = {"v1-base-dockerfile"}  # begins with a Dockerfile that is not ours


@dataclass(frozen=True)
class Expected:
    """What a sample answers to a body."""

    body: str
    answer: object


SCORED = {
    "v1-mnist": Expected(ROWS, SCORES),
    "v1-legacy": Expected("12", {"steps": "1", "length": 2}),
    "v2-blue": Expected(ROWS, SCORES),
    "v2-conda": Expected(ROWS, SCORES),
    "v2-byoc": Expected(ROWS, SCORES),
    "v2-build": Expected(ROWS, SCORES),
    "v2-kubernetes": Expected(ROWS, SCORES),
}


def package(name: str, folder: Path, *flags: str) -> str:
    """Builds the image of a sample, whose copy is in the folder; what the command tells."""
    if bundle := os.environ.get("SSL_CERT_FILE"):
        flags += (f"--build-option=--volume={bundle}:/etc/ssl/certs/ca-certificates.crt:ro",)
    done = subprocess.run(
        [COMMAND, "package", *BY_NAME[name].flags, "--builder", "podman", *flags],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def scored(image: str, folder: Path, body: str) -> object:
    """What the image, run as it is, answers to a request."""
    with podman.run(image, folder, mount=False) as container:
        container.wait_healthy()
        reply = container.score(body)
        assert reply.status == 200, container.logs
        return reply.json()


@pytest.mark.parametrize("case", SCORED)
def test_a_sample_is_packaged_and_scores(case: str, tmp_path: Path) -> None:
    folder = copy_of(BY_NAME[case], tmp_path)
    tag = f"scoreserve-test-{case}"
    package(case, folder, "--tag", tag)
    assert scored(tag, tmp_path, SCORED[case].body) == SCORED[case].answer


def test_conda_s_packages_come_from_channels_by_request(tmp_path: Path) -> None:
    """With the compiled server: the environment's Python is the image's."""
    context = tmp_path / "base"
    make_channel(context / "channel", *python_of(CPU))
    (context / "Dockerfile").write_text(f"FROM {CPU}\nCOPY channel /channel\n")
    base, tag = podman.build(context, "scoreserve-test-channel"), "scoreserve-test-by-conda"
    folder = copy_of(BY_NAME["v2-conda"], tmp_path)
    (folder / "conda.yml").write_text(
        "channels: ['file:///channel']\ndependencies: [libgreetings=1.2]\n"
    )
    (folder / "onlinescoring/score.py").write_text(
        "import greetings, scoreserve.wire\n"
        "def init(): pass\n"
        "def run(data): return [greetings.VERSION, scoreserve.wire.__file__.rpartition('.')[2]]\n"
    )
    package("v2-conda", folder, "--tag", tag, "--solver", "conda", "--base-image", base)
    assert scored(tag, tmp_path, "") == ["1.2.3", "so"]


def test_a_model_of_the_designer(tmp_path: Path) -> None:
    """Without the designer's own packages, which the script does not import."""
    folder = copy_of(BY_NAME["designer"], tmp_path)
    package("designer", folder, "--tag", "scoreserve-test-designer")
    body = (folder / "_samples.json").read_text()
    answer = '{"Scored Labels": [3.5, 4.0]}'
    assert scored("scoreserve-test-designer", tmp_path, body) == answer


def test_a_script_of_the_designer_does_not_start_and_is_told_why(tmp_path: Path) -> None:
    folder = copy_of(BY_NAME["designer"], tmp_path)
    script = "from azureml.designer.serving.dagengine.score import ScoreModelModule\n"
    (folder / "score.py").write_text(script + SCRIPT)
    package("designer", folder, "--tag", "scoreserve-test-designer-own")
    with podman.run("scoreserve-test-designer-own", tmp_path, mount=False) as container:
        assert container.wait_exit() == 3
        assert "azureml.designer is code of Azure's designer" in container.logs


def test_a_saved_environment_with_a_private_wheel(tmp_path: Path) -> None:
    folder = copy_of(BY_NAME["v1-environment"], tmp_path)
    (folder / "score.py").write_text(
        "import os, tinytool\n"
        "def init(): pass\n"
        "def run(data): return [tinytool.SIZE, os.environ['EXAMPLE_ENV_VAR']]\n"
    )
    conda = folder / "conda_dependencies.yml"
    few = [line for line in conda.read_text().splitlines() if "pandas" not in line]
    conda.write_text("\n".join(few))
    tag = "scoreserve-test-environment"
    package("v1-environment", folder, "--entry-script", "score.py", "--tag", tag)
    assert scored(tag, tmp_path, "") == [1, "EXAMPLE_VALUE"]


def test_a_base_that_is_not_ours_gets_the_server(tmp_path: Path) -> None:
    folder = copy_of(BY_NAME["v1-source-directory"], tmp_path)
    base, tag = company_base(tmp_path / "base"), "scoreserve-test-own-base"
    package("v1-source-directory", folder, "--base-image", base, "--tag", tag)
    assert scored(tag, tmp_path, '{"data": [0.5, 0.9]}') == ["low", "high"]


def test_the_environment_is_built_once(tmp_path: Path) -> None:
    folder = copy_of(BY_NAME["v1-mnist"], tmp_path)
    package("v1-mnist", folder, "--tag", "scoreserve-test-v1-mnist")
    (folder / "score.py").write_text("def init(): pass\ndef run(data): return 'changed'\n")
    told = package("v1-mnist", folder, "--tag", "scoreserve-test-changed")
    assert "The environment's image exists: azureml/azureml_" in told
    assert scored("scoreserve-test-changed", tmp_path, "") == "changed"


def test_the_dockerfiles_pass_hadolint() -> None:
    ours = [path for path in GOLDEN.iterdir() if path.stem not in USERS_OWN]
    check("hadolint", *ours)
