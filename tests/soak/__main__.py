"""Runs a soak and says what came of it. Ends with 1 when something should not have happened."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests import servers
from tests.scrapes import Page
from tests.servers import Server, wait_until
from tests.soak.clients import Clients
from tests.soak.faults import Faults
from tests.soak.ledger import Ledger
from tests.soak.watch import MEBIBYTE, Watch

SCRIPT = Path(__file__).with_name("score.py")
WORKERS = 3
# After warm-up: what allocators keep may vary by so much. A worker is at one large result or none.
MOST_FRONT_GROWTH_BYTES, MOST_WORKER_GROWTH_BYTES = 12 * MEBIBYTE, 32 * MEBIBYTE
SPARE_DESCRIPTORS = 5  # that the front may have more in the end
QUEUE_BYTES = 10 << 20  # too few for all large bodies of a storm, see honest.py
MOST_BODY_BYTES = 8 << 20
SHOWN = 20


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--batch", type=int, default=1, help="SCORESERVE_MAX_BATCH_SIZE")
    parser.add_argument("--asgi-path", action="store_true")
    parser.add_argument(
        "--queue-bytes", type=int, default=QUEUE_BYTES, help="SCORESERVE_MAX_QUEUE_BYTES"
    )
    options = parser.parse_args()
    env = {
        "WORKER_COUNT": str(WORKERS),
        "SCORING_TIMEOUT_MS": "4000",  # no other run() takes so long, even on a busy machine
        "SCORESERVE_QUEUE_TIMEOUT_MS": "60000",
        "SCORESERVE_MAX_BATCH_SIZE": str(options.batch),
        "SCORESERVE_FAST_PATH": str(not options.asgi_path),
        "SCORESERVE_MAX_BODY_BYTES": str(MOST_BODY_BYTES),
        "SCORESERVE_MAX_QUEUE_BYTES": str(options.queue_bytes),
    }
    directory = Path(tempfile.mkdtemp(prefix="soak-"))
    with servers.serve(SCRIPT.read_text(encoding="utf-8"), directory, env=env) as server:
        problems = soak(server, options.seconds, options.batch)
        server.signal(signal.SIGTERM)
        if (code := server.wait_exit()) != 0:
            problems.append(f"the server ended with {code}")
    for problem in problems[:SHOWN]:
        print(f"  {problem}")
    if problems:
        sys.exit(f"{len(problems)} problem(s). The server's log is in {directory}")
    shutil.rmtree(directory)
    print("All is well.")


def soak(server: Server, seconds: float, batch: int) -> list[str]:
    """Puts the server under load for so long; returns what should not have happened."""
    ledger, faults = Ledger(), Faults(server)
    clients = Clients(server, ledger)
    watch = Watch(server)
    before = watch.descriptors()
    clients.start()
    faults.start()
    _watch_until(watch, time.monotonic() + seconds * 2 / 3)
    faults.end()
    clients.calm_down()
    _settle(server)
    ledger.calm = True
    stormy = ledger.ends.copy()
    _watch_until(watch, time.monotonic() + seconds / 3)
    stopped = clients.stop()
    _report(ledger, faults, watch)
    problems = ledger.wrong
    if not stopped:
        problems.append("a client still waits for its answer")
    elif ledger.ended != ledger.requests:
        problems.append(f"{ledger.requests} requests were made and {ledger.ended} have an end")
    deaths = deaths_of(server)
    if ledger.killed > deaths * batch:
        problems.append(f"{ledger.killed} requests were lost to {deaths:.0f} deaths of workers")
    if not (ledger.ends - stormy)["half_close", "200"]:
        problems.append("no half-closed client was answered in the calm")
    for what, growth, most in (
        ("front", watch.front_growth(), MOST_FRONT_GROWTH_BYTES),
        ("workers", watch.worker_growth(), MOST_WORKER_GROWTH_BYTES),
    ):
        if growth > most:
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
    def held() -> list[str]:
        page = _metrics(server)
        return [name for name in ("queue_jobs", "queue_bytes", "jobs_in_hand") if page.value(name)]

    try:
        wait_until(lambda: not held(), "nothing waits for a worker, nor is held by one")
        wait_until(
            lambda: watch.descriptors() <= before + SPARE_DESCRIPTORS, "the descriptors are back"
        )
        wait_until(
            lambda: len(server.processes()) == WORKERS + 2, "only its own processes are left"
        )
    except AssertionError as error:
        return [str(error)]
    return []


def deaths_of(server: Server) -> float:
    """Deaths of workers, as /metrics counts them."""
    page, name = _metrics(server), "worker_deaths_total"
    return sum(page.value(name, **labels) or 0 for labels in page.series(name))


def _metrics(server: Server) -> Page:
    return Page.parse(server.get("/metrics").body)


def _report(ledger: Ledger, faults: Faults, watch: Watch) -> None:
    print(f"{ledger.requests} requests, by kind of client and how they ended:")
    ends: dict[str, Counter[str]] = {}
    for (kind, end), count in sorted(ledger.ends.items()):
        ends.setdefault(kind, Counter())[end] = count
    for kind, counted in ends.items():
        print(f"  {kind:12}", ", ".join(f"{end}: {count}" for end, count in counted.items()))
    done = ", ".join(f"{name}: {count}" for name, count in sorted(faults.counts.items()))
    print(f"faults: {done}; {ledger.killed} other requests were lost to dying workers")
    print(f"slowest probe: {ledger.slowest_probe * 1000:.0f} ms")
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
