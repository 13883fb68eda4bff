"""The template's life: init() once, a look at what would not survive a fork, then forks on demand.

It never calls run(): a library that has been used is worse to fork than one that is loaded.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import Protocol

from scoreserve import wire
from scoreserve.errors import EXIT_BOOT
from scoreserve.parent_death import end_with_parent
from scoreserve.settings import Settings
from scoreserve.worker.script.loaded import LoadedScript, ScriptFault
from scoreserve.worker.template import forking, obstacles, threads
from scoreserve.worker.template.child import ForkedWorker
from scoreserve.worker.template.front_socket import FrontSocket

_log = logging.getLogger("azmlinfsrv")

Prepare = Callable[[Settings, str], None]


class Load(Protocol):
    """Imports the script and runs init(). Raises ScriptFault."""

    def __call__(self, settings: Settings, say_stage: Callable[[str], None], /) -> LoadedScript: ...


def run(
    descriptor: int, prepare: Prepare, load: Load, forked: Callable[[Settings], None]
) -> ForkedWorker | None:
    """Returns in each worker that is forked, and in the end, with None, in the template, where
    `forked` is called after each.
    """
    parent = os.getppid()
    front = FrontSocket(descriptor)
    try:
        first = front.receive()
        if first is None:
            return None
        settings = Settings.from_json(first.payload)
        # No thread may watch for the end of the front: a fork takes one thread along.
        end_with_parent(signal.SIGKILL, parent)
        thread_variables = threads.limit_to_one()
        prepare(settings, "template")
        loaded = _load(front, settings, load)
    except (BrokenPipeError, ConnectionResetError):
        return None
    descriptors = forking.fork_on_demand(front, lambda: forked(settings))
    return None if descriptors is None else ForkedWorker(descriptors, loaded, thread_variables)


def _load(front: FrontSocket, settings: Settings, load: Load) -> LoadedScript:
    """Loads the script, and tells the front what stands in the way of forks. Ends the process where
    the script cannot be loaded.
    """
    before = obstacles.open_files()
    try:
        loaded = load(settings, lambda stage: front.send(wire.STAGE, stage.encode()))
    except ScriptFault as fault:
        front.send(wire.BOOT_FAILED, fault.failure.to_json())
        sys.exit(EXIT_BOOT)
    found = obstacles.obstacles(before)
    # What is there now is never looked at again by the collector of a worker, which would write to
    # each object, and so copy its page: https://docs.python.org/3/library/gc.html#gc.freeze
    gc.collect()
    gc.freeze()
    _log.info("Template with pid %d ready for forking workers", os.getpid())
    front.send(wire.READY, json.dumps(found).encode())
    return loaded
