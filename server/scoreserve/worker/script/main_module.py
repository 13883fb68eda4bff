"""What the module `__main__` is to a script: the script itself.

A class or function that a notebook defines belongs to `__main__`, and so it is called in a pickle
that the notebook makes. Unpickled in a worker, it is looked for in that of the server's program. So
what the script defines, or imports, is found there too.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

_SCRIPTS = ("entry_module", "main")  # see entry_script

# What pickle says, in the releases of Python that there are. A module shows the name of its spec.
_MISSING = re.compile(
    r"Can't get attribute '([\w.]+)' on <module '(?:[\w.]+\.)?__main__'"
    r"|Can't resolve path '([\w.]+)' on module <module '(?:[\w.]+\.)?__main__'"
    r"|module '__main__' has no attribute '(\w+)'"
)


def install() -> None:
    """Puts a module in the place of `__main__` that has the script's names and none of ours."""
    program = sys.modules["__main__"]
    stand_in = _MainModule("__main__")
    # multiprocessing asks for its __spec__, others for its __file__.
    vars(stand_in).update(
        {name: value for name, value in vars(program).items() if _is_dunder(name)}
    )
    sys.modules["__main__"] = stand_in


def advice(error: BaseException) -> str:
    """What to do about a class of a notebook's that is not found, as lines of a report; else ""."""
    for each in _with_causes(error):
        found = _MISSING.search(str(each)) if isinstance(each, AttributeError) else None
        if found is not None:
            name = next(filter(None, found.groups())).partition(".")[0]
            return (
                f"What was unpickled needs {name}, which belonged to `__main__` where it was"
                f" pickled: the notebook or program itself. Define {name} in the entry script, or"
                f" import it there (`from my_module import {name}`), before it is unpickled: the"
                " server looks for it in the script, whose module is `entry_module`.\n"
            )
    return ""


class _MainModule(ModuleType):
    """Has what is set on it, and else what the script has."""

    def __getattr__(self, name: str) -> Any:
        if not _is_dunder(name):
            for script in _SCRIPTS:
                try:
                    return getattr(sys.modules[script], name)
                except (KeyError, AttributeError):
                    continue
        raise AttributeError(f"module '__main__' has no attribute {name!r}")


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    ahead = [error]
    while ahead:
        each = ahead.pop()
        if id(each) not in seen:
            seen.add(id(each))
            yield each
            ahead += [other for other in (each.__cause__, each.__context__) if other is not None]
