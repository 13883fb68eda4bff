"""One scenario, measured: all servers started, checked, warmed up, then read in turn."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from failure import BenchmarkError
from load import Load, Reading, find_wrk, measure
from processes import Running, free_port, request, running, tail, wait_idle
from scenarios import Scenario
from servers import Launch, Server
from settings import Settings

WARM_UP_SECONDS = 1  # per server, not counted
PAUSE_SECONDS = 0.2  # after each load, for the server to drop what wrk left behind

Round = dict[str, Reading]  # one reading of every server, by its name, taken in turn


@dataclass(frozen=True)
class Cpus:
    """Who runs where, by CPU number."""

    servers: list[int]
    load: list[int]


def divide_cpus(available: list[int], for_servers: int) -> Cpus:
    """The last CPUs to the servers, the others to wrk; shared when none is left over."""
    servers = available[-for_servers:]
    load = [cpu for cpu in available if cpu not in servers]
    return Cpus(servers=servers, load=load or available)


def available_cpus() -> list[int]:
    """The numbers of the CPUs that this process may use."""
    return sorted(os.sched_getaffinity(0))


def run_scenario(
    settings: Settings, scenario: Scenario, servers: list[Server], cpus: Cpus
) -> list[Round]:
    """Measure `scenario` on all servers; they are stopped when this returns or raises."""
    wrk = find_wrk()
    with ExitStack() as stack:
        directory = tempfile.TemporaryDirectory(prefix="scoreserve-bench-")
        scratch = Path(stack.enter_context(directory))
        body = scratch / "body.json"
        body.write_bytes(scenario.body)

        started = []
        for server in servers:
            progress(f"{scenario.name}: starting {server.name}")
            launch = Launch(
                scenario.entry_script, scenario.model_dir, free_port(), settings.workers
            )
            log = scratch / f"{server.name}.log"
            started.append(stack.enter_context(running(server, launch, cpus.servers, log)))
        check_replies(started, scenario)

        warm_up = Load(settings.connections, WARM_UP_SECONDS, cpus.load)
        take_round(wrk, started, body, warm_up)

        load = Load(settings.connections, settings.seconds, cpus.load)
        rounds = []
        for number in range(1, settings.rounds + 1):
            progress(f"{scenario.name}: round {number} of {settings.rounds}")
            rounds.append(take_round(wrk, started, body, load))
        return rounds


def check_replies(started: list[Running], scenario: Scenario) -> None:
    """Raise BenchmarkError unless all servers answer 200 and the same JSON."""
    replies = {each.server.name: _reply(each, scenario) for each in started}
    first, *others = replies.values()
    if any(other != first for other in others):
        raise BenchmarkError(f"the servers disagree on {scenario.name}: {replies}")


def _reply(server: Running, scenario: Scenario) -> object:
    """The decoded reply to the scenario's request; raises BenchmarkError unless it is a 200."""
    name = server.server.name
    try:
        status, body = request(server.port, "POST", "/score", scenario.body)
        if status == 200:
            reply: object = json.loads(body)
            return reply
    except (OSError, ValueError) as error:
        raise BenchmarkError(f"{name} gives no reply: {error}\n{tail(server.log)}") from error
    raise BenchmarkError(f"{name} answers {status}: {body[:200]!r}\n{tail(server.log)}")


def take_round(wrk: str, started: list[Running], body: Path, load: Load) -> Round:
    """One reading of each server; each is idle again before the next one's turn."""
    readings = {}
    for each in started:
        readings[each.server.name] = measure(wrk, each, body, load)
        time.sleep(PAUSE_SECONDS)
        wait_idle(each)
    return readings


def progress(text: str) -> None:
    """Tell a person at the terminal what is going on, apart from the figures."""
    print(text, file=sys.stderr, flush=True)
