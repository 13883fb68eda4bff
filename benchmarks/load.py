"""The closed load: one wrk run against one server. Each connection waits for its reply."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.processes import Running
from scoreserve.bench.failure import BenchmarkError
from scoreserve.bench.processes import tail

POST_SCRIPT = Path(__file__).resolve().parent / "post.lua"
REPLY_SECONDS = 10  # a reply that takes longer is counted as a timeout
GRACE_SECONDS = 30.0  # for wrk itself to end after its time is up

Figures = dict[str, float]  # what one reading found, by name; times in milliseconds


def find_wrk() -> str:
    """The path of wrk; raises BenchmarkError when it is not installed."""
    found = shutil.which("wrk")
    if found is None:
        raise BenchmarkError("wrk, the load generator, is missing: apt-get install wrk")
    return found


def closed_load(server: Running, connections: int, seconds: int) -> Figures:
    """Post the scenario's request; raises BenchmarkError unless every reply was a 2xx."""
    post = server.post
    with tempfile.NamedTemporaryFile(prefix="scoreserve-bench-") as body:
        body.write(post.body)
        body.flush()
        output = _run(
            [
                *(find_wrk(), "--threads", "1", "--connections", str(connections)),
                *("--duration", f"{seconds}s", "--timeout", f"{REPLY_SECONDS}s"),
                *("--script", str(POST_SCRIPT), server.url, "--", body.name, post.content_type),
            ],
            timeout_seconds=seconds + GRACE_SECONDS,
        )
    totals = _totals(output)
    _refuse_failures(server, totals)
    elapsed = totals["duration_us"] / 1e6
    return {
        "requests": totals["requests"],
        "seconds": elapsed,
        "requests_per_second": totals["requests"] / elapsed,
        "p50_ms": totals["p50_us"] / 1e3,
        "p99_ms": totals["p99_us"] / 1e3,
    }


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
    counted = ", ".join(f"{name} {count}" for name, count in failures.items() if count)
    raise BenchmarkError(
        f"{server.server.name}: of {totals['requests']} replies not all were good "
        f"({counted or 'none came'})\n{tail(server.log)}"
    )
