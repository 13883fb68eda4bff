"""A whole job: mini-batches to an engine, results to the ledger, and the output file in the end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TextIO

from scoreserve.batch import inputs, outputs
from scoreserve.batch.inputs import InputFile
from scoreserve.batch.ledger import FOLDER, Ledger
from scoreserve.batch.progress import Meter, Pace, Reporter, line
from scoreserve.batch.scorer import LOGS
from scoreserve.batch.sizes import Size
from scoreserve.batch.tally import NO_THRESHOLDS, Tally, Thresholds
from scoreserve.batch.work import Done, MiniBatch, UnusableInput, Work

ERRORS = "errors.txt"
_LONGEST_ERROR = 200  # characters on the terminal


class Engine(Protocol):
    """What scores: see `pool` and `ray_engine`."""

    def results(self, batches: Iterator[MiniBatch]) -> Generator[Done, None, None]: ...


class Screen(NamedTuple):
    """What is seen of a job: `say` shows a line for a while, `tell` one that stays."""

    say: Callable[[str], None]
    tell: Callable[[str], None]
    is_terminal: bool


@dataclass(frozen=True)
class Job:
    """What is asked for. `output_file` is a name in the output folder."""

    work: Work
    files: Sequence[InputFile]
    size: Size
    output_file: str
    thresholds: Thresholds = NO_THRESHOLDS
    ordered: bool = False
    resume: bool = False

    def __post_init__(self) -> None:
        """Raises UnusableInput where results cannot have the name."""
        taken = outputs.SUMMARY, FOLDER, LOGS
        outputs.require_file_name(self.output_file, self.work.output, taken)

    @property
    def output(self) -> Path:
        return Path(self.work.output)

    @property
    def results_path(self) -> Path:
        return self.output / self.output_file

    @property
    def is_finished(self) -> bool:
        """Whether a job has come to its end in the output folder."""
        has_summary = (self.output / outputs.SUMMARY).exists()
        return has_summary and not (self.output / FOLDER).exists()

    @property
    def fingerprint(self) -> str:
        """Of all that its mini-batches and their results depend on."""
        work = self.work
        form = work.kind.value, work.form.value, work.output_format.value, work.summary_only
        return inputs.fingerprint(self.files, form, tuple(self.size))


class Ended(NamedTuple):
    """How it ended: `problem` is "" where it did well."""

    tally: Tally
    seconds: float
    problem: str


def run(job: Job, engine: Engine, screen: Screen) -> Ended:
    """Does the job, or what is left of it. Raises UnusableInput, CannotStart, or
    OSError where results cannot be written."""
    try:
        (job.output / LOGS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnusableInput(f"--output {job.output}: it cannot be made: {error}") from None
    ledger = Ledger(job.output, job.fingerprint, resume=job.resume)
    with contextlib.closing(ledger):
        ended = _Scoring(job, ledger, screen).run(engine)
        if not ended.problem and not job.work.summary_only:
            parts = ledger.payloads(ordered=job.ordered)
            outputs.write_results(job.results_path, parts, job.work.output_format)
        outputs.write_summary(job.output, _summary(job, ended))
        if not ended.problem:
            ledger.remove()
    return ended


class _Scoring:
    """The part of a job in which mini-batches are scored."""

    def __init__(self, job: Job, ledger: Ledger, screen: Screen) -> None:
        self._job = job
        self._ledger = ledger
        self._screen = screen
        self._tally = Tally()
        ledger.forget_failures()
        for done in ledger.ended():
            self._tally.add(done)
        self._items_before = self._tally.items
        self._meter = Meter(job.files, job.work.form)

    def run(self, engine: Engine) -> Ended:
        if self._items_before:
            self._screen.tell(f"Resumed: {self._items_before} items are done already.")
        say, tell, is_terminal = self._screen
        reporter = Reporter(self._line, say if is_terminal else tell, terminal=is_terminal)
        reporter.start()
        errors_path = self._job.output / LOGS / ERRORS
        try:
            with (
                open(errors_path, "a", encoding="utf-8", errors="backslashreplace") as errors,
                contextlib.closing(engine.results(self._to_do())) as results,
            ):
                problem = self._take(results, errors)
        finally:
            reporter.end()
        appends = not self._job.work.summary_only
        problem = problem or self._tally.verdict(self._job.thresholds, appends=appends)
        return Ended(self._tally, reporter.seconds, problem)

    def _take(self, results: Iterator[Done], errors: TextIO) -> str:
        """Keeps all results. Returns which threshold is exceeded, if one is."""
        is_first_error = True
        for done in results:
            if self._ledger.has(done.number):  # scored twice, when a machine was lost
                continue
            self._ledger.add(done)
            self._tally.add(done)
            self._meter.ended(done.number)
            if done.error:
                errors.write(f"Mini batch {done.number}, {done.tries} tries:\n{done.error}\n")
                errors.flush()
                if is_first_error:
                    self._screen.tell(f"The first failure: {_last_line(done.error)}")
                is_first_error = False
            problem = self._tally.exceeded(self._job.thresholds)
            if problem:
                return problem
        return ""

    def _to_do(self) -> Iterator[MiniBatch]:
        job = self._job
        for batch in inputs.mini_batches(job.files, job.work.form, job.size):
            if self._ledger.is_done(batch.number):
                self._meter.skipped(batch)
            else:
                self._meter.began(batch)
                yield batch

    def _line(self, seconds: float) -> str:
        items = self._tally.items - self._items_before
        pace = Pace(items, seconds, self._meter.share, self._meter.skipped_share)
        return line(self._tally, pace, bar=self._screen.is_terminal)


def _summary(job: Job, ended: Ended) -> dict[str, Any]:
    """What summary.json says."""
    tally = ended.tally
    return {
        "status": "failed" if ended.problem else "completed",
        "problem": ended.problem,
        "output_file": None if job.work.summary_only else job.output_file,
        "mini_batches": tally.mini_batches,
        "failed_mini_batches": tally.failed_mini_batches,
        "items": tally.items,
        "succeeded_items": tally.succeeded_items,
        "failed_items": tally.failed_items,
        "tries": tally.tries,
        "seconds": round(ended.seconds, 3),
        "run_seconds": round(tally.run_seconds, 3),
    }


def _last_line(error: str) -> str:
    lines = error.strip().splitlines()
    return lines[-1][:_LONGEST_ERROR] if lines else ""
