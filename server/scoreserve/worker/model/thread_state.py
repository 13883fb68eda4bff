"""What libraries keep for a thread, and calls that share it must not see of each other.

Each call of run() that is under way has its own: it is put away when another goes on, and put back
when it is its turn. What libraries keep in context variables (flask's request, decimal, numpy from
version 2) needs nothing: each call has a context of its own.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Hashable
from typing import Any

# What `catch_warnings` sets, and puts back.
_WARNINGS = [
    name for name in ("filters", "showwarning", "_showwarnmsg_impl") if hasattr(warnings, name)
]


class ThreadState:
    """The state as it was when this was made."""

    def __init__(self) -> None:
        self._warnings = _warnings()
        self._torch = _torch_modes()
        self._sklearn = _sklearn_config()
        self._numpy = _numpy_errors()

    def now(self) -> ThreadState:
        """The present state: this one, where nothing has changed."""
        return self if self._holds() else ThreadState()

    def _holds(self) -> bool:
        return (
            all(mine is now for mine, now in zip(self._warnings, _warnings(), strict=True))
            and _torch_modes() == self._torch
            and _sklearn_config() == self._sklearn
            and _numpy_errors() == self._numpy
        )

    @property
    def key(self) -> Hashable:
        """What must be equal for two calls to share one of a model."""
        return self._torch, self._sklearn and tuple(self._sklearn.items()), self._numpy

    def restore(self) -> None:
        """Makes it the state again."""
        if self._holds():
            return
        for name, value in zip(_WARNINGS, self._warnings, strict=True):
            setattr(warnings, name, value)
        mutated: Any = getattr(warnings, "_filters_mutated", None)
        if mutated is not None:
            mutated()
        if self._torch is not None:
            _set_torch_modes(*self._torch)
        if self._sklearn is not None:
            sklearn: Any = sys.modules["sklearn"]
            sklearn.set_config(**self._sklearn)
        if self._numpy is not None:
            numpy: Any = sys.modules["numpy"]
            numpy.seterr(**dict(self._numpy))


def _warnings() -> tuple[Any, ...]:
    return tuple([getattr(warnings, name) for name in _WARNINGS])


def _torch_modes() -> tuple[bool, bool, bool] | None:
    torch: Any = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "is_autocast_enabled"):  # or it is being imported
        return None
    return torch.is_inference_mode_enabled(), torch.is_grad_enabled(), torch.is_autocast_enabled()


_inference_modes: list[Any] = []  # at most one: that which is entered since the last switch


def _set_torch_modes(inference: bool, grad: bool, autocast: bool) -> None:
    """What inference_mode sets can only be entered and left. Each puts back what was before it,
    whatever that is now, so ours is left before the state is looked at.
    """
    torch: Any = sys.modules["torch"]
    if _inference_modes:
        _inference_modes.pop().__exit__(None, None, None)
    if torch.is_inference_mode_enabled() != inference:
        mode = torch.inference_mode(inference)
        mode.__enter__()
        _inference_modes.append(mode)
    torch.set_grad_enabled(grad)
    torch.set_autocast_enabled(autocast)


def _sklearn_config() -> dict[str, Any] | None:
    sklearn: Any = sys.modules.get("sklearn")
    if sklearn is None or not hasattr(sklearn, "get_config"):
        return None
    config: dict[str, Any] = sklearn.get_config()
    return config


def _numpy_errors() -> tuple[tuple[str, str], ...] | None:
    numpy: Any = sys.modules.get("numpy")
    if numpy is None or not getattr(numpy, "__version__", "2").startswith(("0.", "1.")):
        return None
    return tuple(numpy.geterr().items())
