"""How a module of ours is started as a process of its own."""

from __future__ import annotations

import sys

# What `-P` does, for a Python that has none yet.
_AS_WITH_P = """
import sys
del sys.path[0]
import runpy
runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
"""


def module_command(module: str) -> list[str]:
    """The command line that runs the module, as `python -m` does, but for the current directory,
    which is not on sys.path: a file of the user's must not shadow what the module itself imports.
    """
    if sys.version_info >= (3, 11):
        return [sys.executable, "-P", "-m", module]
    return [sys.executable, "-c", _AS_WITH_P.format(module=module)]
