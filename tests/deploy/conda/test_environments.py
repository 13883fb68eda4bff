"""Environments are made, and added to."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scoreserve.deploy.conda import pip_environment, prefixes, pythons, tools
from scoreserve.deploy.conda.environment_file import parse
from scoreserve.deploy.conda.environments import Request, choose_solver, make
from scoreserve.errors import DeploymentError
from tests.deploy.conda.channel import make_channel
from tests.wheels import write_greetings

HERE = ".".join(map(str, sys.version_info[:2]))


def asked(*dependencies: Any, directory: Path = Path("/"), **keys: Any) -> Request:
    """A request for what a conda file with these dependencies asks for."""
    document = {"dependencies": list(dependencies), **keys}
    return Request(parse(document, "conda.yml"), "conda.yml", directory)


def importing(prefix: Path, module: str, shown: str) -> str:
    command = [str(prefix / "bin" / "python"), "-c", f"import {module}; print({module}.{shown})"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def said() -> list[str]:
    return []


class TestTheSolver:
    @pytest.mark.parametrize(
        ("solver", "conda_only", "content", "chosen"),
        [
            ("auto", (), "none", "pip"),
            ("auto", ("nodejs",), "none", "conda"),
            ("auto", (), "pip", "pip"),
            ("auto", (), "conda", "conda"),
            ("conda", (), "none", "conda"),
            ("pip", (), "conda", "pip"),
        ],
    )
    def test_is_pip_where_all_is_on_pypi(
        self, solver: str, conda_only: tuple[str, ...], content: str, chosen: str
    ) -> None:
        request = replace(asked(), solver=solver)
        assert choose_solver(request, conda_only, content) == chosen

    def test_pip_refuses_what_it_cannot_install(self) -> None:
        with pytest.raises(DeploymentError, match=r"conda\.yml: nodejs=18: not on PyPI"):
            choose_solver(replace(asked(), solver="pip"), ("nodejs=18",), "none")

    def test_conda_s_packages_do_not_go_into_an_environment_of_pip_s(self) -> None:
        with pytest.raises(DeploymentError, match=r"nodejs: needs conda's channels, and this"):
            choose_solver(asked(), ("nodejs",), "pip")


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of a conda file that names a wheel beside it, and other files."""
    folder = tmp_path_factory.mktemp("project")
    write_greetings(folder / "wheels")
    (folder / "more").mkdir()
    (folder / "more" / "requirements.txt").write_text("./wheels/greetings-1.0-py3-none-any.whl")
    said: list[str] = []
    request = asked(
        "python=3.8",
        "pip=21",
        {"pip": ["-r more/requirements.txt", "# a comment"]},
        directory=folder,
        variables={"GREETING": "hello"},
    )
    make(folder / "env", request, said.append)
    assert said == [
        "WARNING: conda.yml: python 3.8: the server needs Python 3.10 or newer;"
        f" Python {HERE} takes its place"
    ]
    return folder / "env"


