"""What the chart comes to with given values, and which values it refuses."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scoreserve import __version__, settings_loader
from tests.kubernetes.chart import (
    CASES,
    CHART,
    ROOT,
    TOOLS,
    USERS,
    environment,
    load,
    named,
    pod_of,
    render,
    render_text,
    run,
    server_of,
    values,
)

pytestmark = pytest.mark.kubernetes

GOLDEN = Path(__file__).parent / "golden"
GOLDEN_VERSION = "1.30.0"
MONITORING = ROOT / "docs/monitoring"


def deployment(*settings: str) -> dict[str, Any]:
    return named(render(*sets(*settings)), "Deployment")


def sets(*settings: str) -> list[str]:
    return [argument for each in settings for argument in ("--set", each)]


def pod(*settings: str) -> dict[str, Any]:
    return pod_of(render(*sets(*settings)))


class TestLint:
    @pytest.mark.parametrize("case", CASES)
    def test_passes(self, case: str) -> None:
        run("helm", "lint", "--strict", CHART, *values(case))

    @pytest.mark.parametrize("file", USERS, ids=lambda file: file.stem)
    def test_passes_with_what_users_write(self, file: Path) -> None:
        run("helm", "lint", "--strict", CHART, "--values", file)

    def test_packages(self, tmp_path: Path) -> None:
        run("helm", "package", CHART, "--destination", tmp_path)
        (package,) = tmp_path.glob("scoreserve-*.tgz")
        run("helm", "template", "my", package)


def test_is_of_the_version_of_the_server() -> None:
    about = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert about["appVersion"] == __version__


@pytest.mark.parametrize("case", CASES)
def test_is_as_it_was_looked_at(case: str) -> None:
    """`make manifests` writes what there is now; look at the difference before you commit it."""
    text = render_text(*values(case), "--kube-version", GOLDEN_VERSION)
    assert text == (GOLDEN / f"{case}.yaml").read_text(encoding="utf-8")


class TestValues:
    def test_the_schema_has_the_values_and_no_others(self) -> None:
        schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
        defaults = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
        # `global` is what a chart that has this one as a part hands down.
        assert set(names_in_values(defaults, schema)) == set(names_in_schema(schema)) - {"global"}

    @pytest.mark.parametrize(
        ("setting", "said"),
        [
            ("replica=3", "'replica' not allowed"),
            ("autoscaling.maxi=3", "'maxi' not allowed"),
            ("workers=0", "minimum: got 0, want 1"),
            ("workers=two", "got string, want integer"),
            ("image.digest=abc", "does not match pattern"),
            ("image.pullPolicy=Sometimes", "value must be one of"),
            ("appRoot=app", "does not match pattern"),
            ("model.source=disk", "value must be one of"),
            ("env.NAME.value=1", "missing property 'valueFrom'"),
            ("serviceMonitor.interval=15", "got number, want string"),
            ("podAnnotations.checked=true", "got boolean, want string"),
            ("env.WORKER_COUNT=2", "env.WORKER_COUNT: the chart sets this variable"),
            (
                r"podLabels.app\.kubernetes\.io/name=x",
                "podLabels.app.kubernetes.io/name: the chart",
            ),
            ("fullnameOverride=My_Scores", "does not match pattern"),
            ("model.source=pvc", "set model.pvc.claim"),
            ("model.source=init", "set model.init.image"),
            ("model.source=hostPath", "set model.hostPath.path"),
            ("keda.enabled=true", "keda.serverAddress: set the address of Prometheus"),
            ("autoscaling.enabled=true,keda.enabled=true", "Enable one of the two"),
            ("serviceMonitor.enabled=true,podMonitor.enabled=true", "scraped twice"),
            ("autoscaling.enabled=true,autoscaling.min=11", "autoscaling.min is above"),
            ("autoscaling.enabled=true,autoscaling.cpu=0", "nothing to scale by"),
            ("autoscaling.enabled=true,resources.requests.cpu=null", "resources.requests.cpu"),
            ("apiKeys.existingSecret=a,apiKeys.values={b}", "set one of the two"),
            ("script.configMap=a,script.files.b=c", "set one of the two"),
            ("httpRoute.enabled=true", "httpRoute.parentRefs: name the Gateway"),
            ("drain.delaySeconds=-1", "minimum: got -1, want 0"),
            ("probes.liveness.periodSeconds=0", "minimum: got 0, want 1"),
            ("pdb.minAvailable=some", "'some' does not match pattern"),
        ],
    )
    def test_refuses(self, setting: str, said: str) -> None:
        done = run("helm", "template", "my", CHART, "--set", setting, check=False)
        assert done.returncode != 0
        assert said in done.stderr

    def test_refuses_a_kubernetes_that_is_too_old(self) -> None:
        done = run("helm", "template", "my", CHART, "--kube-version", "1.24.0", check=False)
        assert "incompatible with Kubernetes v1.24.0" in done.stderr


def names_in_schema(schema: Any, prefix: str = "") -> Iterator[str]:
    """The names of all values, with dots in between."""
    for name, part in schema.get("properties", {}).items():
        yield f"{prefix}{name}"
        yield from names_in_schema(part, f"{prefix}{name}.")


def names_in_values(values: Any, schema: Any, prefix: str = "") -> Iterator[str]:
    """The same in a file, but for those that are the user's own, as in `env`."""
    for name, value in values.items():
        yield f"{prefix}{name}"
        part = schema["properties"].get(name, {})
        if "properties" in part:
            yield from names_in_values(value, part, f"{prefix}{name}.")


