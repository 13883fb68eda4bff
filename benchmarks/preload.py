"""What workers of one model take: spawned, forked (WORKER_PRELOAD), mapped, and the reference's.

    python -m benchmarks.preload --models array lists forest --workers 4

Per server: seconds to the first answer, seconds until all workers are there, memory of all its
processes with what they share counted once (PSS), after `--requests` requests, and seconds until a
worker that was killed has a successor; of the reference, which does not tell its workers, the first
and the memory. Rounds of all servers follow each other; medians are shown.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from scoreserve.bench.failure import BenchmarkError
from scoreserve.bench.processes import (
    POLL_SECONDS,
    Started,
    free_ports,
    marked,
    proportional_mib,
    request,
    started,
    tail,
)

REFERENCE = Path(".venv-reference/bin/azmlinfsrv")
DEADLINE_SECONDS = 300.0
CLIENTS = 8
BODY = b'{"data": [[0.1, 0.2, 0.3, 0.4]]}'

# Each makes `model` in load(), and reads some of it in use(). `prepare` writes what is loaded.
MODELS = {
    "array": """
import numpy as np
def prepare(): np.save("model.npy", np.random.rand(500 << 17))
def load(): return np.load("model.npy", mmap_mode=MAPPED or None)
def use(): return float(model[:: 1 << 16].sum()) > 0
""",
    "lists": """
def prepare(): pass
def load(): return [[f"{number}"] for number in range(1_500_000)]
def use(): return len([row for row in model[:300_000] if row])
""",
    "forest": """
import joblib, numpy as np
def prepare():
    from sklearn.ensemble import RandomForestClassifier
    rows = np.random.rand(40_000, 4)
    forest = RandomForestClassifier(120, n_jobs=1).fit(rows, np.random.randint(0, 10, 40_000))
    joblib.dump(forest, "model.joblib")
def load(): return joblib.load("model.joblib")
def use(): return model.predict(np.full((1, 4), 0.5)).tolist()
""",
}
SCRIPT = """
import os
MAPPED = os.environ.get("BENCH_MAPPED", "")
{model}
def init():
    global model
    model = load()
def run(data):
    return use()
"""


@dataclass(frozen=True)
class Variant:
    """A server and how it starts its workers."""

    command: Path
    environ: Mapping[str, str]
    models: tuple[str, ...] = tuple(MODELS)
    tells_workers: bool = True  # which of them are ready


def variants() -> dict[str, Variant]:
    """Those that can be measured here. The reference's environment has no scikit-learn."""
    ours = Path(sys.executable).with_name("azmlinfsrv")
    found = {
        "spawned": Variant(ours, {}),
        "forked": Variant(ours, {"WORKER_PRELOAD": "true"}),
        "forked at once": Variant(ours, {"WORKER_PRELOAD": "force"}),
        "mapped": Variant(ours, {"BENCH_MAPPED": "r"}, ("array",)),
    }
    if REFERENCE.exists():
        plain = ("array", "lists")
        found["reference"] = Variant(REFERENCE.absolute(), {}, plain, False)
        found["reference, preload"] = Variant(
            REFERENCE.absolute(), {"WORKER_PRELOAD": "true"}, plain, False
        )
    return found


class Measured:
    """One running server of these workers."""

    def __init__(self, server: Started, port: int, workers: int) -> None:
        self._server = server
        self._port = port
        self._workers = workers

    def wait_first(self) -> float:
        """Seconds from now to the first answer."""
        return self._seconds_until(lambda: request(self._port, "POST", "/score", BODY)[0] == 200)

    def wait_all(self) -> float:
        """Seconds from now until all workers are there, and no other process."""
        return self._seconds_until(lambda: len(self._ready_pids()) == self._workers)

    def ask(self, requests: int) -> None:
        """Sends so many requests, a few at a time."""

        def one(_: int) -> None:
            status, answer = request(self._port, "POST", "/score", BODY)
            if status != 200:
                raise BenchmarkError(f"{self._server.name} answers {status}: {answer[:200]!r}")

        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(one, range(requests)))

    def memory_mib(self) -> float:
        return proportional_mib(marked(self._server.mark))

    def replace_worker(self) -> float:
        """Seconds until a worker that is killed has a successor."""
        victim = self._ready_pids()[0]
        os.kill(victim, signal.SIGKILL)
        gone = self._seconds_until(lambda: victim not in self._ready_pids())
        return gone + self.wait_all()

    def _ready_pids(self) -> list[int]:
        """The workers that can score; none while others are to take their place."""
        told = json.loads(request(self._port, "GET", "/health/ready")[1])
        preload = told["preload"] or {"state": "off"}
        if preload["state"] == "starting" or told["workers"]["starting"]:
            return []
        return [each["pid"] for each in told["processes"] if each["state"] in ("ready", "busy")]

    def _seconds_until(self, condition: Callable[[], bool]) -> float:
        begun = time.monotonic()
        while time.monotonic() - begun < DEADLINE_SECONDS and self._server.process.poll() is None:
            try:
                if condition():
                    return time.monotonic() - begun
            except OSError:
                pass
            time.sleep(POLL_SECONDS)
        raise BenchmarkError(f"{self._server.name} is not there\n{tail(self._server.log)}")


def measure(
    name: str, variant: Variant, folder: Path, workers: int, requests: int
) -> dict[str, float]:
    """One reading of one server."""
    (port,) = free_ports(1)
    command = [str(variant.command), "--entry_script", "score.py", "--port", str(port)]
    environ = {**os.environ, "WORKER_COUNT": str(workers), **variant.environ}
    with started(name, command, environ, folder, folder / "log") as process:
        server = Measured(process, port, workers)
        reading = {"first answer, s": server.wait_first()}
        if variant.tells_workers:
            reading["all workers, s"] = reading["first answer, s"] + server.wait_all()
        server.ask(requests)
        reading["PSS, MiB"] = server.memory_mib()
        if variant.tells_workers:
            reading["replacement, s"] = server.replace_worker()
        return reading


def main() -> int:
    """Measures, and prints a table a model."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=1)
    chosen = parser.parse_args()
    for model in chosen.models:
        with tempfile.TemporaryDirectory(prefix="scoreserve-bench-") as name:
            folder = Path(name)
            (folder / "score.py").write_text(SCRIPT.format(model=MODELS[model]))
            (folder / "sample_request.json").write_bytes(BODY)
            _prepare(folder)
            print(f"\n{model}, {chosen.workers} workers\n", flush=True)
            _table(model, folder, chosen)
    return 0


def _prepare(folder: Path) -> None:
    """Writes what the script loads."""
    subprocess.run([sys.executable, "-c", "import score; score.prepare()"], cwd=folder, check=True)


def _table(model: str, folder: Path, chosen: argparse.Namespace) -> None:
    readings: dict[str, list[dict[str, float]]] = {}
    for _ in range(chosen.rounds):
        for name, variant in variants().items():
            if model in variant.models:
                reading = measure(name, variant, folder, chosen.workers, chosen.requests)
                readings.setdefault(name, []).append(reading)
    for name, each in readings.items():
        columns = [f"{key} {median(one[key] for one in each):.1f}" for key in each[0]]
        print(f"{name:20}", "   ".join(columns), flush=True)


if __name__ == "__main__":
    sys.exit(main())
