"""`@batched`: for a run() that takes many inputs at once and says so itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, overload

_Function = TypeVar("_Function", bound=Callable[..., Any])
_MARK = "__scoreserve_batched__"


class BatchedRun(NamedTuple):
    """What a `@batched` run() asks for: inputs in one call, and milliseconds to wait for them."""

    max_batch_size: int
    wait_ms: float


@overload
def batched(function: _Function) -> _Function: ...


@overload
def batched(
    *, max_batch_size: int = ..., wait_ms: float = ...
) -> Callable[[_Function], _Function]: ...


def batched(
    function: Callable[..., Any] | None = None, *, max_batch_size: int = 32, wait_ms: float = 0
) -> Any:
    """Has `run(inputs: list) -> list` called with the inputs of several requests.

    Each input is the body's text, as run() would have got it alone. The result must have as many
    items, in the same order; an exception among them is the answer to its request alone, as if
    run() had raised it. At most `max_batch_size` inputs a call; the oldest waits up to `wait_ms`
    for others. Raises ValueError for a size below 1 or a negative wait.
    """
    if max_batch_size < 1 or wait_ms < 0:
        raise ValueError("max_batch_size must be at least 1, and wait_ms not negative")

    def mark(function: _Function) -> _Function:
        setattr(function, _MARK, BatchedRun(max_batch_size, wait_ms))
        return function

    return mark if function is None else mark(function)


def batched_run(function: Callable[..., Any]) -> BatchedRun | None:
    """What the function asks for, or None if it is not `@batched`."""
    return getattr(function, _MARK, None)
