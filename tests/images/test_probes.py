"""Asking a container whether it is well: its own health check, and probes that run `curl` in it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.images import podman
from tests.images.conftest import CPU, ECHO, Run
from tests.images.podman import APP_ROOT, Container

pytestmark = pytest.mark.images

REFERENCE = ("python", "-m", "azureml_inference_server_http")
FLAGS = ("--entry_script", "score.py", "--port", "8080")
CURL_CANNOT = 2  # curl's own exit code for what it does not understand

SLOW = """
import gates

def init():
    gates.reach("init")
    gates.wait("init")

def run(data): pass
"""


class TestHealthCheck:
    @pytest.mark.parametrize(
        "command",
        [
            ("scoreserve", "serve", "--port", "8080"),
            ("scoreserve", "serve", "--port", "8080", "--host", "::"),
            ("azmlinfsrv", *FLAGS),
            (*REFERENCE, *FLAGS),
        ],
        ids=["scoreserve", "IPv6", "azmlinfsrv", "the reference's module"],
    )
    def test_asks_the_port_that_a_flag_gives(self, run: Run, command: tuple[str, ...]) -> None:
        with run(CPU, *command) as container:
            container.wait_check_passes()

    def test_asks_the_port_that_the_config_file_gives(
        self, run: Run, command: tuple[str, ...]
    ) -> None:
        files = {"config.json": json.dumps({"SERVER_PORT": 8080})}
        with run(CPU, *command, files=files) as container:
            container.wait_check_passes()


class TestCurl:
    """The stand-in for it."""

    def test_a_probe_fails_until_a_worker_can_score(self, run: Run) -> None:
        probe = ("curl", "-fsS", "http://localhost:5001/")
        with run(CPU, script=SLOW) as container:
            container.wait_reached("init")
            assert container.exit_code(*probe) != 0
            container.open("init")
            container.wait_healthy()
            assert container.run(*probe) == "Healthy"

    @pytest.mark.parametrize("path", ["/health/live", "/metrics", "/nothing-here"])
    def test_exits_as_the_status_is(self, run: Run, path: str) -> None:
        with run(CPU) as container:
            container.wait_healthy()
            code = container.exit_code("curl", "-f", f"HTTP://127.0.0.1:5001{path}")
            assert (code == 0) == (container.request("GET", path).status < 400)

    @pytest.mark.parametrize(
        "words",
        [
            (),
            ("-f",),
            ("http://localhost:5001/",),
            ("-f", "-X", "POST", "http://localhost:5001/"),
            ("-fL", "http://localhost:5001/"),
        ],
    )
    def test_says_that_it_is_no_curl(self, words: tuple[str, ...]) -> None:
        done = podman.run_once(CPU, "sh", "-c", f"curl {' '.join(words)} 2>&1; echo $?")
        said, _, code = done.rpartition("\n")
        assert "this image has no curl" in said
        assert int(code) == CURL_CANNOT

    def test_gives_way_to_a_real_one(self) -> None:
        install = "ln -s /bin/true /usr/bin/curl && which curl"
        assert podman.run_once(CPU, "sh", "-c", install, options=("--user", "0")) == "/usr/bin/curl"


class TestKubePlay:
    """A pod's httpGet probe, which podman makes a `curl` in the container of."""

    def test_a_liveness_probe_passes(self, tmp_path: Path) -> None:
        with playing(tmp_path, {"path": "/health/live", "port": 5001}) as container:
            assert "curl -f http://localhost:5001/health/live" in container.inspect(
                "{{.Config.Healthcheck}}"
            )
            container.wait_check_passes()
            assert container.health == "healthy"

    def test_one_that_asks_another_port_fails(self, tmp_path: Path) -> None:
        with playing(tmp_path, {"path": "/health/live", "port": 5002}) as container:
            container.wait_logged("ready for serving traffic")
            assert container.exit_code("scoreserve-healthcheck") == 0
            assert not container.check_health()


@contextmanager
def playing(directory: Path, probe: dict[str, object]) -> Iterator[Container]:
    """The container of a pod with this httpGet probe; `podman kube play` has started it."""
    app = directory / "app"
    app.mkdir()
    (app / "score.py").write_text(ECHO)
    for folder in (directory, app):
        folder.chmod(0o755)
    name = f"scoreserve-test-probes-{os.getpid()}"
    manifest = directory / "pod.yaml"
    manifest.write_text(
        json.dumps(  # which is YAML too
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name},
                "spec": {
                    "containers": [
                        {
                            "name": "score",
                            "image": f"localhost/{CPU}",
                            "env": [{"name": "AZUREML_ENTRY_SCRIPT", "value": "score.py"}],
                            "volumeMounts": [{"name": "app", "mountPath": APP_ROOT}],
                            "livenessProbe": {"httpGet": probe, "timeoutSeconds": 10},
                        }
                    ],
                    "volumes": [{"name": "app", "hostPath": {"path": str(app)}}],
                },
            }
        )
    )
    try:
        podman.podman("kube", "play", str(manifest))
        yield Container(f"{name}-score", app)
    finally:
        podman.podman("pod", "rm", "--force", "--ignore", "--time", "0", name)