class TestPod:
    def test_its_variables_are_settings_of_the_server(self, tmp_path: Path) -> None:
        """Each, as the chart writes it, is read and comes out as it was meant."""
        given = ("workers=3", "batching.maxSize=64", "batching.waitMs=7", "drain.seconds=1000000")
        container = server_of(pod(*given))
        loaded = settings_loader.load({}, environment(container), cwd=str(tmp_path))
        assert not loaded.warnings  # there is such a setting
        settings = loaded.settings
        assert (settings.workers, settings.max_batch_size, settings.batch_wait_ms) == (3, 64, 7)
        assert (settings.drain_delay_seconds, settings.drain_seconds) == (5, 1000000)
        assert settings.script_path == "/var/azureml-app/score.py"
        assert settings.model_dir == "/var/azureml-app/model"

    def test_may_have_no_script(self) -> None:
        assert "AZUREML_ENTRY_SCRIPT" not in environment(server_of(pod("entryScript=")))

    def test_has_the_time_that_its_drain_takes(self) -> None:
        assert pod()["terminationGracePeriodSeconds"] == 45
        longer = pod("drain.delaySeconds=7", "drain.seconds=300")
        assert longer["terminationGracePeriodSeconds"] == 317

    def test_is_alive_while_it_is_not_ready(self) -> None:
        container = server_of(pod("startup.seconds=1801"))
        paths = {name: container[name]["httpGet"]["path"] for name in container if "Probe" in name}
        assert paths == {
            "startupProbe": "/health/ready",
            "livenessProbe": "/health/live",
            "readinessProbe": "/health/ready",
        }
        startup = container["startupProbe"]
        assert startup["failureThreshold"] * startup["periodSeconds"] >= 1801
        assert not any("initialDelaySeconds" in container[name] for name in paths)
        assert "lifecycle" not in container

    def test_may_be_asked_less_often(self) -> None:
        """What it is asked does not change."""
        container = server_of(pod("probes.liveness.timeoutSeconds=9"))
        assert container["livenessProbe"] == {
            "httpGet": {"path": "/health/live", "port": "http"},
            "periodSeconds": 10,
            "timeoutSeconds": 9,
            "failureThreshold": 3,
        }

    @pytest.mark.parametrize("release", ["007", "1e3", "true", "null"])
    def test_is_found_whatever_the_release_is_called(self, release: str) -> None:
        """Labels are texts."""
        label = "app.kubernetes.io/instance"
        manifests = render(release=release)
        spec = named(manifests, "Deployment")["spec"]
        for labels in (spec["selector"]["matchLabels"], spec["template"]["metadata"]["labels"]):
            assert labels[label] == release
        assert named(manifests, "Service")["spec"]["selector"][label] == release

    def test_is_told_of_no_service(self) -> None:
        assert pod()["enableServiceLinks"] is False

    def test_may_do_nothing_that_it_need_not(self) -> None:
        """As the restricted level of Kubernetes' Pod Security Standards asks."""
        for case in CASES:
            spec = pod_of(render(*values(case)))
            assert spec["securityContext"]["runAsNonRoot"] is True
            assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
            assert spec["automountServiceAccountToken"] is False
            for container in [*spec["containers"], *spec.get("initContainers", [])]:
                context = container["securityContext"]
                assert context["allowPrivilegeEscalation"] is False
                assert context["readOnlyRootFilesystem"] is True
                assert context["capabilities"] == {"drop": ["ALL"]}

    def test_leaves_the_user_to_openshift(self) -> None:
        context = pod("openshift=true")["securityContext"]
        assert not {"runAsUser", "runAsGroup", "fsGroup"} & set(context)

    def test_has_no_limit_of_cpu(self) -> None:
        assert server_of(pod())["resources"]["limits"] == {"memory": "1Gi"}

    @pytest.mark.parametrize(
        ("settings", "threads"),
        [
            ([], "1"),
            (["resources.requests.cpu=4"], "4"),
            (["resources.requests.cpu=7500m", "workers=2"], "3"),
            (["resources.requests.cpu=0.5", "workers=2"], "1"),
            (["resources.requests.cpu=4", "env.OMP_NUM_THREADS=2"], "2"),
            (["resources.requests.cpu=4", "resources.limits.cpu=8"], None),  # the server counts
            (["resources.requests.cpu=null"], None),
        ],
    )
    def test_threads_are_those_of_the_request(
        self, settings: list[str], threads: str | None
    ) -> None:
        assert environment(server_of(pod(*settings))).get("OMP_NUM_THREADS") == threads

    @pytest.mark.parametrize(
        ("settings", "image"),
        [
            ([], "scoreserve:cpu"),
            (["gpu.count=1"], "scoreserve:gpu"),
            (["gpu.count=1", "image.tag=1.10"], "scoreserve:1.10"),
            (
                ["image.tag=1.10", f"image.digest=sha256:{'0' * 64}"],
                f"scoreserve@sha256:{'0' * 64}",
            ),
        ],
    )
    def test_image(self, settings: list[str], image: str) -> None:
        assert server_of(pod(*settings))["image"] == image

    def test_keys_are_a_directory(self) -> None:
        """A file that is mounted by subPath is never updated."""
        spec = pod("apiKeys.existingSecret=mine")
        (mount,) = (each for each in server_of(spec)["volumeMounts"] if each["name"] == "api-keys")
        assert "subPath" not in mount
        file = environment(server_of(spec))["SCORESERVE_API_KEYS_FILE"]
        assert file == f"{mount['mountPath']}/keys"

    def test_a_model_of_the_image_is_mounted_over_by_nothing(self) -> None:
        for source in ("none", "image"):
            mounts = server_of(pod(f"model.source={source}"))["volumeMounts"]
            assert [each["name"] for each in mounts] == ["tmp"]

    def test_large_numbers_stay_numbers(self) -> None:
        """Helm reads them as floats."""
        text = (
            "image: {tag: 20261130}\n"
            'env: {SCORING_TIMEOUT_MS: 36000000, FRACTION: 0.5, FLAG: true, "NO": 1}'
        )
        done = subprocess.run(
            [TOOLS / "helm", "template", "my", CHART, "--values", "-"],
            input=text,
            capture_output=True,
            text=True,
            check=True,
        )
        container = server_of(pod_of(list(load(done.stdout))))
        assert container["image"] == "scoreserve:20261130"
        env = environment(container)
        chosen = [env[name] for name in ("SCORING_TIMEOUT_MS", "FRACTION", "FLAG", "NO")]
        assert chosen == ["36000000", "0.5", "true", "1"]


