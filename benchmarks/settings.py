"""What one run of quick.py compares and for how long, from its command line."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from scenarios import SCENARIOS
from servers import known_servers

DESCRIPTION = "Compare scoreserve, the reference and the floor in interleaved rounds."


@dataclass(frozen=True)
class Settings:
    """`seconds` is the length of one reading, `cpus` how many CPUs the servers may use."""

    scenarios: list[str]
    servers: list[str]
    connections: int
    seconds: int
    rounds: int
    workers: int
    cpus: int
    json_file: Path | None


def parse_arguments(arguments: list[str] | None = None) -> Settings:
    """Settings from the command line; exits with 2 when it makes no sense."""
    parser = argparse.ArgumentParser(description=DESCRIPTION)
    several = "may be given more than once; default: all"
    parser.add_argument("--scenario", action="append", choices=list(SCENARIOS), help=several)
    parser.add_argument("--server", action="append", choices=list(known_servers()), help=several)
    parser.add_argument("--connections", type=_positive, default=64, help="default: 64")
    parser.add_argument("--seconds", type=_positive, default=3, help="per reading; default: 3")
    parser.add_argument("--rounds", type=_positive, default=3, help="default: 3")
    parser.add_argument("--workers", type=_positive, default=1, help="per server; default: 1")
    parser.add_argument("--cpus", type=_positive, default=1, help="for the servers; default: 1")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the raw rounds there")
    options = parser.parse_args(arguments)
    return Settings(
        scenarios=_in_order(options.scenario, list(SCENARIOS)),
        servers=_in_order(options.server, list(known_servers())),
        connections=options.connections,
        seconds=options.seconds,
        rounds=options.rounds,
        workers=options.workers,
        cpus=options.cpus,
        json_file=options.json,
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _in_order(chosen: list[str] | None, known: list[str]) -> list[str]:
    """The chosen names once each in the order of `known`; all of them when none was chosen."""
    return [name for name in known if chosen is None or name in chosen]
