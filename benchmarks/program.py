"""What the programs of this directory have in common: conditions, and how they end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from benchmarks import machine
from benchmarks.servers import COMMAND_OVERRIDES
from benchmarks.settings import Settings
from scoreserve.bench.failure import BenchmarkError

INTERRUPTED = 130  # the exit status of a program ended by Ctrl-C


def conditions(settings: Settings) -> dict[str, Any]:
    """What all readings of a journal hold for."""
    return {
        "machine": machine.describe(),
        "cpus": settings.cpus,
        "workers": settings.plan.workers,
        "seconds": settings.plan.seconds,
        "environment": passed_settings(),
    }


def passed_settings() -> dict[str, str]:
    """The SCORESERVE_* variables that reach the servers and may change the figures."""
    return {
        name: value
        for name, value in sorted(os.environ.items())
        if name.startswith("SCORESERVE_") and name not in COMMAND_OVERRIDES
    }


def run(program: Callable[[], int]) -> int:
    """The program's exit status; signals end it as Ctrl-C does, with its servers stopped."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        return program()
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted, servers stopped", file=sys.stderr)
        return INTERRUPTED


def _end(signum: int, _frame: FrameType | None) -> None:
    """An exit that stops the servers on its way out."""
    raise SystemExit(128 + signum)
