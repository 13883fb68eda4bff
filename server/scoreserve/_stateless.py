"""`@stateless`: for a run() whose calls may be under way together, whatever it looks like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

_Function = TypeVar("_Function", bound=Callable[..., Any])
_MARK = "__scoreserve_stateless__"


def stateless(function: _Function) -> _Function:
    """Says of run() that its calls do not see each other's state, so that they may meet in the
    model's predict. It is the author's word: the script is not looked at. Returns the function.
    """
    setattr(function, _MARK, True)
    return function


def is_stateless(function: Callable[..., Any]) -> bool:
    """Whether the function is `@stateless`."""
    return bool(getattr(function, _MARK, False))
