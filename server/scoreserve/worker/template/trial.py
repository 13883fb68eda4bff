"""The sample request, answered before a worker is ready: by a spawned worker, to know the answer,
and by the first one that is forked, which must give the same.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from scoreserve import wire
from scoreserve._batched import batched_run
from scoreserve.wire import Outcome
from scoreserve.worker.rows.equality import equal
from scoreserve.worker.script.calling import Call, Convention
from scoreserve.worker.script.known_sample import Sample, calls_with, known_sample
from scoreserve.worker.script.script_runner import ScriptRunner
from scoreserve.worker_setup import Answer, TrialResult, WorkerSetup

_log = logging.getLogger("azmlinfsrv")

NO_SAMPLE = (
    "no sample request is known to try it with: put the body of a request into sample_request.json"
    " in the model directory or beside the script, or set WORKER_PRELOAD=force"
)
_SHOWN_CHARACTERS = 100  # of an answer


def take(
    setup: WorkerSetup,
    run: Callable[..., Any],
    convention: Convention,
    runner: ScriptRunner,
    tell: Callable[[bytes], None],
) -> None:
    """Answers the sample request, and has the front told, by a frame, what came of it. A forked
    worker whose answer is not the one that is expected ends here.
    """
    assert setup.trial is not None
    expected = setup.trial.expected
    sample = known_sample(run, convention, setup.settings)
    if sample is None:
        result = TrialResult(None, NO_SAMPLE)
    elif expected is None:
        result = TrialResult(answer_of(sample, run, convention, runner, calls=2))
    else:
        answer = answer_of(sample, run, convention, runner, calls=1)
        result = TrialResult(None, difference(expected, answer))
    tell(wire.frame(wire.TRIED, result.to_json()))
    if expected is not None and result.why:
        os._exit(0)


def answer_of(
    sample: Sample,
    run: Callable[..., Any],
    convention: Convention,
    runner: ScriptRunner,
    calls: int,
) -> Answer:
    """What run() makes of the sample, called so many times."""
    read = calls_with(sample, runner, calls)
    started = time.perf_counter()
    answers = []
    seconds = 0.0
    for call in read:
        answers.append(_answer(call, run, convention, runner))
        seconds = seconds or time.perf_counter() - started
    status, body = answers[0]
    steady = all(_same(body, other) for _, other in answers)
    text = body.decode("latin-1")
    return Answer(sample.name, status, text, seconds, steady, _resident_bytes())


def difference(expected: Answer, answer: Answer) -> str:
    """What is wrong with the answer of a forked worker, or "". Answers that differ from call to
    call are compared by their status only.
    """
    if expected.status == answer.status and not (expected.steady and answer.steady):
        return ""
    bodies = [each.body.encode("latin-1") for each in (expected, answer)]
    if expected.status == answer.status and _same(*bodies):
        return ""
    # What is answered is for the log: anybody may read /health/ready.
    for whose, each in (("forked", answer), ("spawned", expected)):
        shown = each.body[:_SHOWN_CHARACTERS]
        _log.warning("A %s worker answers %s: %d %s", whose, each.sample, each.status, shown)
    return f"a forked worker answers {expected.sample} otherwise than a spawned one"


def _answer(
    call: Call | Outcome, run: Callable[..., Any], convention: Convention, runner: ScriptRunner
) -> tuple[int, bytes]:
    if isinstance(call, Outcome):
        return call.status, bytes(call.body)
    name = convention.text_parameter
    if name is not None and batched_run(run) is not None:
        call = replace(call, arguments={name: [call.arguments[name]]})
    result = runner.score(call)
    if isinstance(result, Outcome):
        return result.status, bytes(result.body)
    try:
        return result.outcome.status, b"".join(result.chunks)
    finally:
        result.close()


def _resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def _same(left: bytes, right: bytes) -> bool:
    if left == right:
        return True
    try:
        return equal(json.loads(left), json.loads(right))
    except ValueError:
        return False
