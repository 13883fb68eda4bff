"""Every manifest against the schemas of each Kubernetes, and what is written by deploy/render."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest

from scoreserve import settings_loader
from tests.kubernetes.chart import (
    CASES,
    ROOT,
    TOOLS,
    USERS,
    Manifest,
    environment,
    load,
    named,
    pod_of,
    render,
    run,
    server_of,
    values,
)

pytestmark = pytest.mark.kubernetes

DEPLOY = ROOT / "deploy"
SCHEMAS = Path(__file__).parent / "schemas"
VERSIONS = [f"1.{minor}" for minor in range(25, 38)]
ALL_ON = [
    argument
    for name in ("prometheusRule", "dashboard", "networkPolicy", "ingress")
    for argument in ("--set", f"{name}.enabled=true")
]


def check(manifest: Manifest, version: str) -> None:
    """Raises ValidationError for a field that is unknown or wrong."""
    if "k8s.io" in manifest["apiVersion"] or "." not in manifest["apiVersion"]:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
            return
        except kubernetes_validate.SchemaNotFoundError:
            assert manifest["kind"] == "HTTPRoute"
    schema = json.loads((SCHEMAS / f"{manifest['kind']}.json").read_text(encoding="utf-8"))
    jsonschema.validate(manifest, schema)


def kustomize(folder: str) -> list[Manifest]:
    return list(load(run("kubectl", "kustomize", DEPLOY / folder).stdout))


def test_the_newest_kubernetes_is_known() -> None:
    assert kubernetes_validate.latest_version() == f"{VERSIONS[-1]}.0"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", CASES)
def test_a_chart_is_valid(case: str, version: str) -> None:
    for manifest in render(*values(case), *ALL_ON, "--kube-version", f"{version}.0"):
        check(manifest, version)


@pytest.mark.parametrize("version", VERSIONS[::6])
@pytest.mark.parametrize("file", USERS, ids=lambda file: file.stem)
def test_what_users_write_is_valid(file: Path, version: str) -> None:
    for manifest in render("--values", file, "--kube-version", f"{version}.0"):
        check(manifest, version)


@pytest.mark.parametrize("version", VERSIONS)
def test_kustomizations_are_valid(version: str) -> None:
    for folder in ("kustomize/base", "kustomize/example"):
        for manifest in kustomize(folder):
            check(manifest, version)


@pytest.mark.parametrize(
    "file", sorted(path.name for path in (ROOT / "deploy/kserve").glob("*.yaml"))
)
def test_kserve_is_valid(file: str) -> None:
    for manifest in load((DEPLOY / "kserve" / file).read_text(encoding="utf-8")):
        check(manifest, VERSIONS[-1])


def test_a_wrong_name_is_told() -> None:
    """That the checks above can fail."""
    deployment = named(render(), "Deployment")
    deployment["spec"]["template"]["spec"]["enableServiceLink"] = False
    with pytest.raises(kubernetes_validate.ValidationError):
        check(deployment, VERSIONS[0])
    (runtime,) = load((DEPLOY / "kserve/servingruntime.yaml").read_text(encoding="utf-8"))
    runtime["spec"]["container"] = []
    with pytest.raises(jsonschema.ValidationError):
        check(runtime, VERSIONS[0])


class TestWrittenFiles:
    """`make manifests` writes them."""

    def test_are_what_they_are_made_from(self, tmp_path: Path) -> None:
        env = {**os.environ, "HELM": str(TOOLS / "helm")}
        subprocess.run([DEPLOY / "render", tmp_path], env=env, check=True)
        written = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert len(written) == 10
        for path in written:
            there = DEPLOY / path.relative_to(tmp_path)
            assert there.read_text(encoding="utf-8") == path.read_text(encoding="utf-8"), there


class TestKustomize:
    def test_base_is_the_chart(self) -> None:
        base, chart = (server_of(pod_of(each)) for each in (kustomize("kustomize/base"), render()))
        assert base == chart

    def test_the_example_changes_what_it_says(self) -> None:
        manifests = kustomize("kustomize/example")
        deployment = named(manifests, "Deployment")
        assert "replicas" not in deployment["spec"]
        container = server_of(pod_of(manifests))
        assert container["image"] == "registry.example.com/digits:1"
        assert environment(container)["WORKER_COUNT"] == "2"
        scaler = named(manifests, "HorizontalPodAutoscaler")
        assert scaler["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]

    def test_monitoring(self, tmp_path: Path) -> None:
        (tmp_path / "kustomization.yaml").write_text(
            "components: [kustomize/components/monitoring]\nresources: [kustomize/base]\n"
        )
        (tmp_path / "kustomize").symlink_to(DEPLOY / "kustomize")
        manifests = list(
            load(
                run(
                    "kubectl",
                    "kustomize",
                    "--load-restrictor=LoadRestrictionsNone",
                    tmp_path,
                ).stdout
            )
        )
        assert {"PodMonitor", "PrometheusRule", "ConfigMap"} <= {each["kind"] for each in manifests}
        for manifest in manifests:
            check(manifest, VERSIONS[0])


class TestKserve:
    def runtimes(self) -> list[Manifest]:
        """The one for scripts, the one for models without."""
        files = ("servingruntime.yaml", "servingruntime-models.yaml")
        texts = ((DEPLOY / "kserve" / file).read_text(encoding="utf-8") for file in files)
        return [runtime for text in texts for runtime in load(text)]

    def test_pods_end_within_their_time(self) -> None:
        """KServe gives them Kubernetes' default."""
        for runtime in self.runtimes():
            env = environment(runtime["spec"]["containers"][0])
            drain = (env["SCORESERVE_DRAIN_DELAY_SECONDS"], env["SCORESERVE_DRAIN_SECONDS"])
            assert sum(map(int, drain)) + 10 <= 30

    def test_variables_are_settings_of_the_server(self, tmp_path: Path) -> None:
        for runtime in self.runtimes():
            env = environment(runtime["spec"]["containers"][0])
            env = {name: value.replace("{{.Name}}", "digits") for name, value in env.items()}
            loaded = settings_loader.load({}, env, cwd=str(tmp_path))
            assert not loaded.warnings
            assert (
                loaded.settings.port
                == runtime["spec"]["containers"][0]["ports"][0]["containerPort"]
            )

    def test_runtimes_differ_in_the_script_alone(self) -> None:
        script, models = (runtime["spec"] for runtime in self.runtimes())
        del script["supportedModelFormats"], models["supportedModelFormats"]
        env = script["containers"][0]["env"]
        env[:] = [each for each in env if each["name"] != "AZUREML_ENTRY_SCRIPT"]
        assert script == models

    def test_services_name_what_a_runtime_has(self) -> None:
        known = {
            runtime["metadata"]["name"]: {
                (each["name"], each["version"]) for each in runtime["spec"]["supportedModelFormats"]
            }
            for runtime in self.runtimes()
        }
        for file in (DEPLOY / "kserve").glob("inferenceservice*.yaml"):
            (service,) = load(file.read_text(encoding="utf-8"))
            model = service["spec"]["predictor"]["model"]
            wanted = model["modelFormat"]
            assert (wanted["name"], wanted["version"]) in known[model["runtime"]]
