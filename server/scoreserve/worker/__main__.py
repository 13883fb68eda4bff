"""The scoring worker's process: `python -m scoreserve.worker SOURCE SINK`.

Started by the front, which holds the other ends of the pipes behind these descriptors: frames come
from the first and go to the second. Imports the entry script and calls init(), then scores
what the front sends until the front closes its end. Script code only ever runs on this main thread.
Exits with 3 when the script cannot serve.

With `--template SOCKET` it is the process of which workers are forked, see `worker/template`.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from typing import TYPE_CHECKING

from scoreserve.parent_death import end_with_parent
from scoreserve.worker import booting
from scoreserve.worker.front_pipe import FrontPipe, OrphanWatch
from scoreserve.worker.script.full_collections import FullCollections
from scoreserve.worker.script.idle_source import IdleSource
from scoreserve.worker.script.loaded import ScriptFault
from scoreserve.worker_setup import WorkerSetup

if TYPE_CHECKING:
    from scoreserve.worker.template.child import ForkedWorker

_INDEX = "SCORESERVE_WORKER_INDEX"


def main(source_descriptor: int, sink_descriptor: int, forked: ForkedWorker | None = None) -> None:
    """The life of a worker. `forked`: it comes from a template, which has loaded the script."""
    parent = os.getppid()
    os.set_inheritable(source_descriptor, False)
    os.set_inheritable(sink_descriptor, False)
    source = IdleSource(io.FileIO(source_descriptor, "rb"))
    sink = io.FileIO(sink_descriptor, "wb")
    pipe = FrontPipe(source, sink)
    first = pipe.receive()
    if first is None:
        return
    setup = WorkerSetup.from_json(bytes(first.payload))
    settings = setup.settings
    if settings.worker_preload != "off":
        os.environ[_INDEX] = str(setup.index)
    orphan_watch = OrphanWatch(source_descriptor)
    orphan_watch.start()
    # A child that the script forks and that returns from run() may neither answer in its parent's
    # stead nor take the jobs that come next. It ends.
    os.register_at_fork(after_in_child=pipe.give_up)
    collections = FullCollections()
    runner = None
    try:
        try:
            if forked is None:
                booting.prepare_process(settings)
                collections.install()
                loaded = booting.load(settings, booting.stages_over(pipe))
                collections.start()
            else:
                loaded = forked.settle()
            loop, runner = booting.get_ready(loaded, setup, pipe, source)
        except ScriptFault as fault:
            booting.report_and_exit(fault, settings, pipe)
        signal.signal(signal.SIGURG, loop.look_for_stop)
        end_with_parent(signal.SIGKILL, parent)
        loop.run(collections.collect_if_due)
        orphan_watch.grace_seconds = max(orphan_watch.grace_seconds, loop.leave_seconds)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the front is gone, and whoever waited for the answer with it
    finally:
        # Tells the front that no answer will come, even if the script's threads hold up the exit.
        with contextlib.suppress(OSError):
            sink.close()
        if runner is not None:
            runner.end()


def template(descriptor: int) -> None:
    """The life of a template, which ends when the front closes its end of the socket; and, in each
    process that is forked from it, that of a worker.
    """
    from scoreserve.worker.template import template_process

    forked = template_process.run(
        descriptor, booting.prepare_process, booting.load, booting.worker_forked
    )
    if forked is not None:
        forked.live(lambda source, sink: main(source, sink, forked))


if __name__ == "__main__":
    if sys.argv[1] == "--template":
        template(int(sys.argv[2]))
    else:
        main(int(sys.argv[1]), int(sys.argv[2]))
