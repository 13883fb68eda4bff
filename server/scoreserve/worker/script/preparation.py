"""What a script may rely on in the process that imports it, whichever command that belongs to."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from scoreserve.compat import finder
from scoreserve.settings import Settings
from scoreserve.worker.script import child_processes, entry_script


def prepare(settings: Settings, arguments: Sequence[str] = ()) -> None:
    """sys.argv with these arguments, Azure ML's imports, where its modules are looked for, and that
    processes which it starts find its functions. Once a process, before the import.
    """
    sys.argv = [settings.script_path or "main", *arguments]
    finder.install()
    entry_script.prepare_import_path(settings)
    if settings.script_path is not None:
        child_processes.prepare(settings.script_path)
