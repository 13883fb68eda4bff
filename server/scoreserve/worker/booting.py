"""How a worker gets ready: its process prepared, the script loaded, and what serves it made.

prepare_process ─→ load: import, init() ─→ get_ready: after_fork(), READY ─→ WorkerLoop
└──── once in a template, of which workers are forked ────┘     └─ in each worker ─┘
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from scoreserve import app_insights, logs, otel_environment, stdio, wire
from scoreserve.errors import EXIT_BOOT, BootError
from scoreserve.settings import Settings
from scoreserve.worker import batching
from scoreserve.worker.front_pipe import FrontPipe
from scoreserve.worker.main_loop import WorkerLoop
from scoreserve.worker.nocode import loading
from scoreserve.worker.script import (
    after_fork,
    after_import,
    debugger,
    entry_script,
    fast_json,
    main_module,
    preparation,
    print_hook,
    script_stdout,
    swagger,
)
from scoreserve.worker.script.calling import Convention, convention_of
from scoreserve.worker.script.entry_script import EntryScript
from scoreserve.worker.script.idle_source import IdleSource
from scoreserve.worker.script.loaded import LoadedScript, ScriptFault
from scoreserve.worker.script.sample import sample_bodies
from scoreserve.worker.script.script_runner import ScriptRunner, run_init
from scoreserve.worker.script.trace_context import TraceContext
from scoreserve.worker_setup import ANSWERING, WorkerSetup

if TYPE_CHECKING:
    from scoreserve.worker.protocols.served import ServedProtocols
    from scoreserve.worker.script.script_reports import ScriptReports

# By so much a worker seems larger, in thousandths of all memory, when the kernel looks for one to
# kill. Were it to choose the front, every request would be lost.
_OOM_HANDICAP = 100
_OOM_SCORE = "/proc/self/oom_score_adj"

_dumps = json.dumps  # the stdlib's own: the script may put another in its place
_log = logging.getLogger("azmlinfsrv")
_script_log = logging.getLogger("azmlinfsrv.user_script")

SayStage = Callable[[str], None]


def stages_over(pipe: FrontPipe) -> SayStage:
    """Tells the front, over the pipe, which stage of the start begins."""
    return lambda stage: pipe.send([wire.frame(wire.STAGE, stage.encode())])


def prepare_process(settings: Settings, role: str = "worker") -> None:
    """What comes before anything of the script's. `role` is what its log lines say it is."""
    faulthandler.enable()
    _volunteer_for_oom_kill()
    if settings.reload:
        # A module edited twice within a second, to the same size, would be taken from its bytecode.
        sys.dont_write_bytecode = True
    stdio.install(stdio.WORKER_PATIENCE_SECONDS)
    logs.JsonFormatter.role = role
    custom_logs = logs.configure(settings)
    if settings.debug_port is not None:
        debugger.attach(settings.debug_port)
    if settings.log_format == "text" or custom_logs:
        print("Initializing logger")
    else:
        logs.basic_config_in_json()
    script_stdout.install()
    print_hook.install()
    if _is_reported(settings):
        from scoreserve.worker.script import script_reports

        script_reports.install(settings)
    logs.keep_enabled()
    if settings.fast_json:
        fast_json.install()
    _log.info("Starting up app insights client")
    if settings.cors_origins:
        origins = ", ".join(origin.strip() for origin in settings.cors_origins.split(","))
        _log.info("Enabling CORS for the following origins: %s", origins)
    main_module.install()
    preparation.prepare(settings)


def _volunteer_for_oom_kill() -> None:
    with contextlib.suppress(OSError), open(_OOM_SCORE, "r+", encoding="ascii") as file:
        score = min(1000, int(file.read()) + _OOM_HANDICAP)
        file.seek(0)
        file.write(str(score))


def load(settings: Settings, say_stage: SayStage) -> LoadedScript:
    """Imports the script and runs init(). Raises ScriptFault."""
    try:
        say_stage(loading.stage(settings))
        script = loading.load(settings)
        if settings.fast_json and "inference_schema" in sys.modules:
            from scoreserve.worker.script import schema_arrays, schema_frames

            schema_arrays.install()
            schema_frames.install()
        convention = convention_of(script.run)
    except BootError as error:
        raise _fault(settings, str(error), error) from error
    except BaseException as error:
        raise _fault(
            settings,
            f"{_traceback(error)}{main_module.advice(error)}\n"
            "Failed to import user script because it raised an unhandled exception",
            error,
        ) from error
    try:
        say_stage("running init()")
        _script_log.info("Invoking user's init function")
        coroutines = run_init(script.init)
        _script_log.info("Users's init has completed successfully")
    except BaseException as error:
        _log.error("User's init function failed")
        raise _raised(settings, error, "init()") from error
    return LoadedScript(script, convention, coroutines)


