"""The load: one wrk run against one server gives one Reading."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from failure import BenchmarkError
from processes import Running, pinned, tail

POST_SCRIPT = Path(__file__).resolve().parent / "post.lua"
REPLY_SECONDS = 10  # a reply that takes longer is counted as a timeout
GRACE_SECONDS = 30.0  # for wrk itself to end after its time is up


@dataclass(frozen=True)
class Load:
    """What wrk does: `connections` at once from one thread for `seconds`, on `cpus`."""

    connections: int
    seconds: int
    cpus: list[int]


@dataclass(frozen=True)
class Reading:
    """What one wrk run saw; latencies in milliseconds."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def requests_per_second(self) -> float:
        """Replies per second of wall-clock time."""
        return self.requests / self.seconds

    def as_dict(self) -> dict[str, float]:
        """All figures by name, for the raw rounds."""
        return {**asdict(self), "requests_per_second": self.requests_per_second}


def find_wrk() -> str:
    """The path of wrk; raises BenchmarkError when it is not installed."""
    found = shutil.which("wrk")
    if found is None:
        raise BenchmarkError("wrk, the load generator, is missing: apt-get install wrk")
    return found


def measure(wrk: str, server: Running, body: Path, load: Load) -> Reading:
    """Post `body` for the time of `load`; raises BenchmarkError unless every reply was a 2xx."""
    command = [
        *(wrk, "--threads", "1", "--connections", str(load.connections)),
        *("--duration", f"{load.seconds}s", "--timeout", f"{REPLY_SECONDS}s"),
        *("--script", str(POST_SCRIPT), server.url, "--", str(body)),
    ]
    with pinned(load.cpus):
        output = _run(command, timeout_seconds=load.seconds + GRACE_SECONDS)
    totals = _totals(output)
    _refuse_failures(server, totals)
    return Reading(
        requests=totals["requests"],
        seconds=totals["duration_us"] / 1e6,
        p50_ms=totals["p50_us"] / 1e3,
        p99_ms=totals["p99_us"] / 1e3,
    )


def _run(command: list[str], timeout_seconds: float) -> str:
    """What wrk printed; raises BenchmarkError when it failed or did not end in time."""
    try:
        finished = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_seconds, check=True
        )
    except subprocess.CalledProcessError as error:
        raise BenchmarkError(f"wrk failed: {error.stderr.strip() or error.stdout}") from error
    except subprocess.TimeoutExpired as error:
        raise BenchmarkError(f"wrk did not end within {timeout_seconds:.0f} s") from error
    return finished.stdout


def _totals(output: str) -> dict[str, int]:
    """The line of JSON that post.lua ends with."""
    last_line = output.rstrip().rpartition("\n")[2]
    try:
        totals: dict[str, int] = json.loads(last_line)
    except ValueError as error:
        raise BenchmarkError(f"cannot read wrk's output:\n{output}") from error
    return totals


def _refuse_failures(server: Running, totals: dict[str, int]) -> None:
    """Raise BenchmarkError if anything but 2xx came back: a refusal is faster than an answer."""
    failures = {name: totals[name] for name in ("not_2xx", "timeouts", "socket_errors")}
    if totals["requests"] and not any(failures.values()):
        return
    counted = ", ".join(f"{name} {count}" for name, count in failures.items())
    name = server.server.name
    raise BenchmarkError(
        f"{name}: of {totals['requests']} replies not all were good ({counted})\n{tail(server.log)}"
    )
