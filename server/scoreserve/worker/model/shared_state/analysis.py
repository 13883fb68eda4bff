"""The whole: from run() until nothing new is learnt."""

from __future__ import annotations

import ast
import sys
import types
from collections.abc import Callable
from typing import Any

from scoreserve.worker.model.shared_state import live_objects
from scoreserve.worker.model.shared_state.findings import Obstacle
from scoreserve.worker.model.shared_state.frames import Frame, forget_scopes
from scoreserve.worker.model.shared_state.statements import Statements
from scoreserve.worker.model.shared_state.values import Arguments, Function, Live, Mark

ROUNDS = 12
RECURSION_LIMIT = 20_000  # a call of the script's own is some twenty calls here


def analyse(run: Callable[..., Any]) -> list[Obstacle]:
    """Obstacles to calls of run() under way together; never raises."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, RECURSION_LIMIT))
    try:
        return _analyse(run)
    except Exception as error:  # what cannot be looked through must be kept out
        return [_unseen(run, f"cannot be looked through ({type(error).__name__}: {error})")]
    finally:
        sys.setrecursionlimit(limit)
        forget_scopes()


def _analyse(run: Callable[..., Any]) -> list[Obstacle]:
    analysis = Statements()
    functions = _own_functions(analysis, run)
    if not functions:
        return [_unseen(run, "is not written in Python that can be read here")]
    frame = _caller(functions[0])
    for _ in range(ROUNDS):
        analysis.changed = False
        analysis.done.clear()
        for function in functions:
            asked = frozenset([analysis.local("request", None), Mark.REQUEST])
            analysis.call_function(function, Arguments(more=asked), frame.function.node, frame)
        analysis.code_inside(run, frame.function.node, frame)
        if not analysis.changed:
            break
    return analysis.findings.sorted()


def _own_functions(analysis: Statements, run: Any) -> list[Function]:
    """The script's own functions that a call of run() begins with."""
    own = analysis.sources.is_own_function
    if own(run):
        return [analysis.function_of(run)]  # raises SourceMissing
    found = [analysis.function_of(part) for part in live_objects.parts(run, own)]
    for part in live_objects.parts(run, lambda each: own(_method(each))):
        function = analysis.function_of(_method(part))
        receiver = part.__self__ if isinstance(part, types.MethodType) else part
        given = function.node.args
        for first in (*given.posonlyargs, *given.args)[:1]:
            known = function.defaults.get(first.arg, frozenset())
            function.defaults[first.arg] = known | {Live(receiver)}
        if function not in found:
            found.append(function)
    return found


def _method(obj: Any) -> Any:
    """The function that runs with `obj` when it is called: of a bound method, of an instance."""
    if isinstance(obj, types.MethodType):
        return obj.__func__
    return live_objects.class_member(type(obj), "__call__")[1]


def _caller(function: Function) -> Frame:
    """Who calls run(): nothing of the script's own, on the line on which run() begins."""
    node = ast.parse("def caller(): pass").body[0]
    assert isinstance(node, ast.FunctionDef)
    node.lineno = function.node.lineno
    return Frame(Function(node, function.file, function.globals))


def _unseen(run: Any, reason: str) -> Obstacle:
    code = getattr(run, "__code__", None)
    path = getattr(code, "co_filename", "")
    return Obstacle(path, getattr(code, "co_firstlineno", 1), "", f"run() {reason}")
