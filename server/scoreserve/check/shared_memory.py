"""Whether a script reads a large file in each worker that all of them could map instead."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator

from scoreserve.check.findings import Finding, Level
from scoreserve.settings import MEBIBYTE, Settings

_LARGE_BYTES = 100 * MEBIBYTE
_LOADERS = {("joblib", "load"), ("np", "load"), ("numpy", "load")}
_ARRAYS = b"\x93NUMPY"  # https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
_PICKLE = b"\x80"  # which joblib's files begin with, unless they are compressed


def findings(settings: Settings) -> Iterator[Finding]:
    """A hint, if there is one."""
    path = settings.script_path
    if path is None or not path.endswith(".py") or not settings.model_dir:
        return
    line = _line_that_reads(path)
    large = _mappable(settings.model_dir) if line is not None else None
    if large is not None:
        name, size = large
        yield Finding(
            "memory",
            Level.OK,
            f"each worker reads {name}, {size // MEBIBYTE} MiB",
            f"{path}, line {line}",
            'With mmap_mode="r" there, arrays in the file are in memory once, for all workers.',
        )


def _line_that_reads(path: str) -> int | None:
    """The line of the script that loads a file with joblib or NumPy, without mapping it."""
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):  # which others tell
        return None
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and (node.func.value.id, node.func.attr) in _LOADERS
            and "mmap_mode" not in {keyword.arg for keyword in node.keywords}
        ):
            return node.lineno
    return None


def _mappable(folder: str) -> tuple[str, int] | None:
    """The name and size of the largest file of the folder that can be mapped, if it is large."""
    found = None
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            try:
                size = os.path.getsize(path)
                if size > max(_LARGE_BYTES, found[1] if found else 0) and _is_mappable(path):
                    found = name, size
            except OSError:  # it cannot be read, or leads nowhere
                continue
    return found


def _is_mappable(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(len(_ARRAYS)).startswith((_ARRAYS, _PICKLE))
