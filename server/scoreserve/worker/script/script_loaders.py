"""Loads the entry script's file as what it is: source, bytecode or an extension module."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from importlib import machinery
from types import ModuleType
from typing import Any

from scoreserve.errors import BootError

_LOOKED_AT_BYTES = 4096
_EXTENSIONS = (".so", *machinery.EXTENSION_SUFFIXES)


class _SourceLoader(machinery.SourceFileLoader):
    """Never reads or writes bytecode: a container restarted with a changed script of the same
    size and time stamp must run the script, not its cache.
    """

    def path_stats(self, path: str) -> Any:
        raise OSError("no bytecode for the entry script")


def load(path: str, name: str, begins: Callable[[], None]) -> ModuleType:
    """The module of the file at `path`, which is `name` in sys.modules; `begins` is called once it
    is there. Raises BootError when no loader fits, or what the module's own code raises.
    """
    if path.endswith(_EXTENSIONS):
        return _load_extension(path, name, begins)
    if path.endswith(tuple(machinery.BYTECODE_SUFFIXES)):
        _check_bytecode(path)
        return _load(name, machinery.SourcelessFileLoader(name, path), begins)
    _check_source(path)
    return _load(name, _SourceLoader(name, path), begins)


def _load(name: str, loader: Any, begins: Callable[[], None]) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, loader.path, loader=loader)
    if spec is None:
        raise BootError(f"{loader.path} cannot be imported as a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    begins()
    loader.exec_module(module)
    return module


def _load_extension(path: str, name: str, begins: Callable[[], None]) -> ModuleType:
    """An extension module knows its own name, which is that of its file."""
    own_name = os.path.basename(path).partition(".")[0]
    loader = machinery.ExtensionFileLoader(own_name, path)
    spec = importlib.util.spec_from_file_location(own_name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.modules.setdefault(own_name, module)
    begins()
    loader.exec_module(module)
    return module


def _check_bytecode(path: str) -> None:
    with open(path, "rb") as file:
        if file.read(len(importlib.util.MAGIC_NUMBER)) == importlib.util.MAGIC_NUMBER:
            return
    version = ".".join(map(str, sys.version_info[:2]))
    raise BootError(
        f"{path} is no bytecode of this Python, {version}: compile it with the Python that runs it."
    )


def _check_source(path: str) -> None:
    if path.lower().endswith(".ipynb"):
        raise BootError(
            f"{path} is a notebook. An entry script is a Python file: save the notebook as one,"
            " as `jupyter nbconvert --to script` does, and see that it has init() and run()."
        )
    with open(path, "rb") as file:
        if b"\0" in file.read(_LOOKED_AT_BYTES):
            raise BootError(f"{path} is neither Python source nor anything else to import.")
