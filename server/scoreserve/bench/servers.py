"""One server around the script: started with settings to try, asked, and stopped.

Ours is started as `scoreserve serve` would be. Another one is started by a command of the user's,
in which `{port}`, `{script}`, `{model_dir}` and `{workers}` stand for what they say; a command that
says nothing of a port is taken for the reference's `azmlinfsrv`, and gets its flags.
"""

from __future__ import annotations

import json
import os
import shlex
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scoreserve.bench.choice import Choice
from scoreserve.bench.failure import BenchmarkError
from scoreserve.bench.load import Figures, Sample, load
from scoreserve.bench.processes import (
    LOOPBACK,
    Started,
    free_ports,
    marked,
    proportional_mib,
    request,
    started,
    tail,
)
from scoreserve.module_command import module_command

SCORE = "/score"
_READY_SECONDS = 300.0  # as WORKER_TIMEOUT: a large model takes its time
_SHOWN_BYTES = 300  # of an answer that is none
# A key that clients need would be needed here too, and measures nothing.
_WITHOUT = ("SCORESERVE_API_KEYS", "SCORESERVE_API_KEYS_FILE")
_REFERENCE_FLAGS = (
    " --entry_script {script} --model_dir {model_dir} --port {port} --worker_count {workers}"
)


@dataclass(frozen=True)
class Subject:
    """What is served: the script, its model, and the flags of `scoreserve serve` that name them and
    what else stays the same. Where there is only a model, `script` is its file.
    """

    script: Path
    model_dir: Path | None
    flags: Sequence[str]
    has_script: bool = True


@dataclass(frozen=True)
class Rival:
    """Another server, with so many workers; 0: as its command has it."""

    template: str
    workers: int

    def __str__(self) -> str:
        program = os.path.basename(shlex.split(self.template)[0])
        return program if not self.workers else f"{program}, {_counted(self.workers)}"

    def command(self, subject: Subject, port: int) -> list[str]:
        """Its command line. Raises BenchmarkError for a template that cannot be one."""
        template = self.template
        if "{port}" not in template:
            template += _REFERENCE_FLAGS
        words = {
            "port": port,
            "script": subject.script,
            "model_dir": subject.model_dir or subject.script.parent,
            "workers": self.workers or 1,
        }
        try:
            return [part.format(**words) for part in shlex.split(template)]
        except (ValueError, LookupError) as error:
            raise BenchmarkError(f"the command cannot be used: {error!r}: {template}") from None


Candidate = Choice | Rival


def rivals(template: str, counts: Sequence[int]) -> list[Rival]:
    """One for each number of workers, if the command can be told of it."""
    if "{workers}" in template or "{port}" not in template:
        return [Rival(template, count) for count in counts]
    return [Rival(template, 0)]


class Running:
    """A server that answers. `start_seconds`: from its start to the first good answer."""

    def __init__(
        self, process: Started, port: int, samples: Sequence[Sample], start_seconds: float
    ) -> None:
        self.start_seconds = start_seconds
        self._process = process
        self._port = port
        self._samples = samples

    def answers(self) -> list[object]:
        """The answer to each sample: decoded, where it is JSON. Raises BenchmarkError for one that
        is no 2xx.
        """
        return [self._answer(sample) for sample in self._samples]

    def _answer(self, sample: Sample) -> object:
        status, body = ask(self._port, sample)
        if not 200 <= status < 300:
            shown = body[:_SHOWN_BYTES].decode("utf-8", "replace").strip()
            log = f"\n{tail(self._process.log)}" if status >= 500 else ""
            raise BenchmarkError(f"{sample.file} is answered {status}: {shown}{log}")
        try:
            return json.loads(body)
        except ValueError:
            return body

    def load(self, connections: int, seconds: int) -> Figures:
        """A reading with the samples in turn. Raises BenchmarkError."""
        url = f"http://{LOOPBACK}:{self._port}{SCORE}"
        return load(url, self._samples, connections, seconds)

    def memory_mib(self) -> float | None:
        """Memory of all its processes, shared pages divided among them; None: not known here."""
        return proportional_mib(marked(self._process.mark)) or None

    def batching(self) -> Mapping[str, Any]:
        """What ours says of batching, see /health/ready."""
        try:
            _, body = request(self._port, "GET", "/health/ready")
            found: Mapping[str, Any] = json.loads(body)["batching"] or {}
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise BenchmarkError(
                f"no word of batching: {error!r}\n{tail(self._process.log)}"
            ) from None
        return found


@contextmanager
def running(candidate: Candidate, subject: Subject, samples: Sequence[Sample]) -> Iterator[Running]:
    """Starts the server, waits until it answers, and stops all of it at the end.

    Raises BenchmarkError when it does not start, or not in time.
    """
    (port,) = free_ports(1)
    command = (
        _ours(candidate, subject, port)
        if isinstance(candidate, Choice)
        else candidate.command(subject, port)
    )
    environ = {name: value for name, value in os.environ.items() if name not in _WITHOUT}
    begun = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="scoreserve-bench-") as folder,
        started(str(candidate), command, environ, Path.cwd(), Path(folder) / "log") as process,
    ):
        process.wait_ready(lambda: _is_ready(candidate, port, samples[0]), _READY_SECONDS)
        yield Running(process, port, samples, time.monotonic() - begun)


def ask(port: int, sample: Sample) -> tuple[int, bytes]:
    """Status and body of the answer to a sample. Raises BenchmarkError when there is none."""
    try:
        return request(port, "POST", SCORE, sample.file.read_bytes(), sample.content_type)
    except OSError as error:
        raise BenchmarkError(f"{sample.file} is not answered: {error}") from error


def _ours(choice: Choice, subject: Subject, port: int) -> list[str]:
    """The command line of our server."""
    return [
        *(*module_command("scoreserve"), "serve", *subject.flags),
        *("--host", LOOPBACK, "--port", str(port)),
        *("--workers", str(choice.workers), "--max-batch-size", str(choice.batch_size)),
    ]


def _is_ready(candidate: Candidate, port: int, sample: Sample) -> bool:
    """Ours says so at `/`. Of another it is known when it scores, or refuses the sample."""
    try:
        if isinstance(candidate, Choice):
            return request(port, "GET", "/")[0] == 200
        status, _ = ask(port, sample)
    except (OSError, BenchmarkError):
        return False
    return status not in (502, 503)


def _counted(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"
