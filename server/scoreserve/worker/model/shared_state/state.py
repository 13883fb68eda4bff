"""What all parts of the analysis share, and what each asks of those above it."""

from __future__ import annotations

import ast
import types
from collections.abc import Iterable
from typing import Any

from scoreserve.worker.model.shared_state import live_objects
from scoreserve.worker.model.shared_state.findings import Findings
from scoreserve.worker.model.shared_state.frames import Frame, Hold
from scoreserve.worker.model.shared_state.sources import SourceMissing, Sources
from scoreserve.worker.model.shared_state.values import (
    ITEM,
    Arguments,
    Function,
    Live,
    Local,
    Mark,
    Method,
    Shared,
    Value,
)

CROWD = 12  # of objects in one place that are told apart
PLAIN_CLASSES = (None, list, dict, tuple, set)
STEPS = 400_000  # of one analysis: more than 10,000 lines of plain code


class TooMuchCode(Exception):
    """The analysis has taken as many steps as it may."""


class State:
    """Findings, what was made where, and the doors between the parts."""

    def __init__(self) -> None:
        self.findings = Findings()
        self.sources = Sources()
        self.steps = 0
        self.changed = False  # something new was learnt in this round
        self.locals: dict[Any, Local] = {}
        self.crowd = Local()
        self.functions: dict[Any, Function] = {}
        self.stored: dict[Any, set[Any]] = {}  # globals and attributes that are loaded late
        self.modules: dict[int, dict[str, Any]] = {}  # globals of the script's own modules
        self.inside: dict[int, tuple[Any, list[Any]]] = {}  # own code in libraries' objects
        self.called_back: list[Value] = []  # functions that a library is just calling
        self.own_parts: dict[Value, Value] = {}  # objects of the script's own classes
        self.context_use: dict[int, str] = {}  # what is done first to a context variable
        self.tables_read: set[str] = set()  # of databases
        self.settings: dict[Any, str] = {}  # what is set for all calls, and to which constants
        self.known: dict[int, str] = {}  # names of libraries' functions, by identity
        self.with_item: ast.AST | None = None  # the call that a `with` has just begun with

    # What the parts above provide.

    def evaluate(self, node: ast.expr, frame: Frame) -> Value:
        """What an expression may be, with all it does."""
        raise NotImplementedError

    def call(self, callee: Value, arguments: Arguments, node: ast.AST, frame: Frame) -> Value:
        """What a call may give, with all it does."""
        raise NotImplementedError

    def call_function(
        self, function: Function, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> Value:
        """What a call of a function of the script's own may give."""
        raise NotImplementedError

    # Notes.

    def step(self) -> None:
        """Count one step; raises TooMuchCode."""
        self.steps += 1
        if self.steps > STEPS:
            raise TooMuchCode(f"more than {STEPS} steps")

    def obstacle(self, node: ast.AST, frame: Frame, reason: str) -> None:
        """Note an obstacle on the line of `node`."""
        file = frame.function.file
        self.findings.add(file.path, file.lines, getattr(node, "lineno", 1), reason)

    def repeats(self, setting: Any, values: Iterable[Value], text: str) -> bool:
        """Whether all that is ever set there are the same constants: then each call finds them."""
        constant = all(
            value
            and all(
                isinstance(each, Live) and live_objects.is_immutable(each.obj) for each in value
            )
            for value in values
        )
        return constant and self.settings.setdefault(setting, text) == text

    def meeting(self, frame: Frame) -> None:
        """Others may be let in here: what is held is held over that."""
        frame.meets = True
        for hold in frame.held:
            file = hold.file or frame.function.file
            self.findings.add(file.path, file.lines, getattr(hold.node, "lineno", 1), hold.reason)

    def hold(self, frame: Frame, node: ast.AST, reason: str, key: Any = None) -> None:
        """From here on something is held; until `release`."""
        frame.held.append(Hold(node, reason, key, frame.function.file))

    def release(self, frame: Frame, key: Any) -> None:
        """What was held by that key is not held any more, here or where it was."""
        frame.held = [hold for hold in frame.held if hold.key != key]
        frame.let_go.append(key)

    # Objects.

    def local(self, node: Any, cls: Any = None, frame: Frame | None = None) -> Local:
        """The object that is made at a place of the source."""
        key = (node, cls if isinstance(cls, type) else id(cls), id(frame))
        if key not in self.locals:
            self.locals[key] = Local(cls)
        return self.locals[key]

    def put(self, target: Local, key: Any, value: Value) -> None:
        """A field of a local object may be that, from now on."""
        known = target.fields.setdefault(key, set())
        self.learn(known, self.without_folded(value))
        if len(known) > CROWD:
            self._fold(known)

    def without_folded(self, value: Value) -> Value:
        """The same value, with the crowd in the place of those that have become part of it."""
        crowd = self.crowd
        if not crowd.fields:
            return value
        return frozenset(
            crowd if isinstance(each, Local) and each.fields is crowd.fields else each
            for each in value
        )

    def _fold(self, known: set[Any]) -> None:
        """Many plain objects of this call's own in one place become one.

        They share their fields from now on, whoever holds them.
        """
        plain = [
            each
            for each in known
            if isinstance(each, Local) and each is not self.crowd and _is_plain(each)
        ]
        if len(plain) <= CROWD // 2:
            return
        inside = self.crowd.fields.setdefault(ITEM, {self.crowd})
        for each in plain:
            inside.update(*each.fields.values())
            each.fields = self.crowd.fields
        known.difference_update(plain)
        known.add(self.crowd)
        inside.difference_update(plain)
        self.changed = True

    def learn(self, known: set[Any], value: Iterable[Any]) -> None:
        """Add to what is known, and see whether it is news."""
        size = len(known)
        known.update(value)
        self.changed = self.changed or len(known) != size

    def function_of(self, live: types.FunctionType) -> Function:
        """A function of the script's own that was there before; raises SourceMissing."""
        if live not in self.functions:
            file = self.sources.file(live.__code__.co_filename)
            node = file.function(live.__code__)
            if node is None:
                raise SourceMissing(f"`{live.__name__}` is not in its source")
            self.modules.setdefault(id(live.__globals__), live.__globals__)
            self.functions[live] = Function(
                node, file, live.__globals__, _cells(live), _defaults(live)
            )
        return self.functions[live]

    def is_own_live(self, obj: Any) -> bool:
        """Whether it is a function or an instance of a class of the script's own."""
        if isinstance(obj, types.ModuleType):
            return False
        return self.sources.is_own_function(obj) or self.sources.is_own_class(type(obj))


def _is_plain(each: Local) -> bool:
    """Whether it is a container that holds no more than others of the call's own, and constants."""
    if each.cls not in PLAIN_CLASSES or any(key[0] != "item" for key in each.fields):
        return False
    return all(
        isinstance(part, Local) or (isinstance(part, Live) and live_objects.is_immutable(part.obj))
        for held in each.fields.values()
        for part in held
    )


def _cells(live: types.FunctionType) -> dict[str, Any]:
    cells = {}
    for name, cell in zip(live.__code__.co_freevars, live.__closure__ or (), strict=True):
        try:
            cells[name] = cell.cell_contents
        except ValueError:  # it has no value yet
            continue
    return cells


def _defaults(live: types.FunctionType) -> dict[str, Value]:
    code = live.__code__
    given = live.__defaults__ or ()
    last = code.co_varnames[: code.co_argcount][code.co_argcount - len(given) :]
    defaults = dict(zip(last, given, strict=True)) | (live.__kwdefaults__ or {})
    return {name: frozenset([Live(value)]) for name, value in defaults.items()}


def is_shared(each: Any) -> bool:
    """Whether other calls may see this object, and it may change."""
    if isinstance(each, Live):
        return not live_objects.is_immutable(each.obj) and not live_objects.is_request_proxy(
            each.obj
        )
    if isinstance(each, Method):
        return is_shared(each.receiver)
    return isinstance(each, Shared)


def shared_part(value: Value) -> Value:
    """The objects of a value that others may see."""
    return frozenset(each for each in value if is_shared(each))


def escaped(value: Value) -> Value:
    """The same after it was stored where others see it: what was local is shared."""
    return frozenset(
        Shared(each.cls if isinstance(each.cls, type) else None)
        if isinstance(each, Local)
        else each
        for each in value
        if each is not Mark.UNIQUE
    )
