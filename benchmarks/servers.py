"""The servers under comparison: where each comes from, how it is started, how it is asked.

To add one, pin it in requirements/NAME.txt, write what its users write in peers/, and put a Server
into known_servers().
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks import environments
from benchmarks.dialects import V2, Dialect, ImageInJson
from benchmarks.scenarios import Scenario
from scoreserve.bench.failure import BenchmarkError
from scoreserve.bench.processes import LOOPBACK

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

V2_MODEL = "score"

# Settings of the caller's own shell that would change what a server serves or where.
SCRUBBED_PREFIXES = (
    *("AZUREML_", "AML_", "WORKER_", "SERVER_", "SERVICE_", "HEALTH_", "SEPERATE_", "SCORING_"),
    *("GUNICORN_", "UVICORN_", "WEB_CONCURRENCY", "PYTHONPATH"),
    *("BENCH_", "BENTOML_", "MLSERVER_", "MOSEC_", "LIT_"),
)

# Other commands than those of the environments under .bench/.
COMMAND_OVERRIDES = ("SCORESERVE_COMMAND", "SCORESERVE_REFERENCE")


@dataclass(frozen=True)
class Launch:
    """What every server is told, in its own words.

    `spare_ports` are for servers that insist on more than one; `overrides` are settings of ours to
    try, as environment variables.
    """

    scenario: Scenario
    port: int
    workers: int = 1
    spare_ports: tuple[int, ...] = ()
    overrides: dict[str, str] = field(default_factory=dict)


def no_variables(launch: Launch) -> dict[str, str]:
    """For a server that is told everything by flags."""
    return {}


def peer_variables(launch: Launch) -> dict[str, str]:
    """What peers/work.py and floor.py read."""
    scenario = launch.scenario
    return {
        "PYTHONPATH": str(ROOT),
        "AZUREML_ENTRY_SCRIPT": str(scenario.entry_script),
        "AZUREML_MODEL_DIR": str(scenario.model_dir),
        "BENCH_WORK": scenario.work,
        "BENCH_PORT": str(launch.port),
        "BENCH_WORKERS": str(launch.workers),
        "BENCH_MAX_BATCH_SIZE": str(scenario.max_batch_size),
        "BENCH_BATCH_WAIT_MS": str(scenario.batch_wait_ms),
    }


@dataclass(frozen=True)
class Server:
    """One server.

    `environment` is the virtual environment it runs in, `package` the distribution whose version
    identifies it, `unsupported` says why it takes no part in some scenarios, by their names,
    `batches` whether it has batching to switch on, and `asked_for` whether it is measured only when
    it is named.
    """

    name: str
    environment: str
    package: str
    executable: Path
    arguments: Callable[[Launch], list[str]]
    variables: Callable[[Launch], dict[str, str]] = peer_variables
    dialect: Dialect = field(default_factory=Dialect)
    unsupported: dict[str, str] = field(default_factory=dict)
    batches: bool = False
    asked_for: bool = False

    def why_not(self, scenario: Scenario) -> str | None:
        """Why it takes no part in a scenario."""
        if scenario.scripts_only and self.arguments is not azmlinfsrv_arguments:
            return "it serves no entry scripts"
        return self.unsupported.get(scenario.name)

    @property
    def python(self) -> Path:
        """The interpreter of the environment that the server is installed in."""
        return self.executable.parent / "python"

    def require(self) -> None:
        """Install the server if need be; raises BenchmarkError when that fails."""
        if self.executable.is_relative_to(environments.BENCH):
            environments.ensure(self.environment)
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
        *("--entry_script", str(launch.scenario.entry_script)),
        *("--model_dir", str(launch.scenario.model_dir)),
        *("--port", str(launch.port)),
        *("--worker_count", str(launch.workers)),
    ]


def batching_variables(launch: Launch) -> dict[str, str]:
    """scoreserve waits for nobody unless told: it takes what is queued when a worker is idle."""
    if launch.scenario.max_batch_size == 1:
        return {}
    return {"SCORESERVE_MAX_BATCH_SIZE": str(launch.scenario.max_batch_size)}


def merging_variables(launch: Launch) -> dict[str, str]:
    """As if the author had said that run() goes by rows."""
    return {**batching_variables(launch), "SCORESERVE_BATCHING": "rows"}


def uvicorn_arguments(launch: Launch) -> list[str]:
    """What the floor and FastAPI are both started with."""
    return ["--host", LOOPBACK, "--port", str(launch.port), "--workers", str(launch.workers)]


def floor_arguments(launch: Launch) -> list[str]:
    """uvicorn with its fastest parts; the entry script reaches floor.py by the environment."""
    return [
        *("-m", "uvicorn", "--factory", "benchmarks.floor:create_app"),
        *uvicorn_arguments(launch),
        *("--loop", "uvloop", "--http", "httptools", "--lifespan", "off", "--no-access-log"),
    ]


def fastapi_arguments(launch: Launch) -> list[str]:
    """uvicorn[standard] as FastAPI's documentation starts it in production."""
    return ["benchmarks.peers.fastapi_app:app", *uvicorn_arguments(launch)]


