"""One call of one function of the script's own, as it is gone through."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from scoreserve.worker.model.shared_state.sources import FunctionNode, SourceFile
from scoreserve.worker.model.shared_state.values import NOTHING, Function, Value

Names = dict[str, Value]
Guard = tuple[str, ...]  # what is stored only while it is not there: ("global", name) and others


@dataclass(eq=False)
class Hold:
    """What is held from a line on: a lock, or a setting of the process."""

    node: ast.AST
    reason: str
    key: Any = None
    file: SourceFile | None = None


@dataclass(eq=False)
class Frame:
    """The state of one call; what is known of it stays from round to round."""

    function: Function
    given: Names = field(default_factory=dict)  # its parameters
    names: Names = field(default_factory=dict)  # here and now
    ever: dict[str, set[Any]] = field(default_factory=dict)  # at any time, as closures see them
    returned: Value = NOTHING
    yielded: Value = NOTHING
    meets: bool = False  # other calls may be let in before it returns
    held: list[Hold] = field(default_factory=list)
    kept: list[Hold] = field(default_factory=list)  # held where it yielded
    let_go: list[Any] = field(default_factory=list)  # released without having been held here
    guards: list[Guard] = field(default_factory=list)
    left: list[Names] = field(default_factory=list)  # names where a loop was left

    @property
    def scope(self) -> Scope:
        """The names of its function."""
        return scope_of(self.function.node)


@dataclass
class Scope:
    """Which names of a function are its own, and which are declared to be others'."""

    own: set[str]
    globals: set[str]
    nonlocals: set[str]
    yields: bool


_scopes: dict[FunctionNode, Scope] = {}


def scope_of(node: FunctionNode) -> Scope:
    """The names of a function; found once a function, dropped by `forget_scopes`."""
    if node not in _scopes:
        scope = Scope({each.arg for each in parameters(node)}, set(), set(), False)
        for part in node.body if isinstance(node.body, list) else [node.body]:
            _collect(part, scope)
        scope.own -= scope.globals | scope.nonlocals
        _scopes[node] = scope
    return _scopes[node]


def forget_scopes() -> None:
    """Drop what was found: the trees it belongs to are gone."""
    _scopes.clear()


def parameters(node: FunctionNode) -> list[ast.arg]:
    """All parameters, with those of stars at the end."""
    given = node.args
    stars = [each for each in (given.vararg, given.kwarg) if each is not None]
    return [*given.posonlyargs, *given.args, *given.kwonlyargs, *stars]


def _collect(node: ast.AST, scope: Scope) -> None:
    """Add the names that `node` stores; functions inside have names of their own."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        scope.own.add(node.name)
        return
    if isinstance(node, ast.Lambda):
        return
    _collect_names(node, scope)
    for child in ast.iter_child_nodes(node):
        _collect(child, scope)


def _collect_names(node: ast.AST, scope: Scope) -> None:
    if isinstance(node, ast.Global):
        scope.globals.update(node.names)
    elif isinstance(node, ast.Nonlocal):
        scope.nonlocals.update(node.names)
    elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        scope.own.add(node.id)
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        scope.own.update(imported_name(alias) for alias in node.names)
    elif (isinstance(node, ast.ExceptHandler) and node.name) or (
        isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name
    ):
        scope.own.add(node.name)
    elif isinstance(node, ast.MatchMapping) and node.rest:
        scope.own.add(node.rest)
    elif isinstance(node, (ast.Yield, ast.YieldFrom)):
        scope.yields = True


def imported_name(alias: ast.alias) -> str:
    """The name that an import binds."""
    return alias.asname or alias.name.partition(".")[0]


def joined(first: Names | None, second: Names | None) -> Names:
    """The names after either of two ways; None: a way that does not come here."""
    if first is None or second is None:
        return dict(first or second or {})
    return {
        name: first.get(name, NOTHING) | second.get(name, NOTHING)
        for name in first.keys() | second.keys()
    }
