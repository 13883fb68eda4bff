"""The images' conda: what Azure's tools write into Dockerfiles and ask for at the start. Packages
are wheels beside the conda file, and nothing is served with what comes from a network.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.conda.channel import make_channel
from tests.images import podman
from tests.images.conftest import CPU, Run
from tests.images.podman import build
from tests.images.test_extras import GREETS
from tests.images.test_surroundings import READ_ONLY
from tests.wheels import write_greetings

pytestmark = pytest.mark.images

WHEEL = "./wheels/greetings-1.0-py3-none-any.whl"
FILE = f"name: greeter\ndependencies:\n- python=3.13\n- pip\n- pip:\n  - {WHEEL}\n"
OFFLINE = {"PIP_NO_INDEX": "1"}

# As azure-ai-ml's local endpoints have it.
DOCKERFILE = f"""
FROM {CPU}
RUN mkdir -p /var/azureml-app/
WORKDIR /var/azureml-app/
COPY . /var/azureml-app/
RUN conda env create -n inf-conda-env --file conda.yml
CMD ["conda", "run", "--no-capture-output", "-n", "inf-conda-env", "runsvdir", "/var/runit"]
"""

CHANNEL_DOCKERFILE = f"""
FROM {CPU}
COPY channel /channel
RUN conda create --yes --name mine --channel file:///channel libgreetings=1.2
ENV AZUREML_CONDA_ENVIRONMENT_PATH=/opt/miniconda/envs/mine
"""

# Ways to make an environment the active one of a shell.
SHELLS = {
    "profile": ". /opt/miniconda/etc/profile.d/conda.sh && conda activate greeter",
    "hook": 'eval "$(conda shell.bash hook)" && conda activate greeter',
    "source": "source activate greeter",
    "old source": "source /opt/miniconda/bin/activate greeter",
    "init": 'conda init bash && eval "$(tail -n 1 ~/.bashrc)" && conda activate greeter',
}

REAL_CONDA = "#!/bin/sh\necho the real conda: $*\n"


def python_of(image: str) -> tuple[str, str]:
    """The path of an image's Python, and its version, as `3.13`."""
    show = "import os, sys; print(os.path.realpath(sys.executable), *sys.version_info[:2])"
    python, *version = podman.run_once(image, "python", "-c", show).split()
    return python, ".".join(version)


def write_project(directory: Path) -> None:
    write_greetings(directory / "wheels")
    (directory / "conda.yml").write_text(FILE)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    context = tmp_path_factory.mktemp("context")
    write_project(context)
    (context / "Dockerfile").write_text(DOCKERFILE)
    return build(context, "scoreserve-conda")


class TestAnImageOfAzureSTools:
    @pytest.mark.parametrize(
        "options",
        [(), ("--user", "4321"), ("--user", "4321:8765"), READ_ONLY],
        ids=["as it is", "arbitrary uid", "without group 0", "read-only"],
    )
    def test_is_served_by_the_server_of_the_image(
        self, run: Run, image: str, options: tuple[str, ...]
    ) -> None:
        with run(image, script=GREETS, env=OFFLINE, options=options) as container:
            container.wait_healthy()
            assert container.score("you").json() == "Hello, you!"
            told = "scoreserve is missing in /opt/miniconda/envs/inf-conda-env: installing it"
            assert told in container.logs
            assert container.stop() == 0

    def test_is_served_by_the_path_of_its_environment_too(self, run: Run, image: str) -> None:
        env = {**OFFLINE, "AZUREML_CONDA_ENVIRONMENT_PATH": "/opt/miniconda/envs/inf-conda-env"}
        with run(image, "/var/runit/gunicorn/run", script=GREETS, env=env) as container:
            container.wait_healthy()
            assert container.score("you").json() == "Hello, you!"


class TestConda:
    def test_packages_of_a_channel_are_served(self, run: Run, tmp_path: Path) -> None:
        """py-rattler, which solves and installs them, is fetched from the package index."""
        context = tmp_path / "context"
        make_channel(context / "channel", *python_of(CPU))
        (context / "Dockerfile").write_text(CHANNEL_DOCKERFILE)
        image = build(context, "scoreserve-channel")
        script = "import greetings\ndef init(): pass\ndef run(data): return greetings.VERSION\n"
        with run(image, script=script, env=OFFLINE) as container:
            container.wait_healthy()
            assert container.score("").json() == "1.2.3"


class TestExtraConda:
    def test_is_an_environment_of_its_own(
        self, run: Run, command: tuple[str, ...], tmp_path: Path
    ) -> None:
        write_project(tmp_path)
        env = {**OFFLINE, "AZUREML_EXTRA_CONDA_YAML": "conda.yml"}
        with run(CPU, *command, script=GREETS, env=env) as container:
            container.wait_healthy()
            assert container.score("you").json() == "Hello, you!"
            assert "Packages are those in /opt/miniconda/envs/userenv" in container.logs

    def test_is_made_where_it_can_be_written(self, run: Run, tmp_path: Path) -> None:
        write_project(tmp_path)
        env = {**OFFLINE, "AZUREML_EXTRA_CONDA_YAML_ABS_PATH": "/var/azureml-app/conda.yml"}
        options = (*READ_ONLY, "--user", "4321:8765")
        with run(CPU, script=GREETS, env=env, options=options) as container:
            container.wait_healthy()
            assert container.score("you").json() == "Hello, you!"
            assert "Packages are those in /tmp/conda-envs/userenv" in container.logs

    def test_a_package_that_cannot_be_had_is_named(self, run: Run) -> None:
        files = {"conda.yml": "dependencies: [nodejs=18]\n"}
        env = {**OFFLINE, "AZUREML_EXTRA_CONDA_YAML": "conda.yml"}
        with run(CPU, files=files, env=env) as container:
            container.wait_logged("Exiting in 45 seconds")
            assert "conda.yml: nodejs=18: needs conda's channels: py-rattler" in container.logs

    def test_a_file_that_is_not_there_ends_the_container(self, run: Run) -> None:
        with run(CPU, env={"AZUREML_EXTRA_CONDA_YAML": "none.yml"}) as container:
            assert container.wait_exit() == 98
            assert "no file /var/azureml-app/./none.yml" in container.logs


