"""Known methods of libraries' classes, replaced by ones that let calls meet.

A method is replaced where its class defines it, so that models are found wherever they are: in
globals, attributes, dicts, or loaded late in run(). Who looks at the class sees the method as it
was, and who looks at a model's one that looks like it, so that signatures, pickles and `hasattr` go
on as ever.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import update_wrapper
from types import FunctionType, MethodType
from typing import Any

from scoreserve.worker.model import libraries
from scoreserve.worker.model.libraries import Library

# Called in the method's place: with the library, the model, the method's name, the method itself
# as it is bound to the model, its arguments, and those by keyword.
Meet = Callable[[Library, Any, str, Callable[..., Any], tuple[Any, ...], Mapping[str, Any]], Any]


class Intercepted:
    """A descriptor in the place of a method, or of another descriptor that gives one."""

    def __init__(self, library: Library, owner: type, name: str, meet: Meet) -> None:
        self.original = owner.__dict__[name]
        self._function = _leads_to(meet, library, owner, name)

    def __get__(self, model: Any, owner: type | None = None) -> Any:
        if type(self.original) is not FunctionType or model is None:
            bound = self.original.__get__(model, owner)  # raises where the model has no such method
            if model is None:
                return bound
        return MethodType(self._function, model)

    def __getattr__(self, name: str) -> Any:
        if name == "original":  # while it is being made, or unpickled
            raise AttributeError(name)
        return getattr(self.original, name)


def _leads_to(meet: Meet, library: Library, owner: type, name: str) -> Callable[..., Any]:
    """A method that looks like the one that `owner` has."""
    original = owner.__dict__[name]

    def called(model: Any, /, *args: Any, **kwargs: Any) -> Any:
        return meet(library, model, name, original.__get__(model, type(model)), args, kwargs)

    return update_wrapper(called, original.__get__(None, owner), updated=())


class Interception:
    """The methods that are replaced in this process."""

    def __init__(self, meet: Meet) -> None:
        self._meet = meet
        self._modules = 0  # that were loaded when it was looked last
        self._replaced: list[tuple[type, str, Any]] = []

    def look(self) -> None:
        """Replaces the methods of what is loaded now, where that is not done yet."""
        if len(sys.modules) == self._modules:
            return
        for library in libraries.loaded():
            for owner, name in library.methods():
                original = owner.__dict__[name]
                if not isinstance(original, Intercepted):
                    setattr(owner, name, Intercepted(library, owner, name, self._meet))
                    self._replaced.append((owner, name, original))
        self._modules = len(sys.modules)

    def undo(self) -> None:
        """Puts back what was replaced."""
        for owner, name, original in self._replaced:
            setattr(owner, name, original)
        self._replaced.clear()
        self._modules = 0
