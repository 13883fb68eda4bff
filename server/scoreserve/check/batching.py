"""Whether calls of run() can share work, and which line stands in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from scoreserve.check.findings import Finding, Level, Stopped, of_failure, ok
from scoreserve.errors import BootError
from scoreserve.settings import Settings
from scoreserve.worker import batching
from scoreserve.worker.model import libraries
from scoreserve.worker.script import start_failures
from scoreserve.worker.script.calling import Convention
from scoreserve.worker.script.known_sample import Sample, calls_with
from scoreserve.worker.script.script_runner import ScriptRunner

_ROUNDS = 3  # of calls with the known sample: two prove, the third meets
_CALLS = 4  # in each

_WAYS = {
    "by hand": "run() is @batched: it gets the inputs of several requests",
    "rows": "bodies are merged by rows, on your word",
    "model": "calls of run() can meet in the model's predict",
}


def findings(
    run: Callable[..., Any],
    convention: Convention,
    runner: ScriptRunner,
    settings: Settings,
    sample: Sample | None,
) -> Iterator[Finding]:
    """Whether calls can share work, and what stands in the way."""
    asked = replace(settings, max_batch_size=max(settings.max_batch_size, _CALLS))
    try:
        way = batching.choose(run, convention, runner, asked)
    except BootError as error:
        raise Stopped(
            of_failure("batching", start_failures.of_script(error, "import", settings))
        ) from error
    told = way.told()
    if told["off"]:
        yield Finding(
            "batching",
            Level.WARNING,
            f"off: {told['off']}",
            remedy="Requests are then answered one by one. To let them share calls of the model,"
            " change that; see docs/batching.md.",
        )
        return
    yield ok("batching", _WAYS[way.name])
    if way.name == "model":
        yield from (ok("batching", text) for text in _models(run))
        if sample is not None:
            yield from _tried(way.together, sample, runner)


def _models(run: Callable[..., Any]) -> Iterator[str]:
    """The models that are found in globals of the script."""
    known = [(library, *method) for library in libraries.loaded() for method in library.methods()]
    for name, value in list(getattr(run, "__globals__", {}).items()):
        names = sorted({method for _, owner, method in known if isinstance(value, owner)})
        if names:
            library = next(lib.name for lib, owner, _ in known if isinstance(value, owner))
            methods = ", ".join(f"{method}()" for method in names)
            yield f"found `{name}`: {type(value).__name__} of {library}, known: {methods}"


def _tried(meeting: Any, sample: Sample, runner: ScriptRunner) -> Iterator[Finding]:
    """What comes of a few calls with the known sample that are under way together."""
    for _ in range(_ROUNDS):
        for _ in meeting.score(calls_with(sample, runner, _CALLS)):
            pass
    methods = (meeting.report() or {}).get("methods") or ()
    if not methods:
        yield ok("batching", "run() calls no known method of a model: batching gains nothing")
    for method in methods:
        name = f"{method['model']}.{method['method']}()"
        if method["off"]:
            text = f"calls with {sample.name} do not meet in {name}: {method['off']}"
            yield Finding("batching", Level.WARNING, text)
        else:
            yield ok("batching", f"calls with {sample.name} meet in {name}")
