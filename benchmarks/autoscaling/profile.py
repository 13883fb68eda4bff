"""What one pod of a script does, measured: how long its requests take, and how much CPU."""

from __future__ import annotations

import json
import math
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from scoreserve.bench.failure import BenchmarkError
from scoreserve.bench.processes import LOOPBACK, free_ports, request, started

SCRIPTS = Path(__file__).parent.parent / "scripts"
READY_SECONDS = 60.0
CLIENTS = 16  # enough that the worker hardly ever waits for them
MOST_ROWS = 400


@dataclass(frozen=True)
class Profile:
    """One pod, of one worker.

    `cpu_seconds` is what a request costs, front and worker. The pod has one CPU whenever it wants
    it. So its rate is what that CPU can do, or what the time in run() allows if that is more. What
    else this machine does is taken out: the time in which the worker was ready and had no CPU.
    `seconds` are how long requests hold the worker, scaled so that their mean fits the rate.
    `ready_seconds` are from the start of the server until it is ready, init() among them.
    """

    name: str
    requests_per_second: float
    seconds: tuple[float, ...]
    cpu_seconds: float
    init_seconds: float
    ready_seconds: float

    def quantile(self, share: float) -> float:
        """Of the seconds."""
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(share * len(self.seconds)))]


def rows_body(chance: random.Random) -> bytes:
    """From one row to 400, small ones as often as large ones: log-uniform."""
    rows = round(math.exp(chance.uniform(0, math.log(MOST_ROWS))))
    return json.dumps({"data": [[chance.randrange(17) for _ in range(64)]] * rows}).encode()


def text_body(_: random.Random) -> bytes:
    """Whatever."""
    return b"data"


BODIES: dict[str, Callable[[random.Random], bytes]] = {"computes": rows_body, "waits": text_body}


def measure(name: str, seconds: float) -> Profile:
    """Serves the script and asks it for that long. Raises BenchmarkError if an answer is bad."""
    (port,) = free_ports(1)
    command = [
        *(str(Path(sys.executable).with_name("scoreserve")), "serve"),
        *("--entry-script", str(SCRIPTS / f"{name}.py"), "--port", str(port)),
    ]
    with tempfile.TemporaryDirectory(prefix="scoreserve-bench-") as folder:
        log = Path(folder) / "log"
        began = time.monotonic()
        with started(name, command, os.environ, folder, log) as server:
            server.wait_ready(lambda: _is_ready(port), READY_SECONDS)
            ready = time.monotonic() - began
            _ask_for(name, port, seconds / 4)  # warm-up
            workers = _workers(port)
            before, waited = _metrics(port), _waited_seconds(workers)
            taken = _ask_for(name, port, seconds)
            waited = _waited_seconds(workers) - waited
            after = _metrics(port)
    cpu = after["scoreserve_process_cpu_seconds"] - before["scoreserve_process_cpu_seconds"]
    held = max(cpu, sum(taken) - waited) / len(taken)
    scale = held * len(taken) / sum(taken)
    init = after["scoreserve_init_last_seconds"]
    spread = tuple(each * scale for each in taken)
    return Profile(name, 1 / held, spread, cpu / len(taken), init, ready)


def _ask_for(name: str, port: int, seconds: float) -> list[float]:
    """Clients that ask one request after the other; the seconds that each took in run()."""
    until = time.monotonic() + seconds
    found: list[list[float]] = [[] for _ in range(CLIENTS)]
    errors: list[str] = []

    def ask(client: int) -> None:
        chance = random.Random(client)
        bodies = [BODIES[name](chance) for _ in range(100)]
        with closing(HTTPConnection(LOOPBACK, port, timeout=READY_SECONDS)) as connection:
            while time.monotonic() < until and not errors:
                connection.request("POST", "/score", chance.choice(bodies))
                reply = connection.getresponse()
                reply.read()
                if reply.status != 200:
                    errors.append(f"{name} answers {reply.status}")
                    return
                found[client].append(_run_seconds(reply.headers["Server-Timing"]))

    threads = [threading.Thread(target=ask, args=(client,)) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors or not any(found):
        raise BenchmarkError(errors[0] if errors else f"{name} answered nothing")
    return [each for of_client in found for each in of_client]


def _run_seconds(timing: str) -> float:
    """The phase `run` of a header `queue;dur=0.4, run;dur=2.2, total;dur=2.7`."""
    phases = dict(part.strip().split(";dur=") for part in timing.split(","))
    return float(phases["run"]) / 1e3


def _metrics(port: int) -> dict[str, float]:
    """Each family's sum over its series."""
    page = request(port, "GET", "/metrics")[1].decode()
    return {
        family.name: sum(sample.value for sample in family.samples)
        for family in text_string_to_metric_families(page)
    }


def _workers(port: int) -> list[int]:
    """The process ids of the scoring workers."""
    ready = json.loads(request(port, "GET", "/health/ready")[1])
    return [process["pid"] for process in ready["processes"]]


def _waited_seconds(pids: list[int]) -> float:
    """How long their main threads were ready to run while others had the CPU (schedstat)."""
    stats = (Path(f"/proc/{pid}/schedstat").read_text(encoding="utf-8") for pid in pids)
    return sum(int(stat.split()[1]) for stat in stats) / 1e9


def _is_ready(port: int) -> bool:
    try:
        return request(port, "GET", "/health/ready")[0] == 200
    except OSError:
        return False
