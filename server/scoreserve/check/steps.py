"""What is tried of a script, in a worker's order; each step tells a finding or more.

The first error ends it. Runs in a process of its own: see trial.py.
"""

from __future__ import annotations

import inspect
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from scoreserve._batched import batched_run
from scoreserve.check import batching
from scoreserve.check.findings import Finding, Level, Stopped, of_failure, ok
from scoreserve.errors import BadInput, ReplyError, ResultUnusable, ScriptFailed
from scoreserve.settings import Settings
from scoreserve.wire import Outcome
from scoreserve.worker.nocode import loading
from scoreserve.worker.script import after_fork, results, start_failures, swagger
from scoreserve.worker.script.calling import Call, Convention, convention_of
from scoreserve.worker.script.entry_script import EntryScript
from scoreserve.worker.script.known_sample import Sample, calls_with, known_sample
from scoreserve.worker.script.script_runner import ScriptRunner, run_init
from scoreserve.worker.script.user_frames import users_part

_SWAGGERS = ("2", "3", "3.1")
_RETURN = "Return what JSON can hold: numbers, text, lists, dicts, numpy arrays, pandas frames."
_SHOWN_CHARACTERS = 60  # of a result

SayStage = Callable[[str], None]


def findings(settings: Settings, say_stage: SayStage) -> Iterator[Finding]:
    """Tries everything, until there is an error."""
    try:
        yield from _all(settings, say_stage)
    except Stopped as stopped:
        yield stopped.finding


def _all(settings: Settings, say_stage: SayStage) -> Iterator[Finding]:
    say_stage("importing the script")
    script, seconds = _timed("import", lambda: loading.load(settings), "import", settings)
    done = "the script is imported" if script.model is None else "the model is loaded"
    yield ok("import", f"{done}, in {seconds:.1f} s")
    convention, _ = _timed("run()", lambda: convention_of(script.run), "import", settings)
    yield ok("run()", convention.described())
    _refuse_parameters(script.init)
    say_stage("calling init()")
    coroutines, seconds = _timed("init()", lambda: run_init(script.init), "init()", settings)
    yield ok("init()", f"done, in {seconds:.1f} s")
    hook = script.after_fork
    if hook is not None:
        stage = "after_fork()"
        say_stage(f"running {stage}")
        coroutines, seconds = _timed(
            stage, lambda: after_fork.call(hook, 0, coroutines), stage, settings
        )
        yield ok(stage, f"done, in {seconds:.1f} s")
    runner = ScriptRunner(script.run, convention, settings, coroutines)
    try:
        yield _swagger(script, settings)
        sample = known_sample(script.run, convention, settings)
        say_stage("answering a sample request")
        yield _answered(sample, script.run, convention, runner, settings)
        say_stage("trying batching")
        yield from batching.findings(script.run, convention, runner, settings, sample)
    finally:
        runner.end()


def _timed(about: str, do: Callable[[], Any], stage: str, settings: Settings) -> tuple[Any, float]:
    """What it returns, and after how many seconds. Raises Stopped for whatever it raises."""
    started = time.perf_counter()
    try:
        return do(), time.perf_counter() - started
    except BaseException as error:
        raise Stopped(
            of_failure(about, start_failures.of_script(error, stage, settings))
        ) from error


def _show_traceback(error: BaseException) -> None:
    """On stderr, from the user's first line on; not at all where no line of theirs was run."""
    frames = users_part(error.__traceback__)
    if frames is not None:
        traceback.print_exception(type(error), error, frames)


def _refuse_parameters(init: Callable[..., Any]) -> None:
    """Raises Stopped for an init() that cannot be called without arguments."""
    try:
        inspect.signature(init).bind()
    except TypeError as error:
        told = Finding(
            "init()",
            Level.ERROR,
            f"init() is called without arguments, and has {error}",
            remedy="Define it as `def init():`.",
        )
        raise Stopped(told) from error


def _swagger(script: EntryScript, settings: Settings) -> Finding:
    documents = swagger.documents(script.run, settings, script.model)
    made = ", ".join(sorted(documents))
    if documents.keys() >= set(_SWAGGERS):
        return ok("schema", f"Swagger documents are there: {made}")
    return Finding(
        "schema",
        Level.WARNING,
        f"not all Swagger documents can be made, only: {made or 'none'}",
        remedy="Look at the samples in @input_schema and @output_schema.",
    )


def _answered(
    sample: Sample | None,
    run: Callable[..., Any],
    convention: Convention,
    runner: ScriptRunner,
    settings: Settings,
) -> Finding:
    """Whether run() answers the sample. Raises Stopped when it does not."""
    if sample is None:
        return Finding(
            "sample request",
            Level.WARNING,
            "none is known, so run() was not called",
            remedy="Put the body of a request into sample_request.json beside the script.",
        )
    (call,) = calls_with(sample, runner, 1)
    if isinstance(call, Outcome):
        raise Stopped(_refused(sample, call.status, call.body.decode("utf-8", "replace")))
    started = time.perf_counter()
    try:
        value = _value(call, run, convention, runner)
        seconds = time.perf_counter() - started
        result = results.result(
            call.job_id, value, call.head, seconds, strict_json=settings.strict_json
        )
    except ReplyError as error:
        cause = error.__cause__ or error
        if isinstance(cause, BadInput):
            raise Stopped(_refused(sample, cause.status, cause.message)) from error
        _show_traceback(cause)
        failure = start_failures.of_script(cause, "run()", settings)
        if isinstance(error, ResultUnusable):
            failure = failure._replace(remedy=_RETURN)
        told = of_failure("sample request", failure)
        raise Stopped(
            told._replace(text=f"{sample.name} is answered {error.status}: {told.text}")
        ) from error
    text = f"{sample.name} is answered in {seconds * 1000:.1f} ms: {_shown(result)}"
    if isinstance(result, Outcome) and result.status >= 400:
        remedy = "The script says so. See whether the sample is one that it should take."
        return Finding("sample request", Level.WARNING, text, remedy=remedy)
    return ok("sample request", text)


def _value(
    call: Call, run: Callable[..., Any], convention: Convention, runner: ScriptRunner
) -> Any:
    """What run() returns for the call. Raises ReplyError."""
    name = convention.text_parameter
    if batched_run(run) is None or name is None:
        return runner.call(call)
    values = runner.call(replace(call, arguments={name: [call.arguments[name]]}))
    if not isinstance(values, (list, tuple)) or len(values) != 1:
        raise ResultUnusable from TypeError("a @batched run() must return as many as it is given")
    if isinstance(values[0], Exception):
        raise ScriptFailed from values[0]
    return values[0]


def _refused(sample: Sample, status: int, message: str) -> Finding:
    return Finding(
        "sample request",
        Level.ERROR,
        f"{sample.name} is answered {status}: {message}",
        remedy="Correct the sample, or what run() takes.",
    )


def _shown(result: Any) -> str:
    """The beginning of an answer."""
    if not isinstance(result, Outcome):
        return "a stream"
    text = result.body.decode("utf-8", "replace")
    shown = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]} ..."
    return shown if result.status == 200 else f"status {result.status}, {shown}"
