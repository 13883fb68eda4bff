"""How each kind of scenario is measured: one function gives one reading.

`together` procedures measure servers that all run at the same time and take turns; `alone` ones
start a server for one reading and stop it, since what they measure is the start or the memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cpus import Cpus
from benchmarks.environments import OURS, bin_directory
from benchmarks.load import Figures, closed_load
from benchmarks.processes import (
    Running,
    ask,
    launch_of,
    pinned,
    running,
)
from benchmarks.scenarios import BODY, CLOSED, COLD, HOLD_SECONDS, MEMORY, OPEN, PROBES, Scenario
from benchmarks.servers import ROOT, Server
from scoreserve.bench.failure import BenchmarkError
from scoreserve.bench.processes import POLL_SECONDS, marked, proportional_mib, resident_mib

IN_PROCESS = "in process"  # the name of what has no server at all

PROBES_PER_SECOND = 20
PROBE_MARGIN_SECONDS = 0.5  # of probing before and after the long run()
MEMORY_CONNECTIONS = 16
MEMORY_LOAD_SECONDS = 1
COLD_POLL_SECONDS = 0.005
SAMPLE_SECONDS = 0.01  # between looks at the memory
OPEN_GRACE_SECONDS = 30.0

# Scores the big body where there is no server: what is left is what the server adds.
IN_PROCESS_SCRIPT = """
import importlib.util, json, resource, sys, time
spec = importlib.util.spec_from_file_location("entry_module", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.init()
body = sys.stdin.buffer.read()
started = time.perf_counter()
json.dumps(module.run(body.decode()))
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "peak_mib": peak}))
"""


@dataclass(frozen=True)
class Bench:
    """What every procedure needs to know of the run."""

    cpus: Cpus
    scratch: Path  # for logs
    seconds: int
    workers: int


def closed(bench: Bench, server: Running, point: int) -> Figures:
    """wrk at `point` connections."""
    return closed_load(server, point, bench.seconds)


def open_rate(bench: Bench, server: Running, point: int) -> Figures:
    """`point` requests a second, arriving at random."""
    post = server.post
    with tempfile.NamedTemporaryFile(prefix="scoreserve-bench-") as body:
        body.write(post.body)
        body.flush()
        return _open_loop(
            *("--port", str(server.port), "--path", post.path, "--body", body.name),
            *("--content-type", post.content_type),
            *("--rate", str(point), "--seconds", str(bench.seconds)),
            *([] if bench.cpus.shared else ["--spin"]),
        )


def probes(bench: Bench, server: Running, point: int) -> Figures:
    """Probes at even gaps while one request keeps run() busy."""
    probing = HOLD_SECONDS + 2 * PROBE_MARGIN_SECONDS
    with ThreadPoolExecutor() as pool:
        busy = pool.submit(_ask_later, server)
        figures = _open_loop(
            *("--port", str(server.port), "--path", server.server.dialect.probe, "--even"),
            *("--rate", str(PROBES_PER_SECOND), "--seconds", str(probing)),
        )
        busy.result()
    return figures


def _ask_later(server: Running) -> None:
    """The long request, once a few probes have gone by."""
    time.sleep(PROBE_MARGIN_SECONDS)
    ask(server)


def _open_loop(*arguments: str) -> Figures:
    """Run open_loop.py; raises BenchmarkError when it fails."""
    command = [sys.executable, "-m", "benchmarks.open_loop", *arguments]
    seconds = float(arguments[arguments.index("--seconds") + 1]) + OPEN_GRACE_SECONDS
    try:
        finished = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=True
        )
    except subprocess.CalledProcessError as error:
        raise BenchmarkError(f"open_loop failed: {error.stderr.strip()}") from error
    except subprocess.TimeoutExpired as error:
        raise BenchmarkError(f"open_loop did not end within {seconds:.0f} s") from error
    figures: Figures = json.loads(finished.stdout)
    return figures


def body(bench: Bench, scenario: Scenario, server: Server, point: int) -> Figures:
    """The time of the second request, and the most memory the server had until then."""
    with _started(bench, scenario, server) as started:
        ask(started)
        peak = [0.0]
        done = threading.Event()
        watch = threading.Thread(target=_watch_memory, args=[started, peak, done])
        watch.start()
        try:
            before = time.perf_counter()
            ask(started)
            seconds = time.perf_counter() - before
        finally:
            done.set()
            watch.join()
        return {"seconds": seconds, "peak_mib": peak[0]}


def _watch_memory(server: Running, peak: list[float], done: threading.Event) -> None:
    """Keep the highest sum of resident memory seen."""
    pids = marked(server.mark)
    while not done.wait(SAMPLE_SECONDS):
        peak[0] = max(peak[0], resident_mib(pids))


def body_in_process(bench: Bench, scenario: Scenario) -> Figures:
    """json.loads and predict on the same CPU, without any server."""
    command = [str(bin_directory(OURS) / "python"), "-c", IN_PROCESS_SCRIPT]
    with pinned(bench.cpus.servers):
        finished = subprocess.run(
            [*command, str(scenario.entry_script)],
            input=scenario.body,
            env={"AZUREML_MODEL_DIR": str(scenario.model_dir)},
            capture_output=True,
            timeout=OPEN_GRACE_SECONDS,
            check=True,
        )
    figures: Figures = json.loads(finished.stdout)
    return figures


def cold(bench: Bench, scenario: Scenario, server: Server, point: int) -> Figures:
    """From process start to the first 200 of the probe, and of a request."""
    before = time.perf_counter()
    with _started(bench, scenario, server, poll_seconds=COLD_POLL_SECONDS) as started:
        ask(started)
        answered = time.perf_counter() - before
        return {"ready_ms": 1000 * started.ready_seconds, "answered_ms": 1000 * answered}


def memory(bench: Bench, scenario: Scenario, server: Server, point: int) -> Figures:
    """Memory with `point` workers, after all of them have had something to do."""
    with _started(bench, scenario, server, workers=point) as started:
        ask(started)
        closed_load(started, MEMORY_CONNECTIONS, MEMORY_LOAD_SECONDS)
        pids = marked(started.mark)
        return {
            "rss_mib": resident_mib(pids),
            "pss_mib": proportional_mib(pids),
            "processes": len(pids),
        }


@contextmanager
def _started(
    bench: Bench,
    scenario: Scenario,
    server: Server,
    *,
    workers: int = 1,
    poll_seconds: float = POLL_SECONDS,
) -> Iterator[Running]:
    """The server, for one reading."""
    log = bench.scratch / f"{server.name}.log"
    launch = launch_of(scenario, workers)
    with running(server, launch, bench.cpus.servers, log, poll_seconds) as started:
        yield started


TOGETHER = {CLOSED: closed, OPEN: open_rate, PROBES: probes}
ALONE = {BODY: body, COLD: cold, MEMORY: memory}
