"""Which code is the script's own, and its syntax trees.

Own is what lies neither in the standard library nor in an installed package nor in this server.
"""

from __future__ import annotations

import ast
import os
import sys
import sysconfig
import tokenize
import types
from typing import Any

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

INSTALLED = ("site-packages", "dist-packages")


class SourceMissing(Exception):
    """Code of the script's own that cannot be read, or not be found in what can."""


class SourceFile:
    """One file of the script's own, parsed; its functions by the line on which they begin."""

    def __init__(self, path: str) -> None:
        self.path = path
        with tokenize.open(path) as file:
            text = file.read()
        self.lines = text.splitlines()
        self.tree = ast.parse(text)
        self.functions: dict[int, list[FunctionNode]] = {}
        self.classes: dict[FunctionNode, str] = {}  # the class around each
        self._collect(self.tree, "")

    def _collect(self, node: ast.AST, cls: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, FunctionNode):
                decorators = getattr(child, "decorator_list", [])
                first = min([child.lineno, *(each.lineno for each in decorators)])
                self.functions.setdefault(first, []).append(child)
                self.classes[child] = cls
            self._collect(child, child.name if isinstance(child, ast.ClassDef) else cls)

    def mangled(self, name: str, node: FunctionNode) -> str:
        """A private name as it is compiled within a class."""
        cls = self.classes.get(node, "").lstrip("_")
        private = name.startswith("__") and not name.endswith("__")
        return f"_{cls}{name}" if private and cls else name

    def function(self, code: types.CodeType) -> FunctionNode | None:
        """The definition that `code` was compiled from."""
        named = [
            node
            for node in self.functions.get(code.co_firstlineno, [])
            if getattr(node, "name", "<lambda>") == code.co_name and _same_names(node, code)
        ]
        # Several lambdas on one line are told apart by what they name.
        return next((node for node in named if _reads(node, code)), named[0] if named else None)


def _reads(node: FunctionNode, code: types.CodeType) -> bool:
    named = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    named |= {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
    return named >= {*code.co_names, *code.co_freevars} and not any(
        isinstance(each, ast.Attribute) and each.attr not in code.co_names
        for each in ast.walk(node)
    )


def _same_names(node: FunctionNode, code: types.CodeType) -> bool:
    arguments = node.args
    named = [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    count = code.co_argcount + code.co_kwonlyargcount
    # Names that begin with two underscores are compiled with the class's name before them.
    return len(named) == count and all(
        compiled.endswith(written)
        for compiled, written in zip(code.co_varnames[:count], named, strict=True)
    )


class Sources:
    """The script's own files, each read once."""

    def __init__(self) -> None:
        self._files: dict[str, SourceFile] = {}
        self._own: dict[str, bool] = {}
        self._own_classes: dict[type, bool] = {}
        paths = sysconfig.get_paths()
        kept = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
        kept.append(os.path.dirname(sys.modules["scoreserve"].__file__ or ""))
        self._foreign = tuple({os.path.realpath(path) + os.sep for path in kept if path})

    def file(self, path: str) -> SourceFile:
        """The parsed file; raises SourceMissing."""
        if path not in self._files:
            try:
                self._files[path] = SourceFile(path)
            except (OSError, SyntaxError, ValueError) as error:
                raise SourceMissing(f"its source cannot be read ({error})") from error
        return self._files[path]

    def is_own_path(self, path: str | None) -> bool:
        """Whether the file belongs to the script."""
        if not path or path.startswith("<"):
            return False
        if path not in self._own:
            real = os.path.realpath(path)
            installed = any(f"{os.sep}{name}{os.sep}" in real for name in INSTALLED)
            self._own[path] = not installed and not real.startswith(self._foreign)
        return self._own[path]

    def is_own_module(self, name: Any) -> bool:
        """Whether the module of that name is one of the script's."""
        module = sys.modules.get(name) if isinstance(name, str) else None
        return module is not None and self.is_own_path(getattr(module, "__file__", None))

    def is_own_function(self, function: Any) -> bool:
        """Whether it was written in the script; what `exec` made for it counts by its module."""
        if not isinstance(function, types.FunctionType):
            return False
        path = function.__code__.co_filename
        if not path.startswith("<"):
            return self.is_own_path(path)
        # Methods of named tuples and data classes are made by exec too, and store to self alone.
        generated = function.__name__.startswith(("__", "_make", "_replace", "_asdict"))
        own = self.is_own_path(function.__globals__.get("__file__"))
        return own and not generated

    def is_own_class(self, cls: Any) -> bool:
        """Whether the class was defined in one of the script's modules."""
        if not isinstance(cls, type):
            return False
        if cls not in self._own_classes:
            self._own_classes[cls] = self._is_own_class(cls)
        return self._own_classes[cls]

    def _is_own_class(self, cls: type) -> bool:
        return any(
            self.is_own_module(each.__module__) or any(map(self.is_own_function, _methods(each)))
            for each in cls.__mro__
            if each.__module__ != "builtins"
        )


def _methods(cls: type) -> list[Any]:
    return [value for value in vars(cls).values() if isinstance(value, types.FunctionType)]