class TestByPip:
    def test_has_the_packages_and_the_variables(self, prefix: Path) -> None:
        assert importing(prefix, "greetings", "greet('you')") == "Hello, you!"
        assert prefixes.variables_of(prefix) == {"GREETING": "hello"}
        assert prefixes.is_environment(prefix)

    def test_what_cannot_be_added_leaves_it_as_it_was(self, prefix: Path, said: list[str]) -> None:
        request = asked("python=3.8", {"pip": ["./none-1.0-py3-none-any.whl"]}, directory=prefix)
        with pytest.raises(DeploymentError, match=r"asks for Python 3\.8, and this is Python"):
            make(prefix, request, said.append)
        assert said == [f"WARNING: python 3.8: {prefix} has Python {HERE}"]
        assert importing(prefix, "greetings", "greet('you')") == "Hello, you!"

    def test_packages_go_again(self, prefix: Path) -> None:
        pip_environment.uninstall(prefix, ["greetings"])
        with pytest.raises(subprocess.CalledProcessError):
            importing(prefix, "greetings", "greet('you')")

    def test_of_another_python_gets_the_server_at_once(
        self, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The image's wheels are for its own Python, and the network may be gone later."""
        other = (3, 12) if sys.version_info[:2] != (3, 12) else (3, 11)
        got: list[Path] = []
        monkeypatch.setattr(pythons, "find", lambda version, folder: sys.executable)
        monkeypatch.setattr(pythons, "version_of", lambda python: other)
        monkeypatch.setattr(pip_environment, "create", lambda prefix, python: fake(prefix))
        monkeypatch.setattr(pip_environment, "add_server", got.append)
        make(tmp_path / "env", asked(f"python={other[0]}.{other[1]}"), said.append)
        assert got == [tmp_path / "env"]
        assert "The server goes in now" in said[0]

    def test_strict_refuses_another_python(self, tmp_path: Path, said: list[str]) -> None:
        with pytest.raises(DeploymentError, match=r"python 3\.8: .* \(refused: --strict\)"):
            make(tmp_path / "env", replace(asked("python=3.8"), strict=True), said.append)
        assert not (tmp_path / "env").exists()

    def test_a_python_that_cannot_be_had_is_told(
        self, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def find(version: pythons.Minor, folder: Path) -> str:
            raise DeploymentError("uv cannot fetch it: no network")

        monkeypatch.setattr(pythons, "find", find)
        monkeypatch.setattr(pip_environment, "create", lambda prefix, python: interrupt())
        other = "3.12" if sys.version_info[:2] != (3, 12) else "3.11"
        with pytest.raises(KeyboardInterrupt):
            make(tmp_path / "env", asked(f"python={other}"), said.append)
        told = f"WARNING: conda.yml: python {other}: uv cannot fetch it: no network;"
        assert said == [f"{told} Python {HERE} takes its place"]


def fake(prefix: Path) -> None:
    """An environment with nothing but a name for its interpreter."""
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin" / "python").touch()


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("line", "moved"),
    [
        ("-r more.txt", "-r /project/more.txt"),
        ("-rmore.txt", "-r /project/more.txt"),
        ("--constraint=limits.txt", "--constraint /project/limits.txt"),
        ("-r /etc/more.txt", "-r /etc/more.txt"),
        ("-r https://host/more.txt", "-r https://host/more.txt"),
        ("./a.whl", "./a.whl"),
        (" numpy==1.26 ", "numpy==1.26"),
    ],
)
def test_requirements_files_are_found_beside_the_conda_file(line: str, moved: str) -> None:
    assert pip_environment.absolute(line, Path("/project")) == moved


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_channel(tmp_path_factory.mktemp("channel"))


class TestFromChannels:
    def test_packages_are_solved_installed_and_exchanged(
        self, channel: str, tmp_path: Path, said: list[str]
    ) -> None:
        prefix = tmp_path / "env"
        make(prefix, asked("libgreetings=1.2", channels=[channel]), said.append)
        assert importing(prefix, "greetings", "VERSION") == "1.2.3"
        make(prefix, asked("libgreetings>=1.3", channels=[channel]), said.append)
        assert importing(prefix, "greetings", "VERSION") == "1.3.0"
        assert prefixes.has_conda_packages(prefix)
        assert not said
        assert [path.name for path in tmp_path.iterdir()] == ["env"]

    def test_a_package_that_no_channel_has_is_named(
        self, channel: str, tmp_path: Path, said: list[str]
    ) -> None:
        with pytest.raises(
            DeploymentError, match=r"conda\.yml: libnone: needs conda's channels: .*"
        ):
            make(tmp_path / "env", asked("numpy", "libnone", channels=[channel]), said.append)
        assert not (tmp_path / "env").exists()

    def test_a_channel_that_cannot_be_read_is_told(self, tmp_path: Path, said: list[str]) -> None:
        channel = (tmp_path / "none").as_uri()
        with pytest.raises(DeploymentError, match=r"libnone: needs .*/none cannot be read: .*"):
            make(tmp_path / "env", asked("libnone", channels=[channel]), said.append)

    def test_a_solver_that_cannot_be_fetched_is_told(
        self, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def module(name: str, distribution: str) -> None:
            raise DeploymentError(f"{distribution} cannot be fetched: no network")

        monkeypatch.setattr(tools, "module", module)
        with pytest.raises(DeploymentError, match=r"nodejs: needs .* py-rattler cannot be fetched"):
            make(tmp_path / "env", asked("nodejs"), said.append)
