"""The command lines of quick.py and full.py."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.plan import Plan
from benchmarks.scenarios import SCENARIOS
from benchmarks.servers import ROOT, known_servers

QUICK_SCENARIOS = ["noop", "digits"]
QUICK_SERVERS = ["scoreserve", "reference", "floor"]
CONNECTIONS = [1, 4, 16, 64, 256]
RATES = [250, 500, 1000, 2000, 4000]
WORKER_COUNTS = [1, 2, 4]
RESULTS = ROOT / ".bench" / "results"


@dataclass(frozen=True)
class Settings:
    """`cpus` is how many CPUs the servers may use, `minutes` how long readings may begin."""

    plan: Plan
    cpus: int
    json_file: Path | None = None
    out: Path = RESULTS
    minutes: float = float("inf")


def quick_settings(arguments: list[str] | None = None) -> Settings:
    """Of quick.py; exits with 2 when they make no sense."""
    parser = argparse.ArgumentParser(
        prog="quick", description="Compare scoreserve, the reference and the floor, interleaved."
    )
    _add_common(parser, QUICK_SCENARIOS, QUICK_SERVERS, [64])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the raw rounds there")
    options = parser.parse_args(arguments)
    return Settings(plan=_plan(options), cpus=options.cpus, json_file=options.json)


def full_settings(arguments: list[str] | None = None) -> Settings:
    """Of full.py; exits with 2 when they make no sense."""
    parser = argparse.ArgumentParser(
        prog="full",
        description="Measure all scenarios on all servers. A rerun goes on where the last ended.",
    )
    everybody = [server.name for server in known_servers().values() if not server.asked_for]
    _add_common(parser, list(SCENARIOS), everybody, CONNECTIONS)
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="directory of the journal and the results"
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=float("inf"),
        help="begin no reading after so many; run again to go on",
    )
    options = parser.parse_args(arguments)
    return Settings(
        plan=_plan(options), cpus=options.cpus, out=options.out, minutes=options.minutes
    )


def _add_common(
    parser: argparse.ArgumentParser,
    scenarios: list[str],
    servers: list[str],
    connections: list[int],
) -> None:
    def several(name: str, kind: Callable[[str], object], default: list[object], text: str) -> None:
        shown = " ".join(map(str, default))
        parser.add_argument(
            name, nargs="+", type=kind, default=default, help=f"{text}; default: {shown}"
        )

    several("--scenario", _one_of(list(SCENARIOS)), list(scenarios), "what to measure")
    several("--server", _one_of(list(known_servers())), list(servers), "whom to measure")
    several("--connections", positive, list(connections), "at once, for a closed load")
    several("--rate", positive, list(RATES), "requests a second, for an open load")
    parser.add_argument("--seconds", type=positive, default=3, help="per reading; default: 3")
    parser.add_argument("--rounds", type=positive, default=3, help="default: 3")
    parser.add_argument("--workers", type=positive, default=1, help="per server; default: 1")
    parser.add_argument("--cpus", type=positive, default=1, help="for the servers; default: 1")


def _plan(options: argparse.Namespace) -> Plan:
    return Plan(
        scenarios=_in_order(options.scenario, list(SCENARIOS)),
        servers=_in_order(options.server, list(known_servers())),
        connections=sorted(set(options.connections)),
        rates=sorted(set(options.rate)),
        worker_counts=WORKER_COUNTS,
        rounds=options.rounds,
        seconds=options.seconds,
        workers=options.workers,
    )


def positive(text: str) -> int:
    """A number from 1, as argparse wants its types."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _one_of(known: list[str]) -> Callable[[str], str]:
    """A type that accepts these names; unlike `choices` its help stays short."""

    def name(text: str) -> str:
        if text not in known:
            raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(known)}")
        return text

    return name


def _in_order(chosen: list[str], known: list[str]) -> list[str]:
    """The chosen names once each, in the order of `known`."""
    return [name for name in known if name in chosen]
