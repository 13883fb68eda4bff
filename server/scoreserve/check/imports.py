"""What a script imports and is not there, found out from its text: nothing of it is run.

Modules beside the script are read too. What an `except ImportError` waits for may be missing, and
so may what only a type checker imports.
"""

from __future__ import annotations

import ast
import importlib.util
import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_GUARDS = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


class Import(NamedTuple):
    """An import statement. `function` is the one that it stands in; "": it runs with the script."""

    module: str
    path: str
    line: int
    function: str


class Imports(NamedTuple):
    """Those of a script and its own modules: top-level names that are there, and what is not."""

    found: frozenset[str]
    missing: tuple[Import, ...]


def of_script(path: str) -> Imports:
    """The imports that are there and those that are not, where modules are looked for now.

    Raises SyntaxError, and OSError or ValueError for what is no text.
    """
    found: set[str] = set()
    missing: dict[str, Import] = {}
    seen, ahead = {path}, [path]
    while ahead:
        for each in statements(ahead.pop()):
            top = each.module.partition(".")[0]
            origin = _origin(top)
            if origin is None:
                # One that runs with the script tells more than one in a function.
                if top not in missing or (missing[top].function and not each.function):
                    missing[top] = each
                continue
            found.add(top)
            if _is_beside(origin, path) and origin not in seen:
                seen.add(origin)
                ahead.append(origin)
    return Imports(frozenset(found), tuple(missing.values()))


def statements(path: str) -> Iterator[Import]:
    """The imports of a file that must not fail."""
    with open(path, "rb") as file:
        tree = ast.parse(file.read(), path)
    yield from _of_body(tree.body, path, "")


def _of_body(body: Iterable[ast.AST], path: str, function: str) -> Iterator[Import]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from (Import(name.name, path, node.lineno, function) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module and not node.level:
                yield Import(node.module, path, node.lineno, function)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _of_body(node.body, path, node.name)
        elif isinstance(node, ast.Try) and any(map(_is_guard, node.handlers)):
            yield from _of_body(node.orelse + node.finalbody, path, function)
        elif not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            yield from _of_body(ast.iter_child_nodes(node), path, function)


def _is_guard(handler: ast.ExceptHandler) -> bool:
    """Whether it catches an import that fails."""
    if handler.type is None:
        return True
    names = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(name, ast.Name) and name.id in _GUARDS for name in names)


def _origin(module: str) -> str | None:
    """Where the module would come from; None: it is not there."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError, AttributeError):  # a finder of the user's, or `__main__`
        return None
    return None if spec is None else spec.origin or ""


def _is_beside(origin: str, script: str) -> bool:
    """Whether the file is the user's: below the script's folder, and not installed there."""
    folder = os.path.dirname(os.path.abspath(script)) + os.sep
    return (
        origin.endswith(".py")
        and os.path.abspath(origin).startswith(folder)
        and "site-packages" not in origin
    )
