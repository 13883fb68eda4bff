"""The chart's pod, really run: what podman takes of a manifest, and the probes by hand.

podman kube play makes the read-only root, the user, the dropped capabilities, the volumes and the
memory limit. It knows no startup or readiness probe, no named ports and no grace period, and runs a
liveness probe with curl, which the image does not have: so the probes are asked from here.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.images.podman import Container, podman
from tests.kubernetes.chart import Manifest, named, pod_of, render, server_of
from tests.kubernetes.kubelet import Probe, wait_ready
from tests.ports import free_port
from tests.servers import Reply, read_reply, wait_until

pytestmark = pytest.mark.images

SCRIPT = """
import os, pathlib

def init():
    global model
    model = pathlib.Path(os.environ["AZUREML_MODEL_DIR"], "weights.txt").read_text()

def run(data):
    if data == "fill":
        pathlib.Path("/tmp/written").write_text(data)
    return [model, os.getuid()]
"""

# podman by itself raises limits, and sets more than may be set where it runs in a container.
CONTAINERS_CONF = """
[engine]
runtime = "runc"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
"""


def as_mounted(secret: str) -> str:
    """What podman 4.3 writes into the file of a Secret: it does not decode it."""
    return base64.b64encode(secret.encode()).decode()


def playable(manifests: list[Manifest], port: int) -> str:
    """The parts that podman 4.3 knows, with what it needs said otherwise than Kubernetes."""
    pod = pod_of(manifests)
    container = server_of(pod)
    del container["livenessProbe"]
    pod["restartPolicy"] = "Never"  # else its exit code is gone with it
    container["ports"][0] |= {"hostPort": port, "hostIP": "127.0.0.1"}
    for volume in pod["volumes"]:
        if "secret" in volume:
            volume["secret"]["optional"] = False  # it takes none for a pointer to nothing
    secret = named(manifests, "Secret")
    secret["data"] = {name: as_mounted(text) for name, text in secret.pop("stringData").items()}
    kinds = ("ConfigMap", "Secret", "Deployment")  # in the order that it needs them
    return yaml.safe_dump_all([named(manifests, kind) for kind in kinds])


class Pod:
    """A pod of one container, and its manifest."""

    def __init__(self, container: Manifest, port: int, running: Container) -> None:
        self.manifest = container
        self.container = running
        self._port = port

    def wait_ready(self) -> None:
        wait_ready(self.manifest, self._port, self._ended)

    def succeeds(self, probe: str) -> bool:
        return Probe.of(self.manifest, probe).succeeds(self._port)

    def score(self, body: str = "", key: str = as_mounted("secret")) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        with contextlib.closing(connection):
            connection.request("POST", "/score", body, {"Authorization": f"Bearer {key}"})
            return read_reply(connection)

    def _ended(self) -> str | None:
        state = self.container.inspect("{{.State.Status}}")
        return None if state == "running" else f"the container {state}:\n{self.container.logs}"


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pod]:
    """The chart's Deployment with a script, a model and keys."""
    conf = tmp_path / "containers.conf"
    conf.write_text(CONTAINERS_CONF)
    monkeypatch.setitem(os.environ, "CONTAINERS_CONF", str(conf))
    model = tmp_path / "model"
    model.mkdir()
    (model / "weights.txt").write_text("weights")
    values = {
        "image": {"repository": "localhost/scoreserve", "pullPolicy": "Never"},
        "replicas": 1,
        "script": {"files": {"score.py": SCRIPT}},
        "model": {"source": "hostPath", "hostPath": {"path": str(model)}},
        "modelDir": "/mnt/model",  # podman makes no folder in a volume to mount another one on
        "apiKeys": {"values": ["secret"]},
        "drain": {"delaySeconds": 1},
    }
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
    manifests = render(
        "--values", tmp_path / "values.yaml", release=tmp_path.name.replace("_", "-")
    )
    container: dict[str, Any] = {**server_of(pod_of(manifests))}
    port = free_port()
    manifest = tmp_path / "pod.yaml"
    manifest.write_text(playable(manifests, port))
    name = named(manifests, "Deployment")["metadata"]["name"]
    try:
        podman("kube", "play", str(manifest))
        yield Pod(container, port, Container(f"{name}-pod-0-scoreserve", tmp_path))
    finally:
        podman("kube", "down", str(manifest), check=False)
        for kind in ("ConfigMap", "Secret"):
            made = named(manifests, kind)["metadata"]["name"]
            with contextlib.suppress(AssertionError):
                podman("volume", "rm", "--force", made)
        podman("secret", "rm", named(manifests, "Secret")["metadata"]["name"], check=False)


def test_serves_and_ends_as_the_chart_says(pod: Pod) -> None:
    pod.wait_ready()
    assert pod.succeeds("livenessProbe")
    assert pod.score().json() == ["weights", 1000]
    assert pod.score(key="another").status == 401
    assert pod.score("fill").status == 200  # /tmp is the one place that can be written
    container = pod.container
    assert "Read-only" in container.run("sh", "-c", "touch /var/azureml-app/x 2>&1 || true")
    status = container.run("cat", "/proc/1/status")
    assert "CapBnd:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status
    assert container.inspect("{{.HostConfig.Memory}}") == str(1 << 30)
    container.signal("TERM")
    wait_until(lambda: not pod.succeeds("readinessProbe"), "it says that it ends")
    assert container.wait_exit() == 0
