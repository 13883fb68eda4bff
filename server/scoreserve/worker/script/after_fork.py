"""The script's `after_fork(index)`: what each worker does for itself, once init() is done.

Where workers are forked from a template (WORKER_PRELOAD), init() runs once, in the template, and
after_fork in each worker. Where they are not, it follows init() in the same process, so that a
script need not know.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from scoreserve.worker.script.script_runner import run_init

if TYPE_CHECKING:
    from scoreserve.worker.script.coroutines import Coroutines


def call(
    hook: Callable[[int], Any], index: int, coroutines: Coroutines | None
) -> Coroutines | None:
    """Calls the hook with the worker's index, and awaits what it returns. Returns the coroutines of
    the script, which are those given where the hook makes none. Raises what the hook raises.
    """
    return run_init(partial(hook, index)) or coroutines
