"""Finds the entry script, imports it, and says what was looked for when it cannot be used.

The rules are the reference's (azureml-inference-server-http 1.5.1, server/user_script.py): the
script is loaded by path as the module `entry_module`; without a path, the module `main` is
imported; a `driver_module` inside it supplies run() but not init().
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from types import ModuleType
from typing import Any

from scoreserve.errors import BootError
from scoreserve.settings import Settings
from scoreserve.worker.script import child_processes, script_loaders
from scoreserve.worker.script.model_interface import ModelInterface

_TREE_LINES = 200
_MOST_NAMED = 5  # other scripts, or functions
_SIGNATURES = {"init": "def init():", "run": "def run(data):"}

_log = logging.getLogger("azmlinfsrv")
_script_log = logging.getLogger("azmlinfsrv.user_script")


@dataclass(frozen=True)
class EntryScript:
    """The functions of an imported entry script. `model` is what a built-in one serves;
    `after_fork` is told the worker's index, see `worker/script/after_fork.py`.
    """

    init: Callable[[], Any]
    run: Callable[..., Any]
    model: ModelInterface | None = None
    after_fork: Callable[[int], Any] | None = None


def prepare_import_path(settings: Settings) -> None:
    """Puts the script's directories on sys.path, where they stand for the reference.

    AML_APP_ROOT and AZUREML_SOURCE_DIRECTORY come last, so installed packages win over modules of
    their name; but a current directory that is not AML_APP_ROOT comes first.
    """
    directories = [settings.app_root]
    if settings.source_dir:
        directories.append(os.path.join(settings.app_root, settings.source_dir))
    with contextlib.suppress(FileNotFoundError):  # it was removed since the server started in it
        cwd = os.getcwd()
        if cwd not in (*sys.path, settings.app_root):
            sys.path.insert(0, cwd)
    sys.path += [path for path in dict.fromkeys(directories) if path not in sys.path]


def load(settings: Settings) -> EntryScript:
    """Imports the entry script.

    Raises BootError when there is no script, or no init or run in it; whatever the script's own
    top-level code raises is raised as it is.
    """
    path = settings.script_path
    module = _import_main(settings) if path is None else import_path(path)
    driver = getattr(module, "driver_module", None)
    if isinstance(driver, ModuleType) and hasattr(driver, "run"):
        run = driver.run
        _script_log.info(
            "Found driver script at %s and the score script at %s",
            module.__file__,
            driver.__file__,
        )
    else:
        run = _function(module, "run")
        _script_log.info("Found user script at %s", module.__file__)
    hook = getattr(module, "after_fork", None)
    return EntryScript(_function(module, "init"), run, after_fork=hook if callable(hook) else None)


def import_path(path: str) -> ModuleType:
    """The script at `path`, imported as the module `entry_module`. Raises BootError when it cannot
    be one, or what its own code raises.
    """
    if not os.path.isfile(path):
        raise BootError(
            f"No such file or directory.\nFileNotFoundError: there is no entry script at {path}",
            what=f"There is no entry script at {os.path.abspath(path)}",
            remedy=_others_beside(path),
        )
    # dataclasses, pickle and typing look a class's module up by name.
    return script_loaders.load(path, child_processes.MODULE_NAME, child_processes.script_loads)


def log_model_directory(path: str | None) -> None:
    """Logs the tree of the model directory, at most 200 lines of it."""
    if not path or not os.path.exists(path):
        _log.info("Model directory: %s", f"{path} does not exist" if path else "not set")
        return
    _log.info("Model Directory Contents:")
    lines = tree(path)
    for line in islice(lines, _TREE_LINES):
        _log.info(line)
    if next(lines, None) is not None:
        _log.info("Output Truncated. First %d lines shown.", _TREE_LINES)


def tree(path: str, depth: int = 0) -> Iterator[str]:
    """A line for every file and directory under `path`, sorted, four spaces a level."""
    name = "    " * depth + os.path.basename(os.path.normpath(path))
    if not os.path.isdir(path):
        yield name
        return
    yield name + os.sep
    try:
        children = sorted(os.listdir(path))
    except OSError as error:
        yield "    " * (depth + 1) + f"({error.strerror})"
        return
    for child in children:
        inner = os.path.join(path, child)
        if os.path.islink(inner) and os.path.isdir(inner):
            yield "    " * (depth + 1) + f"{child} -> {os.readlink(inner)}"
        else:
            yield from tree(inner, depth + 1)


def _import_main(settings: Settings) -> ModuleType:
    try:
        return importlib.import_module("main")
    except ModuleNotFoundError as error:
        if error.name != "main":
            raise
    root = settings.app_root
    found = os.listdir(root) if os.path.isdir(root) else "not an accessible directory"
    raise BootError(
        "No score script found. Expected score script main.py.\n"
        f"Expected script to be found in PYTHONPATH: {sys.path}\n"
        f"Current contents of AML_APP_ROOT: {found}\n"
        "Name another script with --entry-script or AZUREML_ENTRY_SCRIPT, or with --model a model"
        " that needs none.",
        what=f"No entry script is named, and there is no main.py in {root}",
        remedy="Name the script: scoreserve serve score.py, or AZUREML_ENTRY_SCRIPT=score.py.\n"
        "A model that needs no script is named with --model.",
    )


def _others_beside(path: str) -> str:
    """What the user may have meant by a script's path that leads nowhere."""
    from difflib import get_close_matches

    if os.path.isdir(path):
        return "This is a folder: name the Python file in it."
    folder, name = os.path.split(os.path.abspath(path))
    try:
        scripts = sorted(other for other in os.listdir(folder) if other.endswith(".py"))
    except OSError as error:
        return f"The folder {folder} cannot be looked into: {error.strerror}."
    near = get_close_matches(name, scripts, n=1) or (scripts if len(scripts) == 1 else [])
    if near:
        return f"Did you mean {near[0]}, which is there?"
    there = ", ".join(scripts[:_MOST_NAMED]) or "no Python file"
    return f"Name the script with --entry-script. In that folder there is {there}."


def _function(module: ModuleType, name: str) -> Callable[..., Any]:
    function = getattr(module, name, None)
    if function is None:
        raise BootError(
            f"User script at {module.__file__} does not have a {name}() function defined.",
            what=f"The script has no {name}()",
            where=str(module.__file__),
            remedy=f"Define `{_SIGNATURES[name]}` in it{_defined_in(module)}",
        )
    return function  # type: ignore[no-any-return]


def _defined_in(module: ModuleType) -> str:
    """The functions that the script has instead."""
    found = [
        f"{name}()"
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__ and callable(value)
    ]
    more = ", ..." if len(found) > _MOST_NAMED else ""
    return f": it has {', '.join(found[:_MOST_NAMED])}{more}." if found else "."
