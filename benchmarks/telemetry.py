"""What OpenTelemetry takes of scoreserve: requests/s with every request traced against none, on one
CPU, and the memory of front and telemetry process.

    python -m benchmarks.telemetry

starts a server without telemetry and one that sends traces and metrics to a sink on the CPUs of the
load, and measures them in turn. The no-op script is the hardest case: a request takes some 13 µs
there, of which telemetry may have one. What there is no CPU for is dropped, and counted.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

from benchmarks import machine, program
from benchmarks.cpus import Cpus, available_cpus, divide_cpus
from benchmarks.load import closed_load, find_wrk
from benchmarks.processes import Running, ask, launch_of, pinned, running, wait_idle
from benchmarks.report import OURS, table
from benchmarks.scenarios import noop
from benchmarks.servers import Server, known_servers, no_variables
from benchmarks.settings import positive
from benchmarks.statistics import ratios
from scoreserve.bench.failure import BenchmarkError
from scoreserve.bench.figures import spread
from scoreserve.bench.processes import LOOPBACK, marked, request, resident_mib

CONNECTIONS = 64
WARM_UP_SECONDS = 1
OFF, ON = "off", "all traced"
INTERVAL_MS = 1000  # of metrics: the page is part of what is measured


class Reading(NamedTuple):
    """What one round found of one server: requests/s, MiB, and the share of requests that were not
    sent.
    """

    requests_per_second: float
    front_mib: float
    telemetry_mib: float
    dropped: float


@contextmanager
def sink() -> Iterator[str]:
    """Takes all that is posted, and throws it away; its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.1,))
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def read(server: Running, seconds: int) -> Reading:
    """One load, and what is left in memory after it."""
    before = _dropped(server)
    figures = closed_load(server, CONNECTIONS, seconds)
    wait_idle(server)
    (front,) = _processes(server, "azmlinfsrv", children=True)
    telemetry = _processes(server, "scoreserve.telemetry")
    return Reading(
        figures["requests_per_second"],
        resident_mib([front]),
        resident_mib(telemetry),
        min(1.0, (_dropped(server) - before) / figures["requests"]),
    )


def _processes(server: Running, command: str, *, children: bool = False) -> list[int]:
    """The server's processes whose command line has this in it; only children of others of them."""
    found = []
    for pid in marked(server.mark):
        folder = Path("/proc", str(pid))
        if command in folder.joinpath("cmdline").read_text(encoding="utf-8"):
            found.append(pid)
    if not children:
        return found
    return [pid for pid in found if _parent(pid) in found]


def _parent(pid: int) -> int:
    stat = Path("/proc", str(pid), "stat").read_text(encoding="utf-8")
    return int(stat.rpartition(")")[2].split()[1])


def _dropped(server: Running) -> float:
    """How many records have not been sent until now."""
    status, page = request(server.port, "GET", "/metrics")
    if status != 200:
        raise BenchmarkError(f"/metrics answers {status}")
    lines = [line for line in page.decode().splitlines() if "telemetry_dropped_total{" in line]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def variants(endpoint: str) -> list[Server]:
    """scoreserve without telemetry, and with all of it."""
    ours = known_servers()[OURS]
    on = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_METRIC_EXPORT_INTERVAL": str(INTERVAL_MS),
    }
    return [
        replace(ours, name=OFF, variables=no_variables),
        replace(ours, name=ON, variables=lambda launch: on),
    ]


def measure(rounds: int, seconds: int) -> int:
    """Measure, and print the table."""
    find_wrk()
    cpus = divide_cpus(available_cpus(), 1)
    readings: dict[str, list[Reading]] = {OFF: [], ON: []}
    with (
        tempfile.TemporaryDirectory(prefix="scoreserve-bench-") as directory,
        pinned(cpus.load),
        sink() as endpoint,
    ):
        servers = variants(endpoint)
        servers[0].require()
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
            for name, reading in _round(servers, cpus, Path(directory), seconds):
                readings[name].append(reading)
    print("\n".join(_report(readings)))
    print(f"machine: {machine.describe()}")
    return 0


def _round(
    servers: list[Server], cpus: Cpus, directory: Path, seconds: int
) -> Iterator[tuple[str, Reading]]:
    """Both at once, in turn."""
    off, on = servers
    with (
        running(off, launch_of(noop()), cpus.servers, directory / "off.log") as first,
        running(on, launch_of(noop()), cpus.servers, directory / "on.log") as second,
    ):
        for server in (first, second):
            ask(server)
            closed_load(server, CONNECTIONS, WARM_UP_SECONDS)
        for server in (first, second):
            yield server.server.name, read(server, seconds)


def _report(readings: dict[str, list[Reading]]) -> list[str]:
    rates = {name: [each.requests_per_second for each in of] for name, of in readings.items()}
    columns = ["", "requests/s", "front, MiB", "telemetry process, MiB", "requests not sent"]
    rows = [
        [
            name,
            spread(rates[name]),
            spread([each.front_mib for each in of]),
            spread([each.telemetry_mib for each in of]),
            spread([100 * each.dropped for each in of], " %"),
        ]
        for name, of in readings.items()
    ]
    return [
        *table(columns, rows),
        f"requests/s, {ON} : {OFF} = {spread(ratios(rates[ON], rates[OFF]))}",
    ]


def main() -> int:
    """Run it; the exit status is 0 only when every reply was right."""
    parser = argparse.ArgumentParser(prog="telemetry", description="What OpenTelemetry takes.")
    parser.add_argument("--rounds", type=positive, default=5, help="default: 5")
    parser.add_argument("--seconds", type=positive, default=3, help="per reading; default: 3")
    options = parser.parse_args()
    return program.run(lambda: measure(options.rounds, options.seconds))


if __name__ == "__main__":
    sys.exit(main())
