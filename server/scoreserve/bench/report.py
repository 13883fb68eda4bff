"""Tables and sentences: what was measured, and which settings follow from it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scoreserve.bench.choice import Choice, choose
from scoreserve.bench.figures import spread
from scoreserve.bench.load import Figures
from scoreserve.bench.servers import Candidate, Subject
from scoreserve.bench.sweep import PLAINEST, Findings

_HEADINGS = ("server", "requests/s", "p50 ms", "p99 ms", "errors", "memory MiB")
_FEW_REQUESTS = 100  # in a reading: p99 is then that of the slowest one or two
_BUSY = 0.9  # of a CPU: the load generator can hardly ask for more


def report(findings: Findings, subject: Subject) -> Iterator[str]:
    """The lines to print."""
    rows = [_row(candidate, findings) for candidate in findings.readings]
    if not rows:
        yield "Nothing was measured."
        return
    yield from table(_HEADINGS, rows)
    yield ""
    yield from _remarks(findings)
    outcomes = findings.outcomes()
    if PLAINEST not in outcomes:
        yield "No settings are suggested: requests failed with the plainest ones."
        return
    chosen, why = choose(outcomes)
    yield f"Use {chosen}: {why}"
    yield ""
    yield f"    scoreserve serve {_shown(subject)} {_flags(chosen)}"
    yield f"    WORKER_COUNT={chosen.workers} SCORESERVE_MAX_BATCH_SIZE={chosen.batch_size}"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Aligned columns: the first to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    for row in (headings, *rows):
        first, *others = row
        cells = [text.rjust(width) for text, width in zip(others, widths[1:], strict=True)]
        yield "  ".join([first.ljust(widths[0]), *cells]).rstrip()


def _row(candidate: Candidate, findings: Findings) -> list[str]:
    readings = findings.readings[candidate]
    memory = findings.memory_mib.get(candidate)
    return [
        str(candidate),
        spread([each.requests_per_second for each in readings]),
        spread([each.p50_ms for each in readings]),
        spread([each.p99_ms for each in readings]),
        str(sum(each.failed for each in readings)),
        "-" if memory is None else f"{memory:,.0f}",
    ]


def _remarks(findings: Findings) -> Iterator[str]:
    """What is to be known beside the table, a line each."""
    yield from (f"Batching: {text}" for text in _batching(findings))
    for candidate, why in findings.left_out.items():
        if why != findings.batching_off:
            yield f"{candidate}: not measured: {why}"
    for candidate, readings in findings.readings.items():
        if any(each.failed for each in readings):
            yield f"{candidate}: {_errors(readings)}; these settings are not suggested"
    if findings.answers_differ:
        yield "Answers differ from call to call, so they were not compared between settings."
    if min(each.requests for each in _all(findings)) < _FEW_REQUESTS:
        yield "Some readings have under 100 requests: --seconds 30 gives better figures."
    if findings.busy > _BUSY:
        yield "The load generator was busy all the time: the server may be faster than it shows."
    if findings.cut_short:
        yield "The time was over before all was measured: --limit gives it more."


def _all(findings: Findings) -> list[Figures]:
    return [each for readings in findings.readings.values() for each in readings]


def _errors(readings: Sequence[Figures]) -> str:
    """As in `12 of 3,400 requests failed (status 503: 12)`."""
    kinds: dict[str, int] = {}
    for each in readings:
        for what, count in each.errors.items():
            kinds[what] = kinds.get(what, 0) + count
    told = ", ".join(f"{what}: {count:,}" for what, count in sorted(kinds.items()))
    requests = sum(each.requests for each in readings)
    return f"{sum(kinds.values()):,} of {requests:,} requests failed ({told})"


def _batching(findings: Findings) -> Iterator[str]:
    """Whether calls met, and why not: as the server said with the largest batches."""
    if findings.batching_off:
        yield f"off, so batch sizes make no difference: {findings.batching_off}"
        return
    tried = [choice for choice in findings.batching if choice.batch_size > 1]
    if not tried:
        return
    choice = max(tried, key=lambda each: (each.batch_size, -each.workers))
    told = findings.batching[choice]
    if told.get("off"):  # found out while requests came
        yield f"switched off under load: {told['off']}"
    yield from map(_of_method, told.get("methods") or ())
    merged = int(told.get("merged_requests") or 0)
    if merged:
        calls = int(told["merged_calls"])
        yield f"{merged:,} requests shared {calls:,} calls of the model ({choice})"
    elif not told.get("methods"):
        yield "no calls were shared: run() calls no method of a model that is known"


def _of_method(told: Mapping[str, Any]) -> str:
    name = f"{told['model']}.{told['method']}()"
    return f"calls do not meet in {name}: {told['off']}" if told["off"] else f"calls meet in {name}"


def _shown(subject: Subject) -> str:
    """The script and its model, as flags."""
    paths = [*([] if subject.has_script else ["--model"]), _short(subject.script)]
    if subject.model_dir is not None:
        paths += ["--model-dir", _short(subject.model_dir)]
    return shlex.join(paths)


def _short(path: Path) -> str:
    """The path from here, if it is below."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _flags(choice: Choice) -> str:
    return f"--workers {choice.workers} --max-batch-size {choice.batch_size}"
