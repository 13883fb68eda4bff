"""What the figures depend on: the machine and the versions of everything that took part."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from pathlib import Path

from benchmarks.environments import OURS
from benchmarks.servers import ROOT, Server
from scoreserve.bench.failure import BenchmarkError

PROBE_TIMEOUT_SECONDS = 30.0
MODEL_PACKAGES = ["numpy", "scikit-learn", "onnxruntime"]
PROBE = """
import importlib.metadata, json, platform, sys
versions = {"python": platform.python_version()}
for name in sys.argv[1:]:
    try:
        versions[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        versions[name] = None
print(json.dumps(versions))
"""


def describe() -> str:
    """One line: processor, number of CPUs, kernel."""
    return f"{_processor()}, {os.cpu_count()} CPUs, {platform.system()} {platform.release()}"


def versions(python: Path, packages: list[str]) -> dict[str, str]:
    """Versions of Python and of those of the packages that are in that environment."""
    found: dict[str, str | None] = json.loads(_ask(python, "-c", PROBE, *packages))
    return {name: version for name, version in found.items() if version is not None}


def server_versions(server: Server) -> dict[str, str]:
    """The server's own, Python's, those of the models' packages; of ours the commit too,
    and whether it is compiled.
    """
    found = versions(server.python, [server.package, *MODEL_PACKAGES])
    if server.environment == OURS and server.package == OURS:
        found["commit"] = _commit()
        found["compiled"] = str("compiled" in _ask(server.python, "-m", OURS, "--version"))
    return found


def _ask(python: Path, *arguments: str) -> str:
    try:
        finished = subprocess.run(
            [str(python), *arguments],
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise BenchmarkError(f"cannot ask {python} what it has: {error}") from error
    return finished.stdout


def _commit() -> str:
    """The last commit that touched the server, `-dirty` when its files differ from it."""
    commit = _git("log", "-1", "--format=%h", "--", "server")
    return commit + ("-dirty" if _git("status", "--porcelain", "--", "server") else "")


def _git(*arguments: str) -> str:
    finished = subprocess.run(
        ["git", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PROBE_TIMEOUT_SECONDS,
        check=False,
    )
    return finished.stdout.strip()


def _processor() -> str:
    """The model name as Linux gives it, else what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
