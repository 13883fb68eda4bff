"""What containers are made with, and how engines describe them."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scoreserve.deploy.deployment import (
    Auth,
    Code,
    Deployment,
    Environment,
    Model,
    Resources,
    Route,
    Routes,
)
from scoreserve.deploy.running import engine, labels, payload, recipe
from scoreserve.deploy.running.engine import Engine, container_of
from scoreserve.deploy.running.keys import keys_for
from scoreserve.deploy.running.labels import About
from scoreserve.deploy.running.recipe import Place
from scoreserve.deploy.running.services import last_error
from scoreserve.start_failure import StartFailure

PLACE = Place("mnist-1", "azureml/azureml_0", {"a": "b"})


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    """A folder with a script that only its owner may read, and a model."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "score.py").write_text("def init(): pass\ndef run(data): return data\n")
    (source / "score.py").chmod(0o600)
    (tmp_path / "model.pkl").write_bytes(b"model")
    return Deployment(
        "mnist",
        code=Code(source, "source", "source/score.py", source_directory="source"),
        models=(Model("linear", "3", tmp_path / "model.pkl"),),
        variables={"GREETING": "good morning"},
        auth=Auth(enabled=True),
    )


def words(deployment: Deployment, place: Place = PLACE, **environ: str) -> str:
    return " ".join(recipe.server_arguments(deployment, place, environ))


class TestArguments:
    def test_models_are_where_azure_has_them(self, deployment: Deployment, tmp_path: Path) -> None:
        target = "/var/azureml-app/azureml-models/linear/3/model.pkl"
        found = words(deployment)
        assert f"--volume {tmp_path}/model.pkl:{target}:ro" in found
        assert "--env AZUREML_MODEL_DIR=azureml-models/linear/3" in found

    def test_variables_of_the_files_are_the_container_s(self, deployment: Deployment) -> None:
        found = words(deployment)
        assert "--env AZUREML_ENTRY_SCRIPT=source/score.py" in found
        assert "--env GREETING=good morning" in found

    def test_limits(self, deployment: Deployment) -> None:
        limited = _with(deployment, resources=Resources(1.5, 1 << 30, 2, 1 << 20))
        found = words(limited)
        assert "--cpus 1.5 --memory 1073741824 --shm-size 1048576 --gpus 2" in found
        on_podman = words(limited, Place("mnist-1", "image", {}, "podman"))
        assert "--device nvidia.com/gpu=0 --device nvidia.com/gpu=1" in on_podman
        assert "--cpus" not in words(deployment)

    def test_an_image_with_a_server_of_its_own_starts_as_it_is(
        self, deployment: Deployment
    ) -> None:
        own = _with(deployment, environment=Environment(image="own:1", as_it_is=True))
        assert words(own).endswith(" azureml/azureml_0")
        assert "--user" not in words(own)

    def test_the_key_of_application_insights_is_the_caller_s(self, deployment: Deployment) -> None:
        asked = _with(deployment, app_insights=True)
        assert "--env AML_APP_INSIGHTS_KEY=some-key" in words(
            asked, AML_APP_INSIGHTS_KEY="some-key"
        )
        assert "some-key" not in words(deployment, AML_APP_INSIGHTS_KEY="some-key")

    def test_the_port_is_this_machine_s_alone(self) -> None:
        found = " ".join(recipe.switch_arguments(PLACE, 5001))
        assert "--publish 127.0.0.1:5001:5001 --publish 127.0.0.1::5002" in found
        assert "--publish 127.0.0.1::5001" in " ".join(recipe.switch_arguments(PLACE, None))


class TestPayload:
    def test_code_and_keys_are_readable_in_the_container(self, deployment: Deployment) -> None:
        with _opened(payload.archive(deployment, ("first", "second"))) as tar:
            script = tar.getmember("var/azureml-app/source/score.py")
            assert (script.mode, script.uid, script.gid) == (0o644, 1000, 0)
            keys = tar.getmember(payload.KEYS_FILE.lstrip("/"))
            assert keys.mode & 0o007 == 0

    def test_a_packed_model_is_unpacked(self, deployment: Deployment, tmp_path: Path) -> None:
        packed = tmp_path / "model.tar.gz"
        with tarfile.open(packed, "w:gz") as tar:
            tar.add(tmp_path / "model.pkl", "model.pkl")
        model = Model("packed", "1", packed, packed=True)
        with _opened(payload.archive(_with(deployment, models=(model,)), ())) as made:
            assert "var/azureml-app/azureml-models/packed/1/model.pkl" in made.getnames()
        assert "--volume" not in words(_with(deployment, models=(model,)))

    def test_a_reload_takes_the_code_alone(self, deployment: Deployment) -> None:
        assert deployment.code is not None
        archive = payload.code_archive(deployment.code)
        with _opened(archive) as tar:
            files = [member.name for member in tar.getmembers() if member.isfile()]
        assert files == ["var/azureml-app/source/score.py", payload.CODE_LIST.lstrip("/")]
        assert payload.names_in(archive) == {"source/score.py"}


