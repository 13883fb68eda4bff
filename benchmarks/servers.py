"""The servers under comparison: how each is started for a scenario.

To add one, write a function that returns its arguments and put a Server into known_servers().
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from failure import BenchmarkError

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BIN = Path(sys.executable).parent  # not resolved: a venv's python is a link out of the venv

LOOPBACK = "127.0.0.1"
REFERENCE_PACKAGE = "azureml-inference-server-http"

# Settings of the caller's own shell that would change what a server serves or where.
SCRUBBED_PREFIXES = (
    *("AZUREML_", "AML_", "WORKER_", "SERVER_", "SERVICE_", "HEALTH_", "SEPERATE_", "SCORING_"),
    *("GUNICORN_", "UVICORN_", "WEB_CONCURRENCY", "PYTHONPATH"),
)

# Other commands than those of the environments that `make` builds.
COMMAND_OVERRIDES = ("SCORESERVE_COMMAND", "SCORESERVE_REFERENCE")


@dataclass(frozen=True)
class Launch:
    """What every server is told, in its own words."""

    entry_script: Path
    model_dir: Path
    port: int
    workers: int


@dataclass(frozen=True)
class Server:
    """One server: `package` is the distribution whose version identifies it."""

    name: str
    package: str
    executable: Path
    arguments: Callable[[Launch], list[str]]

    @property
    def python(self) -> Path:
        """The interpreter of the environment that the server is installed in."""
        return self.executable.parent / "python"

    def require(self) -> None:
        """Raise BenchmarkError when the server is not installed."""
        if not self.executable.exists():
            raise BenchmarkError(
                f"{self.name} is not installed: no {self.executable} (package {self.package})"
            )

    def command(self, launch: Launch) -> list[str]:
        """The full command line."""
        return [str(self.executable), *self.arguments(launch)]


def azmlinfsrv_arguments(launch: Launch) -> list[str]:
    """The flags that the reference and scoreserve share."""
    return [
        *("--entry_script", str(launch.entry_script)),
        *("--model_dir", str(launch.model_dir)),
        *("--port", str(launch.port)),
        *("--worker_count", str(launch.workers)),
    ]


def floor_arguments(launch: Launch) -> list[str]:
    """uvicorn with its fastest parts; the entry script reaches floor.py by the environment."""
    return [
        *("-m", "uvicorn", "--factory", "floor:create_app", "--app-dir", str(HERE)),
        *("--host", LOOPBACK, "--port", str(launch.port), "--workers", str(launch.workers)),
        *("--loop", "uvloop", "--http", "httptools", "--lifespan", "off", "--no-access-log"),
    ]


def known_servers() -> dict[str, Server]:
    """All servers by name; SCORESERVE_COMMAND and SCORESERVE_REFERENCE override the commands."""
    ours, reference = map(os.environ.get, COMMAND_OVERRIDES)
    ours_path = Path(ours or BIN / "azmlinfsrv").absolute()
    reference_path = Path(reference or ROOT / ".venv-reference" / "bin" / "azmlinfsrv").absolute()
    servers = (
        Server("scoreserve", "scoreserve", ours_path, azmlinfsrv_arguments),
        Server("reference", REFERENCE_PACKAGE, reference_path, azmlinfsrv_arguments),
        Server("floor", "uvicorn", Path(sys.executable), floor_arguments),
    )
    return {server.name: server for server in servers}


def server_environment(launch: Launch) -> dict[str, str]:
    """The caller's environment without its Azure ML settings, plus what the floor reads.

    SCORESERVE_* variables stay, so a run can try a setting of ours.
    """
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(SCRUBBED_PREFIXES)
    }
    kept["AZUREML_ENTRY_SCRIPT"] = str(launch.entry_script)
    kept["AZUREML_MODEL_DIR"] = str(launch.model_dir)
    return kept
