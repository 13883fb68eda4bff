"""A deployment → the arguments that make its containers. Decides only."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scoreserve.deploy.deployment import APP_ROOT, Deployment
from scoreserve.deploy.running import labels
from scoreserve.deploy.running.labels import About
from scoreserve.deploy.running.payload import KEYS_FILE
from scoreserve.deploy.running.switch import CANDIDATE_PORT, LIVE_PORT

NETWORK = "scoreserve"
ISOLATED_NETWORK = "scoreserve-isolated"  # reaches nothing outside
NETWORKS: Mapping[str, Sequence[str]] = {NETWORK: (), ISOLATED_NETWORK: ("--internal",)}

_PYTHON = "/opt/scoreserve/env/bin/python"  # of our images
_RUN = "/var/runit/gunicorn/run"  # what starts the server, in our images and in those built by us
_USER = "1000:0"
LOOPBACK = "127.0.0.1"
# Time for connections in use to move on to the container that takes over.
_DRAIN_DELAY = {"SCORESERVE_DRAIN_DELAY_SECONDS": "1"}
# Variables of the caller's, whose values are in no file.
_LENT = ("AML_APP_INSIGHTS_KEY", "APPLICATIONINSIGHTS_CONNECTION_STRING")


def network_of(deployment: Deployment) -> str:
    """The network that its server is on."""
    return ISOLATED_NETWORK if deployment.isolated else NETWORK


def about(deployment: Deployment, arguments: Mapping[str, object], environment_image: str) -> About:
    """What the labels of its containers are to say."""
    code = deployment.code
    folders = [
        model.path if model.path.is_dir() else model.path.parent for model in deployment.models
    ]
    if code is not None:
        script = code.path
        if script.is_dir():
            below = posixpath.relpath(code.app_root, posixpath.join(APP_ROOT, code.target))
            inside = "" if below.startswith("..") else below
            script = script / inside / code.entry_script.removeprefix(f"{code.target}/")
        folders.insert(0, script.parent)
    return About(
        scoring=deployment.routes.scoring,
        readiness=deployment.routes.readiness,
        patience_seconds=float(deployment.readiness.patience),
        authenticated=deployment.auth.enabled,
        network=network_of(deployment),
        code="" if code is None else str(code.path),
        samples=tuple(dict.fromkeys(str(folder) for folder in folders)),
        arguments=dict(arguments),
        environment=environment_image,
    )


@dataclass(frozen=True)
class Place:
    """What a container is called, what it is made of, and by which program."""

    name: str
    image: str
    labels: Mapping[str, str]
    program: str = "docker"

    @property
    def words(self) -> list[str]:
        """The arguments that name it."""
        found = ["--name", self.name]
        for pair in self.labels.items():
            found += ["--label", "=".join(pair)]
        return found


def server_arguments(
    deployment: Deployment, place: Place, environ: Mapping[str, str], *, limited: bool = True
) -> list[str]:
    """Those of `docker create` for the container that serves. Without the limits of its resources
    unless `limited`. `environ` is the caller's.
    """
    its = deployment.environment
    words = [*place.words, "--network", network_of(deployment)]
    for variable, value in _variables(deployment, environ).items():
        words += ["--env", f"{variable}={value}"]
    for model in deployment.models:
        if not model.packed:
            target = posixpath.join(deployment.model_target(model), model.path.name)
            words += ["--volume", f"{model.path}:{target}:ro"]
    if limited:
        words += _limits(deployment, place.program)
    words += _health(deployment)
    if its.as_it_is:
        return [*words, place.image]
    if deployment.code is not None:
        words += ["--workdir", APP_ROOT]
    return [*words, "--user", _USER, place.image, _RUN]


def switch_arguments(place: Place, port: int | None) -> list[str]:
    """Those for the switch. `port` is that of this machine; None: a free one."""
    words = [*place.words, "--network", NETWORK, "--user", _USER, "--no-healthcheck"]
    words += ["--publish", f"{LOOPBACK}:{port or ''}:{LIVE_PORT}"]
    words += ["--publish", f"{LOOPBACK}::{CANDIDATE_PORT}"]
    return [*words, place.image, _PYTHON, "-m", "scoreserve.deploy.running.switch", "serve"]


def switch_command(*words: str) -> list[str]:
    """What to execute in the switch's container."""
    return [_PYTHON, "-m", "scoreserve.deploy.running.switch", *words]


def labels_of(
    deployment: Deployment, project: str, role: str, generation: str, said: About
) -> dict[str, str]:
    """The labels of one container."""
    return {
        labels.SERVICE: deployment.container_name,
        labels.PROJECT: project,
        labels.ROLE: role,
        labels.GENERATION: generation,
        labels.ABOUT: said.text,
        **{f"scoreserve.tag.{name}": value for name, value in deployment.labels.items()},
    }


def _variables(deployment: Deployment, environ: Mapping[str, str]) -> dict[str, str]:
    found = {**_DRAIN_DELAY, **deployment.container_variables()}
    if deployment.auth.enabled:
        found["SCORESERVE_API_KEYS_FILE"] = KEYS_FILE
    found["SERVICE_NAME"] = deployment.endpoint or deployment.name
    if deployment.app_insights:
        found |= {name: environ[name] for name in _LENT if environ.get(name)}
    return found


def _limits(deployment: Deployment, program: str) -> list[str]:
    wanted = deployment.resources
    words: list[str] = []
    if wanted.cpus is not None:
        words += ["--cpus", f"{wanted.cpus:g}"]
    if wanted.memory_bytes is not None:
        words += ["--memory", str(wanted.memory_bytes)]
    if wanted.shm_bytes is not None:
        words += ["--shm-size", str(wanted.shm_bytes)]
    if wanted.gpus:
        words += _gpus(wanted.gpus, program)
    return [*words, *wanted.run_arguments]


def _gpus(number: int, program: str) -> list[str]:
    """Docker counts them; podman takes them from NVIDIA's CDI specification, by their numbers."""
    if program == "docker":
        return ["--gpus", str(number)]
    return [word for each in range(number) for word in ("--device", f"nvidia.com/gpu={each}")]


def _health(deployment: Deployment) -> list[str]:
    probe = deployment.liveness
    return [
        *("--health-interval", f"{probe.period}s"),
        *("--health-timeout", f"{probe.timeout}s"),
        *("--health-start-period", f"{probe.initial_delay}s"),
        *("--health-retries", str(probe.failure_threshold)),
    ]