class TestKeys:
    def test_those_of_the_files_count_most(self) -> None:
        assert keys_for(Auth(True, "one", "two"), ("old", "older")) == ("one", "two")

    def test_those_of_before_stay(self) -> None:
        assert keys_for(Auth(True, "", "two"), ("old", "older")) == ("old", "two")

    def test_new_ones_differ(self) -> None:
        first, second = keys_for(Auth(True), ())
        assert first != second
        assert min(len(first), len(second)) >= 32

    def test_none_where_none_are_needed(self) -> None:
        assert keys_for(Auth(False, "one", "two"), ("old", "older")) == ()


def test_labels_say_all_that_is_known_and_no_key(deployment: Deployment) -> None:
    secret = _with(
        deployment,
        auth=Auth(True, "secret-1", "secret-2"),
        routes=Routes(scoring=Route("/predict", 8080)),
    )
    said = recipe.about(secret, {"flags": {"name": "mnist"}}, "azureml/azureml_0")
    found = recipe.labels_of(secret, "/project", labels.SERVER, "0" * 32, said)
    assert About.from_text(found[labels.ABOUT]) == said
    assert "secret" not in str(found)


def test_samples_are_looked_for_beside_the_script_first(deployment: Deployment) -> None:
    assert deployment.code is not None
    first, second = recipe.about(deployment, {}, "").samples
    assert (first, second) == (str(deployment.code.path), str(deployment.models[0].path.parent))


LONG_FAILURE = StartFailure(
    "The scoring worker was ended: init() took longer than WORKER_TIMEOUT, 300 s",
    "/var/azureml-app/score.py, line 5, in init()\n    load()",
    "Raise WORKER_TIMEOUT.",
)


@pytest.mark.parametrize(
    ("log", "found"),
    [
        ("", ""),
        ("Starting\nValueError: no weights\nBye", "ValueError: no weights"),
        (
            "What     KeyError: 'w' (raised in init())\nraise KeyError\n",
            "KeyError: 'w' (raised in init())",
        ),
        (LONG_FAILURE.block, LONG_FAILURE.what),
        ("Starting\nBye", "Bye"),
    ],
)
def test_the_last_error_of_a_log(log: str, found: str) -> None:
    assert last_error(log) == found


DOCUMENT: dict[str, Any] = {
    "Id": "0123",
    "Name": "/mnist-1",
    "Created": "2026-07-01T10:00:00.123456789Z",
    "Config": {"Image": "image:1", "Labels": {"a": "b"}},
    "State": {
        "Status": "exited",
        "ExitCode": 137,
        "OOMKilled": True,
        "Error": "",
        "StartedAt": "2026-07-01T10:00:01.5Z",
    },
    "HostConfig": {"PortBindings": {"5001/tcp": [{"HostIp": "127.0.0.1", "HostPort": "6789"}]}},
    "NetworkSettings": {
        "Networks": {"scoreserve": {"IPAddress": "10.0.0.2"}, "other": {"IPAddress": ""}}
    },
}


def test_a_container_as_an_engine_describes_it() -> None:
    found = container_of(DOCUMENT)
    assert (found.name, found.image, found.labels) == ("mnist-1", "image:1", {"a": "b"})
    assert (found.status, found.exit_code, found.out_of_memory) == ("exited", 137, True)
    assert found.started == 1782900001.0
    assert found.addresses == {"scoreserve": "10.0.0.2"}
    assert found.ports == {5001: 6789}


def test_a_start_leaves_nothing_in_the_folder_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "podman"
    program.write_text("#!/bin/sh\ntouch oom && pwd >&2 && exit 1\n")
    program.chmod(0o755)
    of_programs, of_user = tmp_path / "tmp", tmp_path / "user"
    for folder in (of_programs, of_user):
        folder.mkdir()
    monkeypatch.chdir(of_user)
    monkeypatch.setattr(engine, "gettempdir", lambda: str(of_programs))
    assert Engine(str(program)).start("c1") == str(of_programs)
    assert not list(of_user.iterdir())


@pytest.mark.parametrize(
    ("started", "seconds"),
    [
        ("0001-01-01T00:00:00Z", None),
        ("2026-07-01T12:00:01.5+02:00", 1782900001.0),
        ("", None),
    ],
)
def test_times_of_engines(started: str, seconds: float | None) -> None:
    state = {**DOCUMENT["State"], "StartedAt": started}
    assert container_of({**DOCUMENT, "State": state}).started == seconds


def _with(deployment: Deployment, **changes: Any) -> Deployment:
    return replace(deployment, **changes)


def _opened(archive: bytes) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(archive))