def litserve_arguments(launch: Launch) -> list[str]:
    """LitServe is started by the user's own module."""
    return ["-m", "benchmarks.peers.litserve_app"]


def bentoml_arguments(launch: Launch) -> list[str]:
    """`bentoml serve`, production mode."""
    return [
        *("serve", "benchmarks.peers.bentoml_app:Score"),
        *("--host", LOOPBACK, "--port", str(launch.port)),
    ]


def mlserver_arguments(launch: Launch) -> list[str]:
    """A directory without settings files: everything comes from the environment."""
    return ["start", "."]


def mlserver_variables(launch: Launch) -> dict[str, str]:
    """MLServer's own settings; its inference pool, on by default, has the workers."""
    grpc_port, metrics_port = launch.spare_ports
    settings = {
        "HOST": LOOPBACK,
        "HTTP_PORT": launch.port,
        "GRPC_PORT": grpc_port,
        "METRICS_PORT": metrics_port,
        "PARALLEL_WORKERS": launch.workers,
        "DEBUG": "false",
        "MODEL_NAME": V2_MODEL,
        "MODEL_IMPLEMENTATION": "benchmarks.peers.mlserver_app.Score",
    }
    if launch.scenario.max_batch_size > 1:
        settings["MODEL_MAX_BATCH_SIZE"] = launch.scenario.max_batch_size
        settings["MODEL_MAX_BATCH_TIME"] = launch.scenario.batch_wait_ms / 1000
    theirs = {f"MLSERVER_{name}": str(value) for name, value in settings.items()}
    return peer_variables(launch) | theirs


def mosec_arguments(launch: Launch) -> list[str]:
    """The limits are raised for the big body and the long run(); both are lower by default."""
    return [
        *("-m", "benchmarks.peers.mosec_app", "--address", LOOPBACK, "--port", str(launch.port)),
        *("--timeout", "60000", "--max-request-size", str(100 * 1024 * 1024)),
    ]


def known_servers() -> dict[str, Server]:
    """All servers by name; SCORESERVE_COMMAND and SCORESERVE_REFERENCE override the commands."""
    ours, reference = map(os.environ.get, COMMAND_OVERRIDES)
    bin_directory = environments.bin_directory
    scoreserve = Server(
        "scoreserve",
        environments.OURS,
        "scoreserve",
        Path(ours or bin_directory(environments.OURS) / "azmlinfsrv").absolute(),
        azmlinfsrv_arguments,
        batching_variables,
        batches=True,
    )
    servers = (
        scoreserve,
        replace(scoreserve, name="rows", variables=merging_variables, asked_for=True),
        replace(scoreserve, name="alone", variables=no_variables, batches=False, asked_for=True),
        Server(
            "reference",
            "reference",
            "azureml-inference-server-http",
            Path(reference or bin_directory("reference") / "azmlinfsrv").absolute(),
            azmlinfsrv_arguments,
            no_variables,
        ),
        Server(
            "floor",
            environments.OURS,
            "uvicorn",
            bin_directory(environments.OURS) / "python",
            floor_arguments,
            unsupported={"image": "the floor hands text to run(), not a request"},
        ),
        Server(
            "fastapi",
            "fastapi",
            "fastapi",
            bin_directory("fastapi") / "uvicorn",
            fastapi_arguments,
        ),
        Server(
            "litserve",
            "litserve",
            "litserve",
            bin_directory("litserve") / "python",
            litserve_arguments,
            dialect=ImageInJson("/health"),
            batches=True,
        ),
        Server(
            "bentoml",
            "bentoml",
            "bentoml",
            bin_directory("bentoml") / "bentoml",
            bentoml_arguments,
            dialect=Dialect("/readyz"),
            batches=True,
        ),
        Server(
            "mlserver",
            "mlserver",
            "mlserver",
            bin_directory("mlserver") / "mlserver",
            mlserver_arguments,
            mlserver_variables,
            dialect=V2(V2_MODEL),
            batches=True,
        ),
        Server(
            "mosec",
            "mosec",
            "mosec",
            bin_directory("mosec") / "python",
            mosec_arguments,
            batches=True,
        ),
    )
    return {server.name: server for server in servers}


def server_environment(server: Server, launch: Launch) -> dict[str, str]:
    """The caller's environment without the settings of any server, plus what this one is told.

    SCORESERVE_* variables stay, so a run can try a setting of ours.
    """
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(SCRUBBED_PREFIXES)
    }
    return {**kept, **server.variables(launch), **launch.overrides}
