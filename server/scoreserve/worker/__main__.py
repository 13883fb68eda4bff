"""The scoring worker's process: `python -m scoreserve.worker SOURCE SINK`.

Started by the front, which holds the other ends of the pipes behind these descriptors: frames come
from the first and go to the second. Imports the entry script and calls init(), then scores
what the front sends until the front closes its end. Script code only ever runs on this main thread.
Exits with 3 when the script cannot serve.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import json
import logging
import os
import signal
import sys
import traceback
from typing import TYPE_CHECKING, NoReturn

from scoreserve import logs, stdio, wire
from scoreserve.errors import EXIT_BOOT, BootError
from scoreserve.parent_death import end_with_parent
from scoreserve.settings import Settings
from scoreserve.worker import batching
from scoreserve.worker.front_pipe import FrontPipe, OrphanWatch
from scoreserve.worker.main_loop import WorkerLoop
from scoreserve.worker.nocode import loading
from scoreserve.worker.script import (
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
from scoreserve.worker.script.sample import sample_bodies
from scoreserve.worker.script.script_runner import ScriptRunner, run_init

if TYPE_CHECKING:
    from scoreserve.worker.protocols.served import ServedProtocols

# By so much a worker seems larger, in thousandths of all memory, when the kernel looks for one to
# kill. Were it to choose the front, every request would be lost.
_OOM_HANDICAP = 100
_OOM_SCORE = "/proc/self/oom_score_adj"

_dumps = json.dumps  # the stdlib's own: the script may put another in its place
_log = logging.getLogger("azmlinfsrv")
_script_log = logging.getLogger("azmlinfsrv.user_script")


def main(source_descriptor: int, sink_descriptor: int) -> None:
    parent = os.getppid()
    os.set_inheritable(source_descriptor, False)
    os.set_inheritable(sink_descriptor, False)
    source = IdleSource(io.FileIO(source_descriptor, "rb"))
    sink = io.FileIO(sink_descriptor, "wb")
    pipe = FrontPipe(source, sink)
    setup = pipe.receive()
    if setup is None:
        return
    settings = Settings.from_json(bytes(setup.payload))
    orphan_watch = OrphanWatch(source_descriptor)
    orphan_watch.start()
    # A child that the script forks and that returns from run() may neither answer in its parent's
    # stead nor take the jobs that come next. It ends.
    os.register_at_fork(after_in_child=pipe.give_up)
    _prepare_process(settings)
    runner = None
    try:
        loop, runner = _boot(settings, pipe, source)
        signal.signal(signal.SIGURG, loop.look_for_stop)
        end_with_parent(signal.SIGKILL, parent)
        loop.run()
        orphan_watch.grace_seconds = max(orphan_watch.grace_seconds, loop.leave_seconds)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the front is gone, and whoever waited for the answer with it
    finally:
        # Tells the front that no answer will come, even if the script's threads hold up the exit.
        with contextlib.suppress(OSError):
            sink.close()
        if runner is not None:
            runner.end()


def _prepare_process(settings: Settings) -> None:
    faulthandler.enable()
    _volunteer_for_oom_kill()
    if settings.reload:
        # A module edited twice within a second, to the same size, would be taken from its bytecode.
        sys.dont_write_bytecode = True
    stdio.install(stdio.WORKER_PATIENCE_SECONDS)
    logs.JsonFormatter.role = "worker"
    custom_logs = logs.configure(settings)
    if settings.debug_port is not None:
        debugger.attach(settings.debug_port)
    if settings.log_format == "text" or custom_logs:
        print("Initializing logger")
    else:
        logs.basic_config_in_json()
    script_stdout.install()
    print_hook.install()
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


def _boot(
    settings: Settings, pipe: FrontPipe, source: IdleSource
) -> tuple[WorkerLoop, ScriptRunner]:
    """Imports the script and runs init(). Ends the process with a report if either fails."""
    try:
        _say_stage(pipe, loading.stage(settings))
        script = loading.load(settings)
        if settings.fast_json and "inference_schema" in sys.modules:
            from scoreserve.worker.script import schema_arrays, schema_frames

            schema_arrays.install()
            schema_frames.install()
        convention = convention_of(script.run)
    except BootError as error:
        _fail(pipe, settings, str(error), error)
    except BaseException as error:
        _fail(
            pipe,
            settings,
            f"{_traceback(error)}{main_module.advice(error)}\n"
            "Failed to import user script because it raised an unhandled exception",
            error,
        )
    try:
        _say_stage(pipe, "running init()")
        _script_log.info("Invoking user's init function")
        coroutines = run_init(script.init)
        _script_log.info("Users's init has completed successfully")
    except BaseException as error:
        _log.error("User's init function failed")
        _fail(
            pipe,
            settings,
            f"Encountered Exception {_traceback(error)}{main_module.advice(error)}\n"
            "Caught an unhandled exception from the user script",
            error,
            "init()",
        )
    if settings.gzip_bodies:
        from scoreserve.worker.protocols.bodies.inflate import inflating

        convention.inflate = inflating(settings.max_body_bytes)
    try:
        protocols = _protocols(script, convention, settings)
        runner = ScriptRunner(script.run, convention, settings, coroutines, source, protocols)
        documents = swagger.documents(script.run, settings, script.model)
        way = batching.choose(
            script.run, convention, runner, settings, lambda stage: _say_stage(pipe, stage)
        )
    except BootError as error:
        _fail(pipe, settings, str(error), error)
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
    _log.info("Scoring timeout is set to %d", settings.scoring_timeout_ms)
    _log.info("Worker with pid %d ready for serving traffic", os.getpid())
    pipe.send([wire.frame(wire.READY, _dumps(ready).encode())])
    return WorkerLoop(pipe, runner, way.together), runner


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


def _say_stage(pipe: FrontPipe, stage: str) -> None:
    pipe.send([wire.frame(wire.STAGE, stage.encode())])


def _traceback(error: BaseException) -> str:
    """The error's traceback from the user's first line on."""
    from scoreserve.worker.script.user_frames import users_part

    frames = users_part(error.__traceback__)
    if frames is None and not isinstance(error, SyntaxError):
        frames = error.__traceback__
    return "".join(traceback.format_exception(type(error), error, frames))


def _fail(
    pipe: FrontPipe,
    settings: Settings,
    report: str,
    error: BaseException,
    stage: str = "import",
) -> NoReturn:
    """Reports what the script raised at this stage, tells the front, and ends the process."""
    from scoreserve.worker.script import start_failures

    _log.error(report)
    if not settings.model:
        _log.error(
            "Looked for the entry script at %s, with sys.path %s",
            settings.script_path or "main (as a module)",
            sys.path,
        )
    entry_script.log_model_directory(settings.model or settings.model_dir)
    failure = start_failures.of_script(error, stage, settings)
    pipe.send([wire.frame(wire.BOOT_FAILED, failure.to_json())])
    sys.exit(EXIT_BOOT)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
