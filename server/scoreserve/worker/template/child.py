"""A worker that was forked from a template: what it changes of what it has from there, and its end.

The functions that init() registered with atexit, and what is not yet written of its open files, are
the template's. So it ends as the processes of multiprocessing do: past the interpreter's own end.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence

from scoreserve.logs import JsonFormatter
from scoreserve.worker.script.loaded import LoadedScript
from scoreserve.worker.template import positions, threads
from scoreserve.worker.template.obstacles import open_files


class ForkedWorker:
    """This process. `descriptors` are its ends of the pipes to the front, `loaded` is the script,
    `thread_variables` are the environment's, see `threads`.
    """

    def __init__(
        self,
        descriptors: Sequence[int],
        loaded: LoadedScript,
        thread_variables: Mapping[str, str | None],
    ) -> None:
        self._descriptors = descriptors
        self._loaded = loaded
        self._thread_variables = thread_variables

    def live(self, serve: Callable[[int, int], None]) -> None:
        """Serves, and ends the process."""
        code = 0
        try:
            atexit._clear()  # noqa: SLF001 - as multiprocessing does
            atexit.register(logging.shutdown)
            source, sink = self._descriptors
            serve(source, sink)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:
            traceback.print_exc()
            code = 1
        finally:
            threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - waits for threads
            atexit._run_exitfuncs()  # noqa: SLF001
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def settle(self) -> LoadedScript:
        """Makes it differ from its siblings, before anything of the script's runs in it. Python's
        own `random` sees to itself.
        """
        JsonFormatter.role = "worker"
        threads.restore(self._thread_variables)
        positions.make_own(file.descriptor for file in open_files())
        numpy_random = sys.modules.get("numpy.random")
        if numpy_random is not None:
            numpy_random.seed()
        return self._loaded