class TestInAShell:
    @pytest.fixture
    def project(self, tmp_path: Path) -> tuple[str, ...]:
        """Options that mount a conda file with its wheel."""
        write_project(tmp_path)
        tmp_path.chmod(0o755)  # the user of the image is another
        env = [f"--env={name}={value}" for name, value in OFFLINE.items()]
        return ("--volume", f"{tmp_path}:/project", "--workdir", "/project", *env)

    def test_environments_are_made_and_activated(self, project: tuple[str, ...]) -> None:
        shown = "python -c 'import greetings, sys; print(greetings.greet(sys.prefix))'"
        lines = "\n".join(f"(set -e; {{ {way}; }} > /dev/null; {shown})" for way in SHELLS.values())
        script = f"conda env create --quiet -f conda.yml > /dev/null\n{lines}"
        told = podman.run_once(CPU, "bash", "-c", script, options=project)
        assert told.splitlines() == ["Hello, /opt/miniconda/envs/greeter!"] * len(SHELLS)

    def test_the_image_s_own_is_base_and_amlenv(self, project: tuple[str, ...]) -> None:
        script = f"""
            set -e
            cd /project
            conda env update --name amlenv --file conda.yml > /dev/null
            python -c 'import greetings; print(greetings.greet("base"))'
            /opt/miniconda/bin/python -c 'import greetings, scoreserve'
            /opt/miniconda/bin/pip uninstall --quiet --yes greetings
            conda install --yes --name base pip > /dev/null
            conda list greetings | tail -n +4
            cd /opt/miniconda/envs/amlenv/bin && ls scoreserve
            conda info --base
            cd /project && pip install --quiet {WHEEL} && conda list greetings | tail -n +4
        """
        told = podman.run_once(CPU, "bash", "-c", script, options=(*project, "--user", "4321:0"))
        assert [line.split() for line in told.splitlines()] == [
            ["Hello,", "base!"],
            ["scoreserve"],
            ["/opt/miniconda"],
            ["greetings", "1.0", "pypi"],
        ]

    def test_another_python_is_told_and_refused_if_strict(self, project: tuple[str, ...]) -> None:
        script = """
            echo 'dependencies: [python=3.8]' > /tmp/old.yml
            conda env create --name old --file /tmp/old.yml 2>&1 > /dev/null
            conda env create --name strict --file /tmp/old.yml --strict 2>&1 || echo $?
        """
        told = podman.run_once(CPU, "sh", "-c", script, options=project)
        problem = "old.yml: python 3.8: the server needs Python 3.10 or newer; Python 3.13 takes"
        assert told.splitlines() == [
            f"conda: WARNING: {problem} its place",
            f"conda: {problem} its place (refused: --strict)",
            "1",
        ]


class TestARealConda:
    @pytest.fixture
    def options(self, tmp_path: Path) -> tuple[str, ...]:
        real = tmp_path / "conda"
        real.write_text(REAL_CONDA)
        real.chmod(0o755)
        tmp_path.chmod(0o755)
        return ("--volume", f"{tmp_path}:/opt/conda/bin")

    @pytest.mark.parametrize("name", ["conda", "/opt/miniconda/bin/conda"])
    def test_is_the_one_that_runs(self, options: tuple[str, ...], name: str) -> None:
        told = podman.run_once(CPU, name, "env", "list", options=options)
        assert told == "the real conda: env list"


class TestAnEnvironmentWithoutTheServer:
    """Made by other tools than conda."""

    def test_gets_it(self, run: Run) -> None:
        script = "def init(): pass\ndef run(data):\n    import sys\n    return sys.prefix\n"
        make = "python3 -m venv --without-pip /tmp/mine && exec /var/runit/gunicorn/run"
        env = {**OFFLINE, "AZUREML_CONDA_ENVIRONMENT_PATH": "/tmp/mine"}
        with run(CPU, "sh", "-c", make, script=script, env=env) as container:
            container.wait_healthy()
            assert container.score("").json() == "/tmp/mine"

    def test_ends_the_container_where_it_cannot_have_it(self, run: Run) -> None:
        make = "mkdir -p /tmp/mine/bin && ln -s /bin/false /tmp/mine/bin/python"
        command = f"{make} && exec /var/runit/gunicorn/run"
        env = {**OFFLINE, "AZUREML_CONDA_ENVIRONMENT_PATH": "/tmp/mine"}
        with run(CPU, "sh", "-c", command, env=env) as container:
            assert container.wait_exit() == 100
            assert "A required package, scoreserve, is missing in /tmp/mine" in container.logs
