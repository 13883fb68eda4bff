"""What is in the images, and what they say of themselves."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest

from scoreserve import __version__
from tests.images.conftest import CPU, ECHO, Run
from tests.images.podman import configuration, run_once

pytestmark = pytest.mark.images

MEGABYTE = 1_000_000
LIMIT = 350 * MEGABYTE
PACKAGES = "/opt/scoreserve/env/lib"


class TestConfiguration:
    def test_is_what_azure_ml_tools_expect(self, image: str) -> None:
        config = configuration(image)["Config"]
        assert config["Cmd"] == ["/var/runit/gunicorn/run"]
        assert not config.get("Entrypoint")
        assert config["ExposedPorts"] == {"5001/tcp": {}}
        assert config["WorkingDir"] == "/var/azureml-app"
        assert config["User"] == "1000"
        env = dict(pair.split("=", 1) for pair in config["Env"])
        assert env["AML_APP_ROOT"] == "/var/azureml-app"
        assert env["SVDIR"] == "/var/runit"
        assert env["PYTHONUNBUFFERED"] == "1"

    def test_labels_name_version_and_source(self, image: str) -> None:
        labels = configuration(image)["Config"]["Labels"]
        prefix = "org.opencontainers.image"
        assert labels[f"{prefix}.title"] == image.replace(":", "-")
        assert labels[f"{prefix}.version"] == __version__
        assert labels[f"{prefix}.base.name"] == "debian:trixie-slim"
        assert labels[f"{prefix}.licenses"] == "MIT"
        assert len(labels[f"{prefix}.revision"]) == 40
        assert labels[f"{prefix}.created"].endswith("Z")

    def test_image_information(self, image: str) -> None:
        text = run_once(image, "cat", "/IMAGE_INFORMATION")
        name = image.replace(":", "-")
        assert text.startswith(f"AzureML image information: {name}:{__version__}, ")


class TestContents:
    def test_the_cpu_image_is_small(self) -> None:
        base = configuration("debian:trixie-slim")["Size"]
        assert configuration(CPU)["Size"] - base <= LIMIT

    def test_nothing_of_the_build_is_left(self, image: str) -> None:
        leftovers = "/root/.cache /home/dockeruser/.cache /etc/pip.conf /steps /src /dist /compiled"
        assert run_once(image, "sh", "-c", f"ls -d {leftovers} /tmp/* 2> /dev/null || true") == ""

    def test_has_the_programs_that_tools_and_people_call(self, image: str) -> None:
        names = ["python", "pip", "scoreserve", "azmlinfsrv", "runsvdir", "sv"]
        for name in names:
            assert run_once(image, "which", name), name

    def test_the_versions_are_the_locked_ones(self, image: str) -> None:
        code = (
            "import importlib.metadata as m;[print(d.name, d.version) for d in m.distributions()]"
        )
        installed = dict(
            line.split() for line in run_once(image, "python", "-c", code).splitlines()
        )
        assert installed.pop("scoreserve") == __version__
        assert installed.pop("pip")  # Python's own
        locked = run_once(image, "cat", "/opt/scoreserve/dist/requirements.txt")
        pins = set(re.findall(r"^(\S+==\S+)", locked, re.MULTILINE))
        assert installed
        for name, version in installed.items():
            assert f"{name.lower().replace('_', '-')}=={version}" in pins

    def test_onnxruntime_scores(self, image: str) -> None:
        code = "import onnxruntime; print(onnxruntime.get_available_providers())"
        assert "CPUExecutionProvider" in run_once(image, "python", "-c", code)

    def test_docs_page_has_what_it_shows(self, run: Run, image: str) -> None:
        with run(image) as container:
            container.wait_healthy()
            page = container.request("GET", "/docs")
            assert page.status == 200
            assets = re.findall(r'(?:src|href)="(?:\./)?([^"#:]+\.(?:js|css))"', page.body.decode())
            assert any("swagger-ui" in path for path in assets), page.body.decode()
            for path in assets:
                asset = container.request("GET", urljoin("/docs", path))
                assert (asset.status, bool(asset.body)) == (200, True), path

    def test_the_server_is_compiled(self, image: str) -> None:
        assert "compiled" in run_once(image, "scoreserve", "--version")

    def test_its_byte_code_is_there(self, image: str) -> None:
        """A read-only container could never keep what it compiles."""
        find = f"find {PACKAGES}/python3*/site-packages/scoreserve -name '*.pyc' | wc -l"
        assert int(run_once(image, "sh", "-c", find)) > 0


class TestTheReferencesName:
    MODULE = ("python", "-m", "azureml_inference_server_http", "--entry_script", "score.py")

    def test_runs_the_server(self, run: Run) -> None:
        with run(CPU, *self.MODULE) as container:
            container.wait_healthy()
            assert container.score("hello").json() == "hello"

    def test_is_the_real_packages_where_that_is_installed(self, run: Run) -> None:
        files = {
            "real/azureml_inference_server_http/__init__.py": "",
            "real/azureml_inference_server_http/__main__.py": "print('the real one')\n",
        }
        env = {"PYTHONPATH": "/var/azureml-app/real"}
        with run(CPU, *self.MODULE, files=files, env=env) as container:
            assert container.wait_exit() == 0
            assert "the real one" in container.logs

    def test_does_not_hide_what_scripts_import(self, run: Run) -> None:
        script = "from azureml_inference_server_http.api.aml_response import AMLResponse\n"
        with run(CPU, script=script + ECHO) as container:
            container.wait_healthy()
