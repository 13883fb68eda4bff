"""Runs helm and kubectl on what is in deploy/."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
CHART = ROOT / "deploy/helm/scoreserve"
TOOLS = ROOT / ".venv-kubernetes/bin"  # made by `make test-kubernetes`
VALUES = Path(__file__).parent / "values"
CASES = sorted(path.stem for path in VALUES.glob("*.yaml"))
USERS = sorted(Path(__file__).parent.glob("users/*.yaml"))  # values as users write them

Manifest = dict[str, Any]


def run(tool: str, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """What `helm` or `kubectl` says. Raises AssertionError, with all of it, when it fails."""
    done = subprocess.run(
        [TOOLS / tool, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def render_text(*arguments: str | Path, release: str = "my") -> str:
    """What the chart comes to, as YAML."""
    return run("helm", "template", release, CHART, *arguments).stdout


def render(*arguments: str | Path, release: str = "my") -> list[Manifest]:
    """The same as objects."""
    return list(load(render_text(*arguments, release=release)))


def load(text: str) -> Iterator[Manifest]:
    """The objects in a stream of YAML."""
    return (document for document in yaml.safe_load_all(text) if document)


def values(name: str) -> list[str | Path]:
    """Helm's arguments for one of the cases in values/."""
    return ["--values", VALUES / f"{name}.yaml"]


def named(manifests: list[Manifest], kind: str) -> Manifest:
    """The one object of a kind."""
    (found,) = (each for each in manifests if each["kind"] == kind)
    return found


def pod_of(manifests: list[Manifest]) -> Manifest:
    """The pod's spec in the Deployment."""
    spec: Manifest = named(manifests, "Deployment")["spec"]["template"]["spec"]
    return spec


def server_of(pod: Manifest) -> Manifest:
    """The container that serves."""
    container: Manifest = pod["containers"][0]
    return container


def environment(container: Manifest) -> Mapping[str, str]:
    """The variables that are given by value."""
    return {each["name"]: each["value"] for each in container["env"] if "value" in each}
