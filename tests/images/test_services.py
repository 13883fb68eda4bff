"""`scoreserve deploy` and `scoreserve service`, with real containers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.sample_deployments import BLUE, MNIST, copy_of
from tests.images import podman
from tests.servers import wait_until

pytestmark = pytest.mark.images

COMMAND = Path(sys.executable).with_name("scoreserve")
SAMPLE = '{"data": [[1, 2, 3]]}'
ENDLESS = "def init():\n    import time\n    time.sleep(600)\n\n\ndef run(data): return data\n"


class Project:
    """A folder with the files of a deployment; what it has deployed is removed in the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {**os.environ, "CONTAINERS_CONF": str(podman.CONFIGURATION)}

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [COMMAND, *words],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, code: int = 0) -> tuple[str, str]:
        """stdout and stderr of a command that is to end with this exit code."""
        with self.start(*words) as process:
            out, err = process.communicate(timeout=600)
        assert process.returncode == code, out + err
        return out, err

    def service(self, *words: str, code: int = 0) -> str:
        return self.run("service", *words, code=code)[0].strip()

    def show(self) -> Any:
        return json.loads(self.service("show", "--output", "json"))

    @property
    def containers(self) -> list[str]:
        label = f"label=scoreserve.project={self.folder}"
        return podman.podman("ps", "--all", "--quiet", "--no-trunc", "--filter", label).split()


@pytest.fixture
def blue(tmp_path: Path) -> Iterator[Project]:
    """A deployment of v2."""
    with project_in(copy_of(BLUE, tmp_path)) as project:
        yield project


@pytest.fixture
def mnist(tmp_path: Path) -> Iterator[Project]:
    """A service of v1."""
    with project_in(copy_of(MNIST, tmp_path)) as project:
        yield project


@contextmanager
def project_in(folder: Path) -> Iterator[Project]:
    """What was deployed from the folder is removed in the end."""
    project = Project(folder.resolve())
    try:
        yield project
    finally:
        if project.containers:
            podman.podman("rm", "--force", "--time", "0", *project.containers)


@contextmanager
def load(project: Project) -> Iterator[list[Any]]:
    """Sends requests, one after the other on each of four connections; what they were answered."""
    import http.client

    port = project.show()["port"]
    answers: list[Any] = []
    over = threading.Event()

    def client(keep: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while not over.is_set():
            try:
                connection.request("POST", "/score", SAMPLE)
                response = connection.getresponse()
                answers.append((response.status, response.read()))
            except (OSError, http.client.HTTPException) as error:
                answers.append(repr(error))
                connection.close()
            if not keep:
                connection.close()
        connection.close()

    threads = [threading.Thread(target=client, args=(number % 2 == 0,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: bool(answers), "a request is answered")
        yield answers
    finally:
        over.set()
        for thread in threads:
            thread.join()


def replace(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


def test_a_service_from_its_deployment_to_its_end(blue: Project) -> None:
    script = blue.folder / "onlinescoring" / "score.py"
    blue.run("deploy", *BLUE.flags)
    assert blue.service("state") == "Healthy"
    assert json.loads(blue.service("invoke", "--data", SAMPLE)) == [321]

    replace(script, "return [sum", "return [2 * sum")
    blue.service("reload")
    assert json.loads(blue.service("invoke", "--data", SAMPLE)) == [642]

    replace(script, "return [2 * sum", "return [3 * sum")
    with load(blue) as answers:
        blue.service("update")
        assert json.loads(blue.service("invoke", "--data", SAMPLE)) == [963]
    assert set(answers) == {(200, b"[642]"), (200, b"[963]")}

    before = blue.show()
    replace(script, "global model", "raise ValueError('no weights')")
    assert "ValueError: no weights" in blue.run("service", "update", code=1)[1]
    assert blue.show() == before
    assert json.loads(blue.service("invoke", "--data", SAMPLE)) == [963]

    assert "POST /score 200" in blue.service("logs")
    blue.service("delete")
    assert not blue.containers


def test_keys_and_models_of_v1(mnist: Project) -> None:
    config = {"computeType": "aci", "authEnabled": True}
    (mnist.folder / "aci.json").write_text(json.dumps(config))
    replace(
        mnist.folder / "inferenceconfig.json", '"python=3.11",\n', ""
    )  # the image's own will do
    replace(mnist.folder / "inferenceconfig.json", '"numpy=2.*",', "")
    flags = ["--inference-config", "inferenceconfig.json", "--deploy-config", "aci.json"]
    shown, _ = mnist.run("deploy", *flags, "--model", "linear:3=model.json", "--name", "mnist")
    assert "mnist is Healthy" in shown
    keys = json.loads(mnist.service("get-keys", "mnist", "--output", "json"))
    assert json.loads(mnist.service("invoke", "mnist")) == [321, 654]
    inspected = podman.podman("inspect", *mnist.containers)
    assert not any(key in inspected for key in keys.values())
    (server, *_) = mnist.show()["containers"]
    found = podman.podman("exec", server, "ls", "/var/azureml-app/azureml-models/linear/3")
    assert found == "model.json"
    status = [*("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-d", SAMPLE)]
    uri = mnist.show()["scoringUri"]
    assert subprocess.check_output([*status, uri]) == b"401"
    with_key = [*status, "-H", f"Authorization: Bearer {keys['secondaryKey']}", uri]
    assert subprocess.check_output(with_key) == b"200"


def test_what_cannot_run_says_why_and_stays_to_be_looked_at(blue: Project) -> None:
    replace(blue.folder / "onlinescoring" / "score.py", "global model", "raise ValueError('no')")
    _, told = blue.run("deploy", *BLUE.flags, code=1)
    assert "Failed: it ended with exit code 3: ValueError: no" in told
    assert blue.service("state", code=1) == "Failed"
    assert "ValueError: no" in blue.service("logs")
    _, told = blue.run("deploy", *BLUE.flags, "--overwrite", "--memory-gb", "99999", code=1)
    assert "Unschedulable: not enough memory" in told
    assert blue.service("state", code=1) == "Unschedulable"


def test_ctrl_c_leaves_nothing(blue: Project) -> None:
    (blue.folder / "onlinescoring" / "score.py").write_text(ENDLESS)
    with blue.start("deploy", *BLUE.flags) as process:
        wait_until(lambda: len(blue.containers) == 2, "both containers are made", seconds=120)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=120)
    assert process.returncode == 130, told
    assert not blue.containers
