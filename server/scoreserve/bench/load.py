"""One reading: so many connections post samples for so long, each waits for its answer.

The load comes from a process of its own (client.py): what makes it must not share a Python
interpreter with what watches it.
"""

from __future__ import annotations

import json
import resource
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scoreserve.bench.failure import BenchmarkError
from scoreserve.module_command import module_command

REPLY_SECONDS = 30.0  # after the time is up, for the first answer where there is none yet
_GRACE_SECONDS = 30.0  # for the load generator itself to end then


@dataclass(frozen=True)
class Sample:
    """The body of a request, and its content type."""

    file: Path
    content_type: str


@dataclass(frozen=True)
class Figures:
    """What one reading found. `errors` are answers that are no 2xx, and that never came, by what
    they are; `busy` is the share of one CPU that the load generator took, up to 1.
    """

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: Mapping[str, int]
    busy: float

    @property
    def requests_per_second(self) -> float:
        return self.requests / self.seconds if self.seconds else 0.0

    @property
    def failed(self) -> int:
        """How many requests had no good answer."""
        return sum(self.errors.values())


def load(url: str, samples: Sequence[Sample], connections: int, seconds: int) -> Figures:
    """Posts the samples in turn. Raises BenchmarkError when the load generator fails."""
    told = {
        "url": url,
        "samples": [[str(sample.file.absolute()), sample.content_type] for sample in samples],
        "connections": connections,
        "seconds": seconds,
        "reply_seconds": REPLY_SECONDS,
    }
    limit = seconds + REPLY_SECONDS + _GRACE_SECONDS
    before = _cpu_seconds_of_children()
    try:
        finished = subprocess.run(
            module_command("scoreserve.bench.client"),
            input=json.dumps(told),
            capture_output=True,
            text=True,
            timeout=limit,
            check=True,
        )
        found: dict[str, Any] = json.loads(finished.stdout)
    except subprocess.CalledProcessError as error:
        raise BenchmarkError(f"the load generator failed: {error.stderr.strip()}") from error
    except subprocess.TimeoutExpired as error:
        raise BenchmarkError(f"the load generator did not end within {limit:.0f} s") from error
    busy = (_cpu_seconds_of_children() - before) / seconds
    return Figures(**found, busy=min(1.0, busy))


def _cpu_seconds_of_children() -> float:
    """Of those that have ended: a server that runs meanwhile does not count."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
