"""deploymentconfig.json, of v1: where a service runs, and with what."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from scoreserve.deploy.deployment import LIVENESS_V1, Auth, Probe, RequestLimits, Resources
from scoreserve.deploy.files import probes
from scoreserve.deploy.files.documents import Fields, read

_GIB = 1024**3
_LOCAL = "local"
_COMPUTE_TYPES = (_LOCAL, "aci", "aks", "aksendpoint")
_AKS = ("aks", "aksendpoint")

_AZURE_S_OWN = {
    **dict.fromkeys(
        ("location", "dnsNameLabel", "vnetName", "subnetName"), "the network is Azure's"
    ),
    **dict.fromkeys(("vaultBaseUrl", "keyName", "keyVersion"), "the vault is Azure's"),
    **dict.fromkeys(("namespace", "computeTargetName"), "the cluster is Azure's"),
    **dict.fromkeys(("sslCertificate", "sslKey", "cname"), "TLS is for the proxy in front"),
    **dict.fromkeys(
        ("versionName", "trafficPercentile", "isDefault"), "one container has all the traffic"
    ),
    "autoScaler": "one container does not scale; on Kubernetes the chart does",
    "tags": "kept by the workspace",
    "properties": "kept by the workspace",
}


@dataclass(frozen=True)
class DeploymentConfig:
    """What the file comes to."""

    port: int | None = None
    resources: Resources = field(default_factory=Resources)
    auth: Auth = field(default_factory=Auth)
    limits: RequestLimits = field(default_factory=RequestLimits)
    liveness: Probe = LIVENESS_V1
    replicas: int = 1
    app_insights: bool = False
    storage_collection: bool = False
    description: str = ""


def read_deployment_config(path: Path, notes: list[str]) -> DeploymentConfig:
    """What a deploymentconfig.json says. Raises DeploymentError."""
    fields = Fields(read(path), path.name, notes)
    written = fields.text("computeType")
    if not written:
        fields.refuse("computeType", "Need to specify computeType in --deploy-config-file")
    compute = written.lower()
    if compute not in _COMPUTE_TYPES:
        fields.refuse("computeType", f"unknown deployment type: {written}")
    on_aks = compute in _AKS
    auth = _auth(fields, by_default=on_aks)
    fields.only_in_azure(_AZURE_S_OWN)
    if fields.flag("sslEnabled"):
        fields.note("sslEnabled", "ignored: TLS is for the proxy in front")
    replicas = fields.whole("numReplicas", 1) or 1
    if replicas > 1:
        fields.note("numReplicas", f"one container here, not {replicas}; on Kubernetes the chart's")
    found = DeploymentConfig(
        port=fields.whole("port", 1, 65535),
        resources=_resources(fields),
        auth=auth,
        limits=RequestLimits(
            scoring_timeout_ms=fields.whole("scoringTimeoutMs"),
            queue_timeout_ms=fields.whole("maxQueueWaitMs"),
            workers=fields.whole("maxConcurrentRequestsPerContainer", 1),
        ),
        liveness=probes.probe(fields.inner("livenessProbeRequirements"), probes.V1, LIVENESS_V1),
        replicas=replicas,
        app_insights=fields.flag("appInsightsEnabled"),
        storage_collection=_collects(fields),
        description=fields.text("description"),
    )
    fields.close()
    return found


def _auth(fields: Fields, by_default: bool) -> Auth:
    if fields.flag("tokenAuthEnabled"):
        fields.refuse("tokenAuthEnabled", "tokens come from Azure; use authEnabled, with keys")
    enabled = fields.flag("authEnabled", by_default)
    keys = fields.inner("keys") or fields.within("keys", {})
    primary, secondary = keys.text("primaryKey"), keys.text("secondaryKey")
    keys.close()
    return Auth(enabled, primary, secondary)


def _resources(fields: Fields) -> Resources:
    """Limits where there are some. What is asked for without one is no limit: Azure's default of
    0.5 GB is less than most models need.
    """
    asked = fields.inner("containerResourceRequirements")
    gpus = fields.whole("gpuCores") or 0
    if asked is None:
        return Resources(gpus=gpus)
    cpu, cpu_limit = asked.number("cpu"), asked.number("cpuLimit")
    memory, memory_limit = asked.number("memoryInGB"), asked.number("memoryInGBLimit")
    asked.close()
    if memory is not None and memory_limit is None:
        asked.note("memoryInGB", "no limit here; memoryInGBLimit is one")
    return Resources(
        cpus=(cpu if cpu_limit is None else cpu_limit) or None,
        memory_bytes=int(memory_limit * _GIB) if memory_limit else None,
        gpus=gpus,
    )


def _collects(fields: Fields) -> bool:
    collection = fields.inner("dataCollection")
    if collection is None:
        return False
    enabled = collection.flag("storageEnabled")
    collection.close()
    return enabled
