"""Has something done when a module has been imported, whoever imports it, and whenever."""

from __future__ import annotations

import copy
import logging
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_log = logging.getLogger("azmlinfsrv")

Then = Callable[[ModuleType], None]


def call(name: str, then: Then) -> None:
    """Calls `then` with each module that is imported from now on by this name, or by one that ends
    with it after a dot: libraries carry copies of others.

    It is called by the thread that imports the module, before that has it.
    """
    for finder in sys.meta_path:
        if isinstance(finder, _Finder):
            break
    else:
        finder = _Finder()
        sys.meta_path.insert(0, finder)
    finder.then.setdefault(name, []).append(then)


class _Finder:
    """Finds what the others find, with a loader that does what is to be done."""

    def __init__(self) -> None:
        self.then: dict[str, list[Then]] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        then = self.then.get(fullname.rpartition(".")[2])
        if then is None:
            return None
        for finder in sys.meta_path:
            if finder is not self:
                spec = finder.find_spec(fullname, path, target)
                if spec is not None:
                    return _followed(spec, then)
        return None


def _followed(spec: ModuleSpec, then: list[Then]) -> ModuleSpec:
    if not hasattr(spec.loader, "exec_module"):
        return spec
    # A copy: one loader may be that of a whole archive. Not another class: it may be asked for
    # sources and data, and is the module's `__loader__`.
    loader: Any = copy.copy(spec.loader)
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        execute(module)
        for each in then:
            try:
                each(module)
            except Exception:  # of whoever imports it this is no affair
                _log.exception("What follows the import of %s failed", module.__name__)

    loader.exec_module = exec_module
    spec.loader = loader
    return spec