class TestUpdates:
    def test_never_have_fewer_pods(self) -> None:
        strategy = deployment()["spec"]["strategy"]["rollingUpdate"]
        assert strategy == {"maxSurge": 1, "maxUnavailable": 0}

    def test_give_up_a_pod_where_there_is_no_other_gpu(self) -> None:
        strategy = deployment("gpu.count=1", "gpu.scarce=true")["spec"]["strategy"]["rollingUpdate"]
        assert strategy == {"maxSurge": 0, "maxUnavailable": 1}

    @pytest.mark.parametrize("value", ["script.files.score=", "apiKeys.values[0]="])
    def test_a_change_of_what_is_mounted_is_one_of_the_pod(self, value: str) -> None:
        first, second = (deployment(value + text)["spec"]["template"] for text in ("a", "b"))
        assert first["spec"] == second["spec"]
        assert first["metadata"]["annotations"] != second["metadata"]["annotations"]

    @pytest.mark.parametrize("scaler", ["autoscaling", "keda"])
    def test_leave_the_number_of_pods_to_what_scales(self, scaler: str) -> None:
        scaled = deployment(f"{scaler}.enabled=true", "keda.serverAddress=http://prometheus")
        assert "replicas" not in scaled["spec"]
        assert deployment()["spec"]["replicas"] == 2

    @pytest.mark.parametrize(("version", "policy"), [("1.26.0", None), ("1.27.0", "AlwaysAllow")])
    def test_broken_pods_hold_up_no_drain(self, version: str, policy: str | None) -> None:
        budget = named(render("--kube-version", version), "PodDisruptionBudget")
        assert budget["spec"].get("unhealthyPodEvictionPolicy") == policy

    @pytest.mark.parametrize(
        ("settings", "budget"),
        [
            ([], {"maxUnavailable": 1}),
            (["pdb.maxUnavailable=25%"], {"maxUnavailable": "25%"}),
            (["pdb.minAvailable=2"], {"minAvailable": 2}),
        ],
    )
    def test_leave_pods_when_nodes_are_drained(
        self, settings: list[str], budget: dict[str, Any]
    ) -> None:
        spec = named(render(*sets(*settings)), "PodDisruptionBudget")["spec"]
        assert {name: spec[name] for name in spec if name.endswith("vailable")} == budget


