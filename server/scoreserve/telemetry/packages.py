"""Which packages are installed, found out without importing them."""

from __future__ import annotations

import importlib.util


def is_installed(module: str) -> bool:
    """Whether there is such a module."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # a package that it would be in
        return False
