"""Runs a soak and says what came of it. Ends with 1 when something should not have happened."""

from __future__ import annotations

import argparse
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests import servers
from tests.servers import Server, wait_until
from tests.soak.clients import Clients
from tests.soak.faults import Faults
from tests.soak.ledger import Ledger
from tests.soak.watch import MEBIBYTE, Watch

SCRIPT = Path(__file__).with_name("score.py")
WORKERS = 3
MOST_GROWTH_BYTES = 12 * MEBIBYTE  # after warm-up: what allocators keep may vary by so much
SPARE_DESCRIPTORS = 5  # that the front may have more in the end
SHOWN = 20


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--batch", type=int, default=1, help="SCORESERVE_MAX_BATCH_SIZE")
    parser.add_argument("--asgi-path", action="store_true")
    options = parser.parse_args()
    env = {
        "WORKER_COUNT": str(WORKERS),
        "SCORING_TIMEOUT_MS": "2000",
        "SCORESERVE_QUEUE_TIMEOUT_MS": "60000",
        "SCORESERVE_MAX_BATCH_SIZE": str(options.batch),
        "SCORESERVE_FAST_PATH": str(not options.asgi_path),
    }
    with tempfile.TemporaryDirectory() as directory:
        script = SCRIPT.read_text(encoding="utf-8")
        with servers.serve(script, Path(directory), env=env) as server:
            problems = soak(server, options.seconds, options.batch)
            server.signal(signal.SIGTERM)
            if (code := server.wait_exit()) != 0:
                problems.append(f"the server ended with {code}")
    for problem in problems[:SHOWN]:
        print(f"  {problem}")
    print(f"{len(problems)} problem(s)" if problems else "All is well.")
    sys.exit(bool(problems))


def soak(server: Server, seconds: float, batch: int) -> list[str]:
    """Puts the server under load for so long; returns what should not have happened."""
    ledger, faults = Ledger(), Faults(server)
    clients = Clients(server.port, ledger)
    watch = Watch(server)
    before = watch.descriptors()
    clients.start()
    faults.start()
    _watch_until(watch, time.monotonic() + seconds * 2 / 3)
    faults.end()
    clients.calm_down()
    _settle(server)
    ledger.calm = True
    _watch_until(watch, time.monotonic() + seconds / 3)
    stopped = clients.stop()
    _report(ledger, faults, clients, watch)
    problems = ledger.wrong
    if not stopped:
        problems.append("a client still waits for its answer")
    elif ledger.ended != ledger.requests:
        problems.append(f"{ledger.requests} requests were made and {ledger.ended} have an end")
    deaths = deaths_of(server)
    if ledger.killed > deaths * batch:
        problems.append(f"{ledger.killed} requests were lost to {deaths} deaths of workers")
    for what, growth in (("front", watch.front_growth()), ("workers", watch.worker_growth())):
        if growth > MOST_GROWTH_BYTES:
            problems.append(f"the memory of the {what} grew by {growth / MEBIBYTE:.1f} MiB")
    problems += _leaks(server, watch, before)
    return problems


def _watch_until(watch: Watch, deadline: float) -> None:
    while time.monotonic() < deadline:
        watch.look()
        time.sleep(1)


def _settle(server: Server) -> None:
    """Waits until what the faults began has ended: all workers are there, and none is reloaded."""

    def settled() -> bool:
        health = server.get("/health/ready").json()
        return health["workers"]["starting"] + health["workers"]["stopping"] == 0 and (
            len(server.workers()) == WORKERS
        )

    def settled_for_good() -> bool:
        return settled() and not time.sleep(5) and settled()  # type: ignore[func-returns-value]

    wait_until(settled_for_good, "all workers are back", seconds=120)


def _leaks(server: Server, watch: Watch, before: int) -> list[str]:
    try:
        wait_until(
            lambda: watch.descriptors() <= before + SPARE_DESCRIPTORS, "the descriptors are back"
        )
        wait_until(
            lambda: len(server.processes()) == WORKERS + 2, "only its own processes are left"
        )
    except AssertionError as error:
        return [str(error)]
    return []


def deaths_of(server: Server) -> int:
    """Deaths of workers, as /metrics counts them."""
    page = server.get("/metrics").body.decode()
    counts = re.findall(r"^scoreserve_worker_deaths_total\{.*\} ([\d.]+)$", page, re.MULTILINE)
    return sum(int(float(count)) for count in counts)


def _report(ledger: Ledger, faults: Faults, clients: Clients, watch: Watch) -> None:
    print(f"{ledger.requests} requests, by kind of client and how they ended:")
    ends: dict[str, Counter[str]] = {}
    for (kind, end), count in sorted(ledger.ends.items()):
        ends.setdefault(kind, Counter())[end] = count
    for kind, counted in ends.items():
        print(f"  {kind:12}", ", ".join(f"{end}: {count}" for end, count in counted.items()))
    done = ", ".join(f"{name}: {count}" for name, count in sorted(faults.counts.items()))
    print(f"faults: {done}; {ledger.killed} other requests were lost to dying workers")
    print(f"slowest probe: {clients.slowest_probe * 1000:.0f} ms")
    print("seconds  front MiB  largest worker MiB  descriptors of the front")
    for sample in watch.samples[:: max(1, len(watch.samples) // 10)]:
        print(
            f"{sample.seconds:7.0f}  {sample.front_bytes / MEBIBYTE:9.1f}"
            f"  {sample.worker_bytes / MEBIBYTE:18.1f}  {sample.front_descriptors:12}"
        )
    grown = [growth / MEBIBYTE for growth in (watch.front_growth(), watch.worker_growth())]
    print("grown, after warm-up: front {:+.1f} MiB, workers {:+.1f} MiB".format(*grown))


if __name__ == "__main__":
    main()
