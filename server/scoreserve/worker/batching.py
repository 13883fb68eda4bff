"""Which way calls of one script share work: decided once, before the worker is ready.

by hand   run() is @batched: it takes a list of inputs
model     calls of run() that are under way together meet in the model's predict
rows      bodies are merged by rows, where the author says that run() goes by rows
off       each call by itself
"""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Callable
from typing import Any

from scoreserve._batched import batched_run
from scoreserve._stateless import is_stateless
from scoreserve.errors import BootError
from scoreserve.settings import Settings
from scoreserve.worker.main_loop import GroupRunner
from scoreserve.worker.rows.list_runner import ListRunner
from scoreserve.worker.script.calling import Convention
from scoreserve.worker.script.sample import sample_arguments
from scoreserve.worker.script.script_runner import ScriptRunner

_log = logging.getLogger("azmlinfsrv")

_USES_FLASK = "the script imports flask, so it may look at the request that run() is called for"
_NO_BODY_ALONE = "run() is @rawhttp, async or a generator, or takes request_headers"
_GREENLET_LIBRARIES = ("gevent", "eventlet")


class Way:
    """How calls share work: `together` scores those of one frame; without, one by one. The front is
    told how many `jobs` it may send at once, and for how many ms the oldest may wait for others.
    """

    def __init__(
        self, name: str, together: GroupRunner | None, jobs: int, wait_ms: float, off: str = ""
    ) -> None:
        self.name = name
        self.together = together
        self._jobs = jobs
        self._wait_ms = wait_ms
        self._off = off

    def told(self) -> dict[str, Any]:
        """What the front is told."""
        return {
            "way": self.name,
            "jobs": self._jobs,
            "wait_seconds": self._wait_ms / 1000,
            "off": self._off,
        }


def choose(
    run: Callable[..., Any],
    convention: Convention,
    runner: ScriptRunner,
    settings: Settings,
    say_stage: Callable[[str], None] = lambda stage: None,
) -> Way:
    """The way for this script and these settings. Raises BootError for a `@batched` run() that
    takes no text.
    """
    by_hand = batched_run(run)
    if by_hand is not None:
        if convention.text_parameter is None or not convention.mergeable:
            raise BootError(
                "A @batched run() takes a list of texts: it can be neither @rawhttp nor"
                " @input_schema, neither async nor a generator, and has no request_headers."
            )
        most = by_hand.max_batch_size
        together = ListRunner(runner, convention.text_parameter, most)
        return Way("by hand", together, most, by_hand.wait_ms)
    if settings.max_batch_size == 1 or settings.batching == "off":
        variable = "SCORESERVE_MAX_BATCH_SIZE is 1" if settings.max_batch_size == 1 else ""
        return Way("off", None, 1, 0, variable or "SCORESERVE_BATCHING is off")
    reason = why_not(run, convention, settings)
    if reason:
        _log.warning("Batching is off: %s", reason)
        return Way("off", None, 1, 0, reason)
    most, wait_ms = settings.max_batch_size, settings.batch_wait_ms
    if settings.batching == "rows":
        from scoreserve.worker.rows.batcher import Batcher

        batcher = Batcher(runner, most, convention.text_parameter)
        sample = sample_arguments(run, convention.text_parameter, settings)
        if sample is not None:
            say_stage("trying batching with the known sample")
            batcher.try_sample(sample)
        return Way("rows", batcher, most, wait_ms)
    from scoreserve.worker.model.meeting import ModelRunner

    meeting = ModelRunner(runner, most, exact=settings.batch_exact)
    meeting.start()
    _log.info("Batching: calls of run() meet in the model, at most %d at once", most)
    return Way("model", meeting, most, wait_ms)


def why_not(run: Callable[..., Any], convention: Convention, settings: Settings) -> str:
    """Why calls of this script can never share work the way that is asked for, or ""."""
    if settings.batching == "rows":
        flask = _USES_FLASK if "flask" in sys.modules else ""
        return flask if convention.mergeable else _NO_BODY_ALONE
    if convention.awaited or inspect.isgeneratorfunction(run):
        return "run() is async or a generator"
    greens = [name for name in _GREENLET_LIBRARIES if name in sys.modules]
    if greens:
        return f"the script uses {greens[0]}, which switches between calls itself"
    if settings.stateless or is_stateless(run):
        return ""
    from scoreserve.worker.model.shared_state import obstacles

    found = obstacles(run)
    if not found:
        return ""
    first = found[0]
    return (
        "calls of run() could see each other's state: it"
        f" {first.reason} ({first.path}, line {first.line}: {first.source})"
    )


def flask_imported(way: Way) -> None:
    """A script whose bodies are merged may look at the request from now on."""
    batcher: Any = way.together
    if way.name == "rows" and not batcher.off:
        batcher.off = _USES_FLASK
        _log.warning("Batching is off: %s", _USES_FLASK)
