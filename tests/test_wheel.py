"""Building the wheel, what becomes of it where it cannot be compiled, and what it leaves in peace.

That it is compiled elsewhere, and works: `make test-compiled`, `make release-check`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import scoreserve
from tests.wheels import write_wheel

ROOT = Path(__file__).resolve().parent.parent
HOOK = ROOT / "server" / "hatch_build.py"
NO_COMPILER = {"CC": "no-such-compiler"}
REFERENCE = "azureml_inference_server_http"

pytestmark = pytest.mark.skipif(not HOOK.exists(), reason="needs the checkout")


def build(directory: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Builds the wheel into `directory`, with the tools of this environment."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def wheel_in(directory: Path) -> Path:
    """The one wheel there, which is for any platform."""
    (wheel,) = directory.iterdir()
    assert wheel.name == f"scoreserve-{scoreserve.__version__}-py3-none-any.whl"
    return wheel


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def pure_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of pure Python, asked for."""
    directory = tmp_path_factory.mktemp("wheel")
    done = build(directory, SCORESERVE_COMPILE="no")
    assert done.returncode == 0, done.stderr
    return wheel_in(directory)


class TestBuilding:
    def test_pure_python_on_demand(self, pure_wheel: Path) -> None:
        names = names_in(pure_wheel)
        assert {"scoreserve/wire.py", "scoreserve/front/queue/dispatcher.py"} <= names
        assert not [name for name in names if name.endswith(".so")]

    def test_pure_python_where_there_is_no_compiler(self, tmp_path: Path) -> None:
        done = build(tmp_path, **NO_COMPILER)
        assert done.returncode == 0, done.stderr
        said = done.stdout + done.stderr
        assert "scoreserve is not compiled: no C compiler (" in said
        assert "no-such-compiler" in said
        assert "scoreserve/wire.py" in names_in(wheel_in(tmp_path))

    def test_none_where_it_must_be_compiled_and_cannot(self, tmp_path: Path) -> None:
        done = build(tmp_path, SCORESERVE_COMPILE="yes", **NO_COMPILER)
        assert done.returncode != 0
        assert not list(tmp_path.iterdir())

    def test_a_value_that_means_nothing_is_refused(self, tmp_path: Path) -> None:
        done = build(tmp_path, SCORESERVE_COMPILE="maybe")
        assert done.returncode != 0
        assert "SCORESERVE_COMPILE is 'maybe'" in done.stderr


class Environment:
    """An environment that wheels are installed into; what they depend on is found in ours."""

    def __init__(self, directory: Path) -> None:
        venv.create(directory, symlinks=True)
        self.python = directory / "bin" / "python"
        (packages,) = directory.glob("lib/python3*/site-packages")
        (packages / "ours.pth").write_text(sysconfig.get_path("purelib"))

    def pip(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "pip", "--python", str(self.python), *arguments]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    def install(self, wheel: Path) -> None:
        self.pip("install", "--quiet", "--no-compile", "--no-deps", "--no-index", str(wheel))

    def by_the_references_name(self) -> str:
        """What `python -m azureml_inference_server_http --help` says."""
        command = [str(self.python), "-m", REFERENCE, "--help"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return done.stdout + done.stderr


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path / "environment")


@pytest.fixture
def real_package(tmp_path: Path) -> Path:
    """A wheel that stands in for the reference's."""
    files = {f"{REFERENCE}/__init__.py": "", f"{REFERENCE}/__main__.py": "print('the real one')\n"}
    return write_wheel(tmp_path, REFERENCE, "1.5.1", files)


class TestTheReferencesName:
    """`python -m azureml_inference_server_http`, which scripts and Dockerfiles have."""

    def test_runs_scoreserve_where_the_real_package_is_not_installed(
        self, environment: Environment, pure_wheel: Path
    ) -> None:
        environment.install(pure_wheel)
        assert "by scoreserve v" in environment.by_the_references_name()

    @pytest.mark.parametrize("real_first", [True, False])
    def test_is_the_real_packages_where_that_is_installed(
        self, environment: Environment, pure_wheel: Path, real_package: Path, *, real_first: bool
    ) -> None:
        wheels = (real_package, pure_wheel) if real_first else (pure_wheel, real_package)
        for wheel in wheels:
            environment.install(wheel)
        assert environment.by_the_references_name() == "the real one\n"
        environment.pip("uninstall", "--yes", "scoreserve")
        assert environment.by_the_references_name() == "the real one\n"

    def test_is_scoreserves_again_when_the_real_package_is_gone(
        self, environment: Environment, pure_wheel: Path, real_package: Path
    ) -> None:
        for wheel in (pure_wheel, real_package):
            environment.install(wheel)
        environment.pip("uninstall", "--yes", REFERENCE)
        assert "by scoreserve v" in environment.by_the_references_name()
