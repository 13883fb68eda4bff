"""The command line of our images' conda."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scoreserve.cli.conda import main
from scoreserve.deploy.conda import environments, prefixes
from scoreserve.deploy.conda.environments import Request


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Environments are in a folder of the test's own, and none is active."""
    monkeypatch.setenv("CONDA_ENVS_PATH", str(tmp_path / "envs"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, Request]]:
    """What environments would have been made, without the time that it takes."""
    calls: list[tuple[Path, Request]] = []

    def make(prefix: Path, request: Request, say: object) -> None:
        prefix.mkdir(exist_ok=True)
        prefixes.mark(prefix)
        calls.append((prefix, request))

    monkeypatch.setattr(environments, "make", make)
    return calls


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


FILE = "name: from-file\nchannels: [conda-forge]\ndependencies: [numpy=1.26, {pip: [joblib]}]\n"


class TestEnvCreate:
    def test_takes_name_and_packages_of_the_file(
        self, home: Path, made: list[tuple[Path, Request]], capsys: pytest.CaptureFixture[str]
    ) -> None:
        (home / "project").mkdir()
        write(home / "project" / "conda.yml", FILE)
        assert main(["env", "create", "-f", "project/conda.yml"]) == 0
        [(prefix, request)] = made
        assert prefix == home / "envs" / "from-file"
        assert [package.written for package in request.file.conda] == ["numpy=1.26"]
        assert request.file.pip == ("joblib",)
        assert request.directory == home / "project"
        assert "conda activate from-file" in capsys.readouterr().out

    def test_as_azure_s_tools_call_it(self, home: Path, made: list[tuple[Path, Request]]) -> None:
        write(home / "conda.yml", FILE)
        assert main(["env", "create", "-n", "inf-conda-env", "--file", "conda.yml"]) == 0
        write(home / "environment.yml", FILE)
        assert main(["env", "create", "-p", f"{home}/azureml_1", "-q"]) == 0
        assert [prefix.name for prefix, _ in made] == ["inf-conda-env", "azureml_1"]

    def test_does_not_touch_one_that_is_there(
        self, home: Path, made: list[tuple[Path, Request]], capsys: pytest.CaptureFixture[str]
    ) -> None:
        write(home / "environment.yml", FILE)
        main(["env", "create"])
        (home / "envs" / "from-file" / "mark").touch()
        assert main(["env", "create"]) == 1
        assert "prefix already exists" in capsys.readouterr().err
        assert (home / "envs" / "from-file" / "mark").exists()
        assert main(["env", "create", "--yes"]) == 0
        assert not (home / "envs" / "from-file" / "mark").exists()

    def test_a_folder_that_is_no_environment_stays(
        self, home: Path, made: list[tuple[Path, Request]], capsys: pytest.CaptureFixture[str]
    ) -> None:
        write(home / "environment.yml", FILE)
        assert main(["env", "create", "--yes", "-p", str(home)]) == 1
        assert "is no environment" in capsys.readouterr().err
        assert not made

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (None, "environment.yml: No such file or directory"),
            ("dependencies: {", "environment.yml: is no YAML"),
            ("dependencies: numpy", "environment.yml: dependencies: must be a list"),
            ("dependencies: []", "the environment has no name: give --name or --prefix"),
            ("name: a/b", "'a/b' cannot name an environment"),
        ],
    )
    def test_what_is_wrong_is_told(
        self, home: Path, text: str | None, said: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        if text is not None:
            write(home / "environment.yml", text)
        assert main(["env", "create"]) == 1
        assert said in capsys.readouterr().err


def test_env_update_adds_to_the_environment_of_the_file_s_name(
    home: Path, made: list[tuple[Path, Request]]
) -> None:
    write(home / "environment.yml", FILE)
    assert main(["env", "update", "--prune"]) == 0
    assert main(["env", "update"]) == 0
    assert main(["env", "update", "-n", "base"]) == 0
    names = [prefix.name for prefix, _ in made]
    assert names == ["from-file", "from-file", Path(sys.prefix).name]
    assert made[0][1].upgrade


def test_packages_on_the_command_line(home: Path, made: list[tuple[Path, Request]]) -> None:
    write(home / "list.txt", "# a list\nscipy\n")
    channel = ["-c", "conda-forge", "--solver", "libmamba"]
    assert main(["create", "-y", "-n", "mine", *channel, "python=3.11", "numpy"]) == 0
    assert main(["install", "-y", "-n", "mine", "--file", "list.txt", "joblib"]) == 0
    assert main(["update", "-y", "-n", "base", "-c", "defaults", "conda"]) == 0  # itself: nothing
    requests = [request for _, request in made]
    written = [[package.written for package in each.file.conda] for each in requests]
    assert written == [["python=3.11", "numpy"], ["joblib", "scipy"]]
    assert requests[0].file.channels == ("conda-forge",)
    assert requests[0].solver == "auto"


def test_variables_ask_for_a_solver_and_for_the_python_that_is_named(
    home: Path, made: list[tuple[Path, Request]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCORESERVE_CONDA_SOLVER", "conda")
    monkeypatch.setenv("SCORESERVE_CONDA_STRICT", "true")
    assert main(["create", "-n", "mine", "numpy"]) == 0
    assert (made[0][1].solver, made[0][1].strict) == ("conda", True)


class TestWhatIsThere:
    @pytest.fixture(autouse=True)
    def env(self, home: Path) -> Path:
        path = home / "envs" / "mine"
        about = path / "lib" / "python3.13" / "site-packages" / "Greetings-1.0.dist-info"
        about.mkdir(parents=True)
        write(about / "METADATA", "Metadata-Version: 2.1\nName: Greetings\nVersion: 1.0\n")
        prefixes.mark(path)
        record = {"name": "nodejs", "version": "18.1", "channel": "conda-forge"}
        write(path / "conda-meta" / "nodejs-18.1-0.json", json.dumps(record))
        return path

    def test_environments(self, env: Path, capsys: pytest.CaptureFixture[str]) -> None:
        main(["env", "list", "--json"])
        envs = json.loads(capsys.readouterr().out)["envs"]
        assert envs[:2] == [sys.prefix, str(env)]
        main(["info", "--envs"])
        assert [line.split() for line in capsys.readouterr().out.splitlines()[2:4]] == [
            ["base", "*", sys.prefix],
            ["mine", str(env)],
        ]

    def test_packages(self, capsys: pytest.CaptureFixture[str]) -> None:
        main(["list", "-n", "mine"])
        rows = [line.split() for line in capsys.readouterr().out.splitlines()[3:]]
        assert rows == [["greetings", "1.0", "pypi"], ["nodejs", "18.1", "conda-forge"]]
        main(["list", "-n", "mine", "--json", "^node"])
        assert [row["name"] for row in json.loads(capsys.readouterr().out)] == ["nodejs"]

    def test_where_the_root_is(self, capsys: pytest.CaptureFixture[str]) -> None:
        main(["info", "--base"])
        assert capsys.readouterr().out == "/opt/miniconda\n"
        main(["info", "--json"])
        assert json.loads(capsys.readouterr().out)["root_prefix"] == "/opt/miniconda"
        main(["info"])
        assert "active environment : base" in capsys.readouterr().out

    def test_they_go(self, env: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["env", "remove", "-y", "-n", "mine"]) == 0
        assert not env.exists()
        assert main(["remove", "-n", "base", "--all"]) == 1
        assert "the server's own environment cannot be removed" in capsys.readouterr().err


class TestRunning:
    def conda(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "scoreserve.cli.conda", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_a_command_is_in_the_environment(self, home: Path) -> None:
        prefixes.mark(home / "envs" / "mine")
        words = (
            "run",
            "--no-capture-output",
            "-n",
            "mine",
            "sh",
            "-c",
            "echo $CONDA_PREFIX; exit 7",
        )
        done = self.conda(*words)
        assert (done.stdout, done.returncode) == (f"{home}/envs/mine\n", 7)

    def test_a_command_that_is_not_there_is_told(self) -> None:
        done = self.conda("run", "no-such-program", "-v")
        assert done.returncode == 1
        assert done.stderr == "conda: run: no-such-program -v: No such file or directory\n"

    def test_a_shell_gets_its_lines(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["shell.bash", "hook"]) == 0
        assert "conda()" in capsys.readouterr().out
        assert main(["shell.posix", "activate"]) == 0
        assert f"export CONDA_PREFIX={sys.prefix}" in capsys.readouterr().out
        assert main(["shell.posix", "activate", "none"]) == 1
        assert "EnvironmentNameNotFound" in capsys.readouterr().err

    def test_shells_are_set_up_once(self, home: Path) -> None:
        for _ in range(2):
            assert main(["init", "bash"]) == 0
        hook = 'eval "$(/opt/miniconda/bin/conda shell.posix hook)"\n'
        assert (home / ".bashrc").read_text() == hook

    def test_activate_needs_a_shell_that_knows_it(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["activate", "mine"]) == 1
        assert "/opt/miniconda/etc/profile.d/conda.sh" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["clean", "-afy"], ["config", "--set", "channel_priority", "x"]])
def test_what_has_no_effect_is_told(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    assert "has no effect here" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["build"], ["env", "export"], ["install", "--frobnicate"]])
def test_what_this_conda_does_not_know(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert "For all of conda, install it" in capsys.readouterr().err
