"""`scoreserve check`: what would become of an entry script, found out without a server."""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from collections.abc import Iterator
from typing import Any, NoReturn

from scoreserve.cli.flags import Parser, checked
from scoreserve.errors import EXIT_BOOT, BootError, ConfigurationError
from scoreserve.settings import Settings, sources
from scoreserve.settings_loader import exported, load

_FLAGS = ("entry_script", "model_dir", "app_root", "batching", "stateless", "batch_exact")
_ROUNDS = 3  # of calls with the known sample: two prove, the third meets
_CALLS = 4  # in each


def add_to(commands: argparse._SubParsersAction[Parser]) -> None:
    """The command and its flags."""
    command = commands.add_parser(
        "check",
        help="say what would fail, and whether calls of run() can share work",
        description="Loads an entry script as a server would, calls init(), and says what it found:"
        " the script, its run(), its model directory, and whether calls of run() can meet in the"
        " model's predict, or which line stands in the way. Exits with 0, or with 3 where a server"
        " would not start.",
    )
    rows = dict(sources())
    for name in _FLAGS:
        source = rows[name]
        assert source.flag is not None
        switch: dict[str, Any] = {"nargs": "?", "const": True} if source.switch else {}
        command.add_argument(
            source.flag,
            dest=name,
            metavar=source.unit.upper() or "VALUE",
            type=checked(source.parse),
            **switch,
            help=source.help,
        )
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> NoReturn:
    cli = {name: getattr(arguments, name) for name in _FLAGS}
    if cli["entry_script"]:
        cli["entry_script"] = os.path.abspath(cli["entry_script"])
    try:
        settings = load(cli, os.environ, os.getcwd()).settings
    except ConfigurationError as error:
        _say("settings", f"{error.setting}: {error.problem}")
        sys.exit(EXIT_BOOT)
    os.environ.update(exported(settings))
    try:
        for what, found in _findings(settings):
            _say(what, found)
    except BootError as error:
        _say("would not start", str(error))
        sys.exit(EXIT_BOOT)
    except BaseException:  # noqa: BLE001 - whatever the script raises
        traceback.print_exc()
        _say("would not start", "the script raised what stands above")
        sys.exit(EXIT_BOOT)
    sys.exit(0)


def _say(what: str, found: str) -> None:
    print(f"{what:<16}{found}", flush=True)


def _findings(settings: Settings) -> Iterator[tuple[str, str]]:
    """What is found, a line each. Raises BootError, or whatever the script raises."""
    from scoreserve.compat import finder
    from scoreserve.worker.script import entry_script, swagger
    from scoreserve.worker.script.calling import convention_of
    from scoreserve.worker.script.script_runner import ScriptRunner, run_init

    finder.install()
    entry_script.prepare_import_path(settings)
    yield "entry script", settings.script_path or "main (as a module)"
    yield "model directory", _model_directory(settings.model_dir)
    script = entry_script.load(settings)
    convention = convention_of(script.run)
    started = time.perf_counter()
    coroutines = run_init(script.init)
    yield "init()", f"ok, {time.perf_counter() - started:.1f} s"
    yield "run()", convention.described()
    documents = swagger.documents(script.run, settings)
    yield "Swagger", ", ".join(sorted(version for version in documents if documents[version]))
    runner = ScriptRunner(script.run, convention, settings, coroutines)
    yield from _batching(script.run, convention, runner, settings)


def _model_directory(path: str | None) -> str:
    if path is None:
        return "not set (--model-dir)"
    return path if os.path.isdir(path) else f"{os.path.abspath(path)} does not exist"


def _batching(
    run: Any, convention: Any, runner: Any, settings: Settings
) -> Iterator[tuple[str, str]]:
    """Whether calls can share work, and what stands in the way."""
    from dataclasses import replace

    from scoreserve.worker import batching
    from scoreserve.worker.script.sample import sample_arguments

    most = max(settings.max_batch_size, _CALLS)
    asked = replace(settings, max_batch_size=most)
    way = batching.choose(run, convention, runner, asked)
    told = way.told()
    if told["off"]:
        yield "batching", f"off: {told['off']}"
        return
    yield "batching", _WAYS[way.name]
    if way.name != "model":
        return
    for found in _models(run):
        yield "", found
    sample = sample_arguments(run, convention.text_parameter, settings)
    if sample is None:
        yield "", "with sample_request.json beside the model it would be tried here"
        return
    yield from (("", line) for line in _tried(way.together, sample))


_WAYS = {
    "by hand": "run() is @batched: it gets the inputs of several requests",
    "rows": "bodies are merged by rows, on your word",
    "model": "calls of run() can meet in the model's predict",
}


def _models(run: Any) -> Iterator[str]:
    """The models that are found in globals of the script."""
    from scoreserve.worker.model import libraries

    known = [(library, *method) for library in libraries.loaded() for method in library.methods()]
    for name, value in list(run.__globals__.items()):
        names = sorted({method for _, owner, method in known if isinstance(value, owner)})
        if names:
            library = next(lib.name for lib, owner, _ in known if isinstance(value, owner))
            methods = ", ".join(f"{method}()" for method in names)
            yield f"found `{name}`: {type(value).__name__} of {library}, known: {methods}"


def _tried(meeting: Any, sample: Any) -> Iterator[str]:
    """What comes of a few calls with the known sample that are under way together."""
    from copy import deepcopy

    from scoreserve import heads
    from scoreserve.heads import RequestHead
    from scoreserve.worker.script.calling import Call

    head = heads.encode_head(RequestHead(b"POST", b"/score", b"", b"1.1", b"http", b"", ()))
    for _ in range(_ROUNDS):
        calls = [Call(number, head, deepcopy(sample), None, 0) for number in range(_CALLS)]
        for _ in meeting.score(calls):
            pass
    news = meeting.report() or {}
    if not news.get("methods"):
        yield "tried with the known sample: run() calls no known method of a model"
    for method in news.get("methods", ()):
        outcome = f"does not meet ({method['off']})" if method["off"] else "meets"
        yield f"tried with the known sample: {method['model']}.{method['method']}() {outcome}"
