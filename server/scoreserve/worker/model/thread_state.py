"""What libraries keep for a thread, and calls that share it must not see of each other.

Each call of run() that is under way has its own: it is put away when another goes on, and put back
when it is its turn. What libraries keep in context variables (flask's request, decimal, numpy from
version 2) needs nothing: each call has a context of its own.

It is looked at twice a request, and so asks each library in the cheapest way there is.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Hashable
from typing import Any, Final

_modules: Final = sys.modules
_warnings: Final[Any] = warnings
_SHOW_MESSAGE: Final = "_showwarnmsg_impl"

# What asks a library, once it is loaded; None: it keeps nothing of the kind.
_Ask = Callable[[], Any]


class ThreadState:
    """The state as it was when this was made. `key` must be equal for two calls to share one of a
    model.
    """

    def __init__(self) -> None:
        # What `catch_warnings` sets, and puts back.
        self._filters: Any = _warnings.filters
        self._show: Any = _warnings.showwarning
        self._show_message: Any = getattr(_warnings, _SHOW_MESSAGE, None)
        self._torch = _torch_modes()
        config = _sklearn_config()
        self._sklearn: dict[str, Any] | None = None if config is None else dict(config)
        self._numpy = _numpy_errors()
        options = () if self._sklearn is None else tuple(self._sklearn.items())
        # Who records warnings gets those of its own rows, and who has them raised as well.
        warned = (tuple(self._filters), self._show, self._show_message)
        self.key: Hashable = (self._torch, options, self._numpy, warned)

    def now(self) -> ThreadState:
        """The present state: this one, where nothing has changed."""
        return self if self.holds() else ThreadState()

    def holds(self) -> bool:
        """Whether the present state is this one."""
        return (
            _warnings.filters is self._filters
            and _warnings.showwarning is self._show
            and getattr(_warnings, _SHOW_MESSAGE, None) is self._show_message
            and ("sklearn" not in _modules or _sklearn_config() == self._sklearn)
            and ("torch" not in _modules or _torch_modes() == self._torch)
            and _numpy_errors() == self._numpy
        )

    def restore(self) -> None:
        """Makes it the state again."""
        if self.holds():
            return
        _warnings.filters = self._filters
        _warnings.showwarning = self._show
        setattr(_warnings, _SHOW_MESSAGE, self._show_message)
        mutated = getattr(_warnings, "_filters_mutated", None)
        if mutated is not None:
            mutated()
        if self._torch is not None:
            _set_torch_modes(*self._torch)
        if self._sklearn is not None:
            _modules["sklearn"].set_config(**self._sklearn)
        if self._numpy is not None:
            _modules["numpy"].seterr(**dict(self._numpy))


def _torch_modes() -> tuple[bool, bool, bool] | None:
    torch: Any = _modules.get("torch")
    if torch is None or not hasattr(torch, "is_autocast_enabled"):  # or it is being imported
        return None
    return torch.is_inference_mode_enabled(), torch.is_grad_enabled(), torch.is_autocast_enabled()


_inference_modes: list[Any] = []  # at most one: that which is entered since the last switch


def _set_torch_modes(inference: bool, grad: bool, autocast: bool) -> None:
    """What inference_mode sets can only be entered and left. Each puts back what was before it,
    whatever that is now, so ours is left before the state is looked at.
    """
    torch: Any = _modules["torch"]
    if _inference_modes:
        _inference_modes.pop().__exit__(None, None, None)
    if torch.is_inference_mode_enabled() != inference:
        mode = torch.inference_mode(inference)
        mode.__enter__()
        _inference_modes.append(mode)
    torch.set_grad_enabled(grad)
    torch.set_autocast_enabled(autocast)


_asks: Final[dict[str, _Ask | None]] = {}


def _sklearn_config() -> dict[str, Any] | None:
    """Not to be kept: it may be the thread's own."""
    ask = _asks.get("sklearn")
    if ask is None:
        ask = _asks["sklearn"] = _sklearn_ask()
    return None if ask is None else ask()


def _sklearn_ask() -> _Ask | None:
    """get_config() makes a copy, of what this private function gives."""
    sklearn: Any = _modules.get("sklearn")
    if sklearn is None or not hasattr(sklearn, "get_config"):  # or it is being imported
        return None
    private: Any = _modules.get("sklearn._config")
    ask: _Ask = getattr(private, "_get_threadlocal_config", None) or sklearn.get_config
    return ask


def _numpy_errors() -> tuple[tuple[str, str], ...] | None:
    if "numpy" not in _asks:
        numpy: Any = _modules.get("numpy")
        if numpy is None or not hasattr(numpy, "__version__"):
            return None
        of_thread = numpy.__version__.startswith(("0.", "1."))
        _asks["numpy"] = numpy.geterr if of_thread else None
    ask = _asks["numpy"]
    return None if ask is None else tuple(ask().items())
