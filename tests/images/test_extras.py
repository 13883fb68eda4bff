"""What the environment may ask of an image before it serves, and the exit codes when it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from scoreserve import __version__
from tests.images.conftest import CPU, Run
from tests.images.test_surroundings import READ_ONLY
from tests.wheels import write_greetings

pytestmark = pytest.mark.images

GREETS = """
import greetings

def init(): pass
def run(data): return greetings.greet(data)
"""

SCRIPT = {"AZUREML_ENTRY_SCRIPT": "code/score.py"}
REQUIREMENTS = "--no-index\n--find-links /var/azureml-app/wheels\ngreetings==1.0\n"


class TestExtraRequirements:
    @pytest.mark.parametrize(
        "options",
        [(), ("--user", "4321"), ("--user", "4321:8765"), READ_ONLY],
        ids=["as it is", "arbitrary uid", "without group 0", "read-only"],
    )
    def test_are_installed_before_the_script_is_imported(
        self, run: Run, command: tuple[str, ...], tmp_path: Path, options: tuple[str, ...]
    ) -> None:
        write_greetings(tmp_path / "wheels")
        files = {"code/score.py": GREETS, "code/extra.txt": REQUIREMENTS}
        env = {**SCRIPT, "AZUREML_EXTRA_REQUIREMENTS_TXT": "extra.txt"}
        with run(CPU, *command, files=files, env=env, options=options) as container:
            container.wait_healthy()
            assert container.score("you").json() == "Hello, you!"

    def test_that_fail_end_the_container_after_a_pause(self, run: Run) -> None:
        env = {"AZUREML_EXTRA_REQUIREMENTS_TXT": "extra.txt"}
        files = {"extra.txt": "--no-index\ngreetings\n"}
        with run(CPU, files=files, env=env) as container:
            assert container.wait_exit() == 95
            assert "No matching distribution found for greetings" in container.logs

    def test_the_pause_can_be_cut_short(self, run: Run, command: tuple[str, ...]) -> None:
        env = {"AZUREML_EXTRA_REQUIREMENTS_TXT": "extra.txt"}
        files = {"extra.txt": "--no-index\ngreetings\n"}
        with run(CPU, *command, files=files, env=env) as container:
            container.wait_logged("Exiting in 45 seconds")
            assert container.stop() == 143


class TestExtraLibraries:
    def test_are_importable(self, run: Run) -> None:
        module = "def greet(name): return f'Hello, {name}!'\n"
        files = {"code/score.py": GREETS, "code/lib/greetings.py": module}
        env = {**SCRIPT, "AZUREML_EXTRA_PYTHON_LIB_PATH": "lib"}
        with run(CPU, files=files, env=env) as container:
            container.wait_healthy()
            assert container.score("you").json() == "Hello, you!"


class TestExitCodes:
    @pytest.mark.parametrize(
        ("env", "code", "said"),
        [
            (
                {"AZUREML_DEBUG_PORT": "5678", "PIP_NO_INDEX": "1"},
                94,
                "debugpy could not be installed",
            ),
            (
                {"AZUREML_EXTRA_PYTHON_LIB_PATH": "lib"},
                97,
                "no directory /var/azureml-app/./lib",
            ),
            (
                {"AZUREML_EXTRA_REQUIREMENTS_TXT": "none.txt"},
                99,
                "no file /var/azureml-app/./none.txt",
            ),
            ({"AZUREML_CONDA_ENVIRONMENT_PATH": "/usr"}, 100, "is missing in /usr"),
            ({"CONDA_PREFIX": "/usr"}, 100, "is missing in /usr"),
        ],
    )
    def test_say_what_is_missing(
        self, run: Run, command: tuple[str, ...], env: Mapping[str, str], code: int, said: str
    ) -> None:
        with run(CPU, *command, env=env) as container:
            assert container.wait_exit() == code
            assert said in container.logs


class TestTheListOfPackages:
    """Which Azure ML's images begin with."""

    def test_is_shown_on_request(self, run: Run, tmp_path: Path) -> None:
        write_greetings(tmp_path / "wheels")
        env = {"SCORESERVE_LIST_PACKAGES": "true", "AZUREML_EXTRA_REQUIREMENTS_TXT": "extra.txt"}
        with run(CPU, files={"extra.txt": REQUIREMENTS}, env=env) as container:
            container.wait_healthy()
            assert f"scoreserve=={__version__}\n" in container.logs
            assert "greetings==1.0\n" in container.logs
            assert "has no effect" not in container.logs  # the server knows the variable

    def test_is_left_out_otherwise(self, run: Run) -> None:
        with run(CPU) as container:
            container.wait_healthy()
            assert "SCORESERVE_LIST_PACKAGES=true lists them here" in container.logs
            assert "uvicorn==" not in container.logs