def get_ready(
    loaded: LoadedScript, setup: WorkerSetup, pipe: FrontPipe, source: IdleSource
) -> tuple[WorkerLoop, ScriptRunner]:
    """Makes what serves the script, and tells the front that it does. Raises ScriptFault."""
    settings = setup.settings
    script, convention, coroutines = loaded
    reports = _reports(settings)
    say_stage = stages_over(pipe)
    if script.after_fork is not None:
        say_stage("running after_fork()")
        try:
            coroutines = after_fork.call(script.after_fork, setup.index, coroutines)
        except BaseException as error:
            raise _raised(settings, error, "after_fork()") from error
    if settings.gzip_bodies:
        from scoreserve.worker.protocols.bodies.inflate import inflating

        convention.inflate = inflating(settings.max_body_bytes)
    try:
        protocols = _protocols(script, convention, settings)
        runner = ScriptRunner(
            script.run, convention, settings, coroutines, source, protocols, reports
        )
        documents = swagger.documents(script.run, settings, script.model)
        if setup.trial is not None:
            pipe.send(_frames(reports))
            from scoreserve.worker.template import trial

            say_stage(ANSWERING)
            trial.take(setup, script.run, convention, runner, lambda frame: pipe.send([frame]))
        way = batching.choose(script.run, convention, runner, settings, say_stage)
    except BootError as error:
        raise _fault(settings, str(error), error) from error
    ready = {
        "raw": convention.raw,
        "batching": way.told(),
        "swagger": documents,
        "own_swagger": swagger.versions_of_user(settings),
        "samples": sample_bodies(settings),
        "tensors": protocols.tensors if protocols is not None else {},
        "model": script.model.told() if script.model is not None else None,
    }
    if "AML_DBG_MODEL_INFO" in os.environ or "AML_DBG_RESOURCE_INFO" in os.environ:
        _log.warning(
            "The debuggability features have been removed. If you have a use case for them please"
            " reach out to us."
        )
    after_import.call("flask", lambda module: _flask_imported(runner, way))
    TraceContext.follow()
    _log.info("Scoring timeout is set to %d", settings.scoring_timeout_ms)
    _log.info("Worker with pid %d ready for serving traffic", os.getpid())
    pipe.send([*_frames(reports), wire.frame(wire.READY, _dumps(ready).encode())])
    return WorkerLoop(pipe, runner, way.together, reports), runner


def report_and_exit(fault: ScriptFault, settings: Settings, pipe: FrontPipe) -> NoReturn:
    """Logs why the script cannot serve, tells the front, and ends the process."""
    _log.error(fault.report)
    if not settings.model:
        _log.error(
            "Looked for the entry script at %s, with sys.path %s",
            settings.script_path or "main (as a module)",
            sys.path,
        )
    entry_script.log_model_directory(settings.model or settings.model_dir)
    reports = _reports(settings)
    if reports is not None:
        reports.raised((), fault.__cause__ or fault)
    pipe.send([*_frames(reports), wire.frame(wire.BOOT_FAILED, fault.failure.to_json())])
    sys.exit(EXIT_BOOT)


def worker_forked(settings: Settings) -> None:
    """A worker was forked of this process, a template: it sends what was reported until now."""
    reports = _reports(settings)
    if reports is not None:
        reports.forget()


def _is_reported(settings: Settings) -> bool:
    """Whether anybody is told of the script's errors, if of no more."""
    traces = otel_environment.exports(otel_environment.TRACES, os.environ)
    return traces or app_insights.is_on(settings)


def _reports(settings: Settings) -> ScriptReports | None:
    """What is reported of the script, if anything is."""
    if not _is_reported(settings):
        return None
    from scoreserve.worker.script import script_reports

    return script_reports.of_this_process()


def _frames(reports: ScriptReports | None) -> list[bytes]:
    return reports.frames() if reports is not None else []


def _protocols(
    script: EntryScript, convention: Convention, settings: Settings
) -> ServedProtocols | None:
    """Those beside that of /score, if there are any. Raises BootError."""
    if not settings.protocols:
        return None
    try:
        import numpy  # noqa: F401
    except ImportError:
        raise BootError(
            f"SCORESERVE_PROTOCOLS={settings.protocols} needs numpy: add it to the requirements of"
            " the image or of the environment."
        ) from None
    from scoreserve.worker.protocols.served import ServedProtocols

    return ServedProtocols(script.run, convention, settings, script.model)


def _flask_imported(runner: ScriptRunner, way: batching.Way) -> None:
    """A script, or what it imports late, may look at the request from now on."""
    runner.flask_imported()
    batching.flask_imported(way)


def _traceback(error: BaseException) -> str:
    from scoreserve.worker.script.user_frames import users_traceback

    return users_traceback(error)


def _raised(settings: Settings, error: BaseException, stage: str) -> ScriptFault:
    """The fault of a function of the script's that raised `error`."""
    return _fault(
        settings,
        f"Encountered Exception {_traceback(error)}{main_module.advice(error)}\n"
        "Caught an unhandled exception from the user script",
        error,
        stage,
    )


def _fault(
    settings: Settings, report: str, error: BaseException, stage: str = "import"
) -> ScriptFault:
    from scoreserve.worker.script import start_failures

    return ScriptFault(report, start_failures.of_script(error, stage, settings))
