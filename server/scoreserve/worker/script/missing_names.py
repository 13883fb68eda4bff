"""What a child process gets for a name that the entry script does not have there.

A child of multiprocessing.Pool that cannot read its task ends, and is replaced by one that cannot
either: whoever waits for the result waits for ever. So the name is found, and the task fails when
it is called, with an error that the parent is told.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, NoReturn


def stand_in_for(module_name: str, why: str) -> None:
    """Makes the module one that has all names."""
    module = sys.modules.setdefault(module_name, ModuleType(module_name))
    vars(module)["__why__"] = why
    module.__class__ = _Script


class _Script(ModuleType):
    """A module that lacks no name that a pickle can ask for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        problem = f"{self.__name__}.{name} is not there in a child process: {self.__why__}"
        return _Missing(name, (_MissingObject,), {"__module__": self.__name__, "problem": problem})


class _Missing(type):
    """Stands for a function or a class. It is a class, since a pickle makes objects of classes
    without calling them.
    """

    problem: str

    def __call__(cls, *arguments: Any, **options: Any) -> NoReturn:
        raise ImportError(cls.problem)


class _MissingObject(metaclass=_Missing):
    """Stands for an object of a class that is not there."""

    problem: str

    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        return super().__new__(cls)

    def __call__(self, *arguments: Any, **options: Any) -> NoReturn:
        raise ImportError(self.problem)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self
