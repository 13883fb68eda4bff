"""A script that is loaded: imported, and its init() done; or why it cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scoreserve.start_failure import StartFailure
from scoreserve.worker.script.calling import Convention
from scoreserve.worker.script.entry_script import EntryScript

if TYPE_CHECKING:
    from scoreserve.worker.script.coroutines import Coroutines


class LoadedScript(NamedTuple):
    """A script whose init() is done. `coroutines` are those of an async one."""

    script: EntryScript
    convention: Convention
    coroutines: Coroutines | None


class ScriptFault(Exception):
    """The script cannot serve: `report` is for the log, `failure` for the server's last words."""

    def __init__(self, report: str, failure: StartFailure) -> None:
        super().__init__(failure.line)
        self.report = report
        self.failure = failure