class TestScaling:
    def test_by_both(self) -> None:
        scaled = sets("autoscaling.enabled=true", "autoscaling.inHandPerPod=2.5")
        metrics = named(render(*scaled), "HorizontalPodAutoscaler")["spec"]["metrics"]
        assert [each["type"] for each in metrics] == ["Resource", "Pods"]
        assert metrics[0]["resource"]["target"]["averageUtilization"] == 60
        assert metrics[1]["pods"]["metric"]["name"] == "scoreserve_jobs_in_hand"
        assert metrics[1]["pods"]["target"]["averageValue"] == "2.5"

    def test_keda_asks_for_the_pods_of_this_release(self) -> None:
        scaled = sets("keda.enabled=true", "keda.serverAddress=http://prometheus")
        (trigger,) = named(render(*scaled, "--namespace", "ml"), "ScaledObject")["spec"]["triggers"]
        assert trigger["metadata"]["query"] == (
            "sum(avg_over_time(scoreserve_jobs_in_hand"
            '{namespace="ml", pod=~"my-scoreserve-[a-z0-9]+-[a-z0-9]+"}[30s]))'
        )


class TestNetwork:
    def test_prometheus_is_let_in_beside_the_named(self) -> None:
        policy = named(
            render(
                *sets("networkPolicy.enabled=true"),
                *sets("networkPolicy.from[0].podSelector.matchLabels.app=web"),
            ),
            "NetworkPolicy",
        )
        (rule,) = policy["spec"]["ingress"]
        assert rule["ports"] == [{"port": "http"}]
        assert rule["from"] == [
            {"podSelector": {"matchLabels": {"app": "web"}}},
            {
                "namespaceSelector": {},
                "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
            },
        ]

    def test_only_scoring_is_let_in_from_outside(self) -> None:
        ingress = named(render(*sets("ingress.enabled=true")), "Ingress")
        (rule,) = ingress["spec"]["rules"]
        (path,) = rule["http"]["paths"]
        assert (path["path"], path["pathType"]) == ("/score", "Exact")

    def test_selectors_meet_the_pods(self) -> None:
        manifests = render(*values("digits"))
        labels = named(manifests, "Deployment")["spec"]["template"]["metadata"]["labels"]
        selectors = [
            named(manifests, "Service")["spec"]["selector"],
            named(manifests, "Deployment")["spec"]["selector"]["matchLabels"],
            named(manifests, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
            named(manifests, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        ]
        for selector in selectors:
            assert selector.items() <= labels.items()
        service = named(manifests, "Service")
        monitor = named(manifests, "ServiceMonitor")
        assert monitor["metadata"]["labels"]["release"] == "prometheus"
        chosen = monitor["spec"]["selector"]["matchLabels"]
        assert chosen.items() <= service["metadata"]["labels"].items()


class TestMonitoring:
    """One source: docs/monitoring."""

    def test_rules_are_those_of_the_docs(self) -> None:
        rule = named(render(*sets("prometheusRule.enabled=true")), "PrometheusRule")
        text = (MONITORING / "scoreserve.rules.yaml").read_text(encoding="utf-8")
        assert rule["spec"] == yaml.safe_load(text)

    def test_so_is_the_dashboard(self) -> None:
        manifests = render(*sets("dashboard.enabled=true"))
        (board,) = (each for each in manifests if each["kind"] == "ConfigMap")
        text = (MONITORING / "grafana-dashboard.json").read_text(encoding="utf-8")
        assert json.loads(board["data"]["scoreserve.json"]) == json.loads(text)
        assert board["metadata"]["labels"]["grafana_dashboard"] == "1"
