"""A call of a model's method that waits for those of other requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any, Final

from scoreserve.worker.model.join import key_of
from scoreserve.worker.model.libraries.library import RowsCall
from scoreserve.worker.model.method_state import MethodState
from scoreserve.worker.model.thread_state import ThreadState

PENDING: Final = object()  # the result of who has none yet
_clock: Final = time.perf_counter


class Waiting:
    """A call of a known method that waits for others, and what it goes on with: its `result` or
    `error`; else it calls the method for itself.

    Those of the same state with equal keys can share a call.
    """

    def __init__(
        self,
        state: MethodState,
        call: RowsCall,
        bound: Callable[..., Any],
        thread_state: ThreadState,
        exact: bool,
    ) -> None:
        self.state = state
        self.call = call
        self.bound = bound
        self.exact = exact  # results are to be equal to the bit
        self.thread_state = thread_state
        rows_key = key_of(call.rows)
        self.joins = rows_key is not None
        self.key: Hashable = (rows_key, call.rest, thread_state.key)
        self.until = 0.0  # its request may take
        self.shared: list[Waiting] = []  # those that it is to call the method for, itself included
        self.result: Any = PENDING
        self.error: BaseException | None = None
        self.raised_together = False

    def alone(self) -> Any:
        """What the method gives for its own rows. Raises what that raises."""
        args, kwargs = self.call.arguments(self.call.rows)
        started = _clock()
        try:
            result = self.bound(*args, **kwargs)
        except Exception:
            self.state.raised_alone()
            raise
        self.state.took_alone(_clock() - started, self.raised_together)
        return result
