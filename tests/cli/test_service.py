"""`scoreserve deploy` and `scoreserve service`, with an engine in memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from scoreserve.cli import commands
from scoreserve.deploy.building import Built, ImageBuild, Images
from scoreserve.deploy.running import engine as engines
from scoreserve.deploy.running import launching, requests, services
from scoreserve.deploy.running.engine import Container
from scoreserve.deploy.running.labels import project_of
from scoreserve.deploy.running.requests import Answer
from tests.deploy.running.fake_engine import Behaviour, FakeEngine
from tests.deploy.sample_deployments import BLUE, copy_of

HEALTHY = Behaviour()
NAME = "my-endpoint.blue"


class Terminal:
    """Runs commands; what the last one printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def run(self, *words: str, code: int = 0) -> tuple[str, str]:
        with pytest.raises(SystemExit) as caught:
            commands.main(words)
        found = self._capsys.readouterr()
        assert caught.value.code == code, found
        return found.out, found.err


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(capsys)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a deployment, whose environment has an image."""
    folder = copy_of(BLUE, tmp_path)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(launching, "_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(Images, "has_server", lambda _self, _image: None)
    monkeypatch.setattr(Images, "python_of", lambda _self, _image: "")
    monkeypatch.setattr(ImageBuild, "environment", lambda _self: Built("azureml/azureml_0"))
    return folder


def use(monkeypatch: pytest.MonkeyPatch, behaviours: Sequence[Behaviour]) -> FakeEngine:
    engine = FakeEngine(*behaviours)
    monkeypatch.setattr(engines, "find", lambda _wanted: engine)
    monkeypatch.setattr(services, "status_of", engine.status_of)
    return engine


@pytest.mark.usefixtures("project")
class TestCommands:
    def test_a_deployed_service_is_shown(
        self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        use(monkeypatch, [HEALTHY])
        out, _ = terminal.run("deploy", *BLUE.flags, "--base-image", "own:1")
        assert f"{NAME} is Healthy" in out
        assert "http://127.0.0.1:5001/score" in out
        assert terminal.run("service", "state")[0] == "Healthy\n"
        assert terminal.run("service", "list")[0].splitlines()[1].split()[:2] == [NAME, "Healthy"]
        shown = json.loads(terminal.run("service", "show", "blue", "--output", "json")[0])
        assert (shown["name"], shown["state"], shown["port"]) == (NAME, "Healthy", 5001)
        assert terminal.run("service", "delete", "-n", NAME)[0] == f"{NAME} is deleted.\n"
        assert "No services" in terminal.run("service", "list")[1]

    def test_list_all_shows_what_the_sdks_have_deployed_too(
        self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        engine = use(monkeypatch, [HEALTHY])
        terminal.run("deploy", *BLUE.flags, "--base-image", "own:1")
        labels = {"amlIsService": "True", "amlServiceName": "linear"}
        engine.made["sdk"] = Container("sdk", "name", "image", labels, "created")
        assert "linear" not in terminal.run("service", "list")[0]
        rows = [line.split() for line in terminal.run("service", "list", "--all")[0].splitlines()]
        assert rows[1][:4] == [NAME, "Healthy", "http://127.0.0.1:5001/score", "scoreserve"]
        assert rows[2] == ["linear", "Transitioning", "-", "azureml-core", "-"]
        shown = json.loads(terminal.run("service", "list", "--all", "--output", "json")[0])
        assert [each["startedBy"] for each in shown] == ["scoreserve", "azureml-core"]
        _, err = terminal.run("service", "show", "linear", code=1)
        assert err.endswith(
            "linear was deployed with azureml-core, which shows and deletes it too\n"
        )

    def test_a_failed_one_ends_with_1_and_its_log(
        self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        use(monkeypatch, [Behaviour(exit_code=3, log="ValueError: no weights")])
        _, err = terminal.run("deploy", *BLUE.flags, "--base-image", "own:1", code=1)
        assert err.endswith("Failed: it ended with exit code 3: ValueError: no weights\n")
        out, err = terminal.run("service", "state", code=1)
        assert (out, err) == ("Failed\n", "it ended with exit code 3: ValueError: no weights\n")

    def test_an_update_reads_the_files_of_before(
        self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, project: Path, tmp_path: Path
    ) -> None:
        engine = use(monkeypatch, [HEALTHY, HEALTHY])
        terminal.run("deploy", *BLUE.flags, "--base-image", "own:1")
        with (project / "deployment.yml").open("a") as file:
            file.write("environment_variables: {GREETING: hello}\n")
        monkeypatch.chdir(tmp_path)
        out, _ = terminal.run("service", "update", "--project", str(project))
        assert f"{NAME} is updated: Healthy" in out
        (service,) = services.services(engine, str(project_of(project)))
        assert "GREETING=hello" in engine.arguments[service.server.id]

    def test_programs_are_told_whether_an_update_took_place(
        self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        use(monkeypatch, [HEALTHY, Behaviour(exit_code=3, log="ValueError: no weights"), HEALTHY])
        terminal.run("deploy", *BLUE.flags, "--base-image", "own:1")
        for state, code in (("Failed", 1), ("Healthy", 0)):
            out, _ = terminal.run("service", "update", "--output", "json", code=code)
            told = json.loads(out)
            assert (told["updated"], told["state"]) == (code == 0, state)
            assert terminal.run("service", "state")[0] == "Healthy\n"

    def test_programs_can_read_what_each_command_prints(
        self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        use(monkeypatch, [Behaviour(log="Starting\nReady")])
        terminal.run("deploy", *BLUE.flags, "--base-image", "own:1")
        monkeypatch.setattr(launching, "reload", lambda *_: None)

        def told(command: str, *words: str, code: int = 0) -> object:
            return json.loads(
                terminal.run("service", command, *words, "--output", "json", code=code)[0]
            )

        assert told("logs") == {"name": NAME, "log": "Starting\nReady"}
        assert told("reload") == {"name": NAME, "reloaded": True}
        for answer, body, code in (
            (Answer(200, "application/json", b"[1, 2]"), [1, 2], 0),
            (Answer(500, "application/json", b"{"), "{", 1),
            (Answer(200, "text/html", b"[\xff]"), "[\ufffd]", 0),
        ):
            monkeypatch.setattr(requests, "post", lambda *_, its=answer: its)
            about = {"status": answer.status, "contentType": answer.content_type, "body": body}
            assert told("invoke", "--data", "[]", code=code) == about
        assert told("delete") == {"name": NAME, "deleted": True}

    def test_a_log_that_is_followed_is_no_document(
        self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        use(monkeypatch, [HEALTHY])
        terminal.run("deploy", *BLUE.flags, "--base-image", "own:1")
        _, err = terminal.run("service", "logs", "--follow", "--output", "json", code=2)
        assert "leave out --follow" in err

    def test_flags_of_an_update_hold_beside_the_files_of_before(
        self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, project: Path, tmp_path: Path
    ) -> None:
        engine = use(monkeypatch, [HEALTHY] * 3)
        config = {"entryScript": "score.py"}
        (project / "ic.json").write_text(json.dumps(config))
        (project / "score.py").write_text("def init(): pass\ndef run(data): return data\n")
        for folder, name in ((project, "old.json"), (tmp_path, "new.json")):
            (folder / name).write_text("[1]")
        flags = ["--model", "linear:1=old.json", "--cpus", "2", "--base-image", "own:1"]
        terminal.run("deploy", "--ic", "ic.json", "--name", "linear", *flags)

        monkeypatch.chdir(tmp_path)
        of = ["--project", str(project)]
        new = ["--model", "linear:2=new.json", "--memory-gb", "1"]
        terminal.run("service", "update", "-n", "linear", *of, *new)
        terminal.run("service", "update", *of)  # these hold from now on
        (service,) = services.services(engine, str(project_of(project)))
        made = " ".join(engine.arguments[service.server.id])
        assert f"{tmp_path}/new.json:/var/azureml-app/azureml-models/linear/2/new.json:ro" in made
        assert "old.json" not in made
        assert f"--cpus 2 --memory {1024**3}" in made

        _, err = terminal.run("service", "update", *of, "--port", "5999", code=1)
        assert "which an update keeps" in err

    def test_options_for_the_build_hold_for_each_of_a_service(
        self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        built_with = []

        def build(self: ImageBuild) -> Built:
            built_with.append(self.builder.options)
            return Built("azureml/azureml_0")

        monkeypatch.setattr(ImageBuild, "environment", build)
        use(monkeypatch, [HEALTHY, HEALTHY])
        options = ["--build-option=--no-cache", "--build-option=--squash"]
        terminal.run("deploy", *BLUE.flags, "--base-image", "own:1", *options)
        terminal.run("service", "update")
        assert built_with == [("--no-cache", "--squash")] * 2

    def test_which_service_is_meant_must_be_clear(
        self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        use(monkeypatch, [HEALTHY])
        assert "there is: none" in terminal.run("service", "show", code=2)[1]
        terminal.run("deploy", *BLUE.flags, "--base-image", "own:1")
        assert f"there is: {NAME}" in terminal.run("service", "show", "green", code=1)[1]

    def test_keys_that_there_are_not(
        self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        use(monkeypatch, [HEALTHY, HEALTHY])
        terminal.run("deploy", *BLUE.flags, "--base-image", "own:1")
        assert "needs no key" in terminal.run("service", "get-keys", code=1)[1]
        terminal.run("deploy", *BLUE.flags, "--base-image", "own:1", "--auth", "--overwrite")
        keys = json.loads(terminal.run("service", "get-keys", "--output", "json")[0])
        assert set(keys) == {"primaryKey", "secondaryKey"}


@pytest.mark.parametrize(
    ("flag", "value"), [("--port", "0"), ("--cpus", "none"), ("--memory-gb", "-1")]
)
def test_a_limit_that_cannot_be_is_refused(terminal: Terminal, flag: str, value: str) -> None:
    _, err = terminal.run("deploy", *BLUE.flags, flag, value, code=2)
    assert flag in err
    assert value in err


def test_the_service_command_alone_shows_what_there_is(terminal: Terminal) -> None:
    assert "get-keys" in terminal.run("service", code=2)[1]


def test_a_checkout_is_known_by_its_git(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    below = tmp_path / "models" / "mnist"
    below.mkdir(parents=True)
    assert project_of(below) == tmp_path
    outside = project_of(Path("/"))
    assert outside == Path("/")
