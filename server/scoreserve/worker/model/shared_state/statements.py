"""What each kind of statement does, and which names it leaves."""

from __future__ import annotations

import ast
import os
import sys
from typing import Any

from scoreserve.worker.model.shared_state import live_objects
from scoreserve.worker.model.shared_state.expressions import OPERATORS, Expressions
from scoreserve.worker.model.shared_state.findings import words
from scoreserve.worker.model.shared_state.frames import (
    Frame,
    Guard,
    Names,
    imported_name,
    joined,
    scope_of,
)
from scoreserve.worker.model.shared_state.library_functions import is_context
from scoreserve.worker.model.shared_state.library_methods import HELD_LOCK, is_foreign_lock
from scoreserve.worker.model.shared_state.live_objects import is_lock
from scoreserve.worker.model.shared_state.names import PROCESS
from scoreserve.worker.model.shared_state.state import escaped, shared_part
from scoreserve.worker.model.shared_state.values import (
    ITEM,
    NOTHING,
    Arguments,
    Live,
    Local,
    LocalClass,
    Mark,
    Method,
    Value,
    attribute_key,
    constants,
    item_key,
    marks,
    union,
)

Block = list[ast.stmt]
COLUMNS_MEMORY = frozenset(["array", "values"])
IMPORTANT = (ast.FunctionDef, ast.AsyncFunctionDef)


class Statements(Expressions):
    """One method for each kind of node. None for names: what follows is not reached."""

    def go_through(self, frame: Frame) -> None:
        """Go through the body of a function, once a round."""
        frame.names = {}
        frame.held, frame.kept, frame.let_go = [], [], []
        frame.guards, frame.left = [], []
        for name, value in frame.given.items():
            self.bind(name, value, frame)
        body = frame.function.node.body
        before = (frame.returned, frame.yielded, frame.meets)
        if isinstance(body, list):
            self.block(body, frame)
        else:
            frame.returned |= self.evaluate(body, frame)
        if (frame.returned, frame.yielded, frame.meets) != before:
            self.changed = True

    def block(self, statements: Block, frame: Frame) -> bool:
        """Go through statements; whether what follows is reached."""
        for node in statements:
            self.step()
            visit = getattr(self, f"visit_{type(node).__name__.lower()}", self._other)
            if visit(node, frame) is False:
                return False
        return True

    def _other(self, node: ast.stmt, frame: Frame) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.evaluate(child, frame)

    # Assignments.

    def visit_assign(self, node: ast.Assign, frame: Frame) -> None:
        """`a = b = value`."""
        value = self.evaluate(node.value, frame)
        for target in node.targets:
            self.store(target, value, frame)

    def visit_annassign(self, node: ast.AnnAssign, frame: Frame) -> None:
        """`a: type = value`."""
        if node.value is not None:
            self.store(node.target, self.evaluate(node.value, frame), frame)

    def visit_augassign(self, node: ast.AugAssign, frame: Frame) -> None:
        """`a += value`: in place where the object has a way to, and stored again."""
        read = _loaded(node.target)
        left, right = self.evaluate(read, frame), self.evaluate(node.value, frame)
        name = OPERATORS.get(type(node.op), "")
        own = self.dunder(left, f"__i{name}__", Arguments([right]), node, frame)
        changed = frozenset(
            each
            for each in left
            if _has_in_place(each, f"__i{name}__") and not self.has_own(each, f"__i{name}__")
        )
        is_global = isinstance(node.target, ast.Name) and node.target.id in frame.scope.globals
        if not is_global:  # the store that follows says it
            self.change(changed, node, frame, f"changes `{words(node.target)}` in place")
        held = self.items_of(right, node, frame)
        for each in left:
            if isinstance(each, Local):
                self.put(each, ITEM, held - marks(held) - {each})
        value = own | self.operated(node, type(node.op), left, right, frame) | left
        self.store(node.target, value, frame)

    def store(self, target: ast.expr, value: Value, frame: Frame) -> None:
        """A target of an assignment is given a value."""
        if isinstance(target, ast.Name):
            self.store_name(target.id, value, target, frame)
        elif isinstance(target, ast.Attribute):
            self._store_attribute(target, value, frame)
        elif isinstance(target, ast.Subscript):
            self._store_item(target, value, frame)
        elif isinstance(target, ast.Starred):
            made = self.local(target, list, frame)
            self.put(made, ITEM, value - marks(value))
            self.store(target.value, marks(value) | {made}, frame)
        elif isinstance(target, (ast.Tuple, ast.List)):
            self._unpack(target.elts, value, target, frame)

    def _unpack(self, targets: list[ast.expr], value: Value, node: ast.AST, frame: Frame) -> None:
        starred = any(isinstance(each, ast.Starred) for each in targets)
        self.iterated(value, node, frame)
        for place, target in enumerate(targets):
            index = None if starred else ast.Constant(place)
            tuples = frozenset(
                each
                for each in value
                if not (isinstance(each, Live) and isinstance(each.obj, dict))
            )
            self.store(target, self.items_of(tuples, node, frame, index), frame)

    def store_name(self, name: str, value: Value, node: ast.AST, frame: Frame) -> None:
        """A name is given a value: the call's own, or one that others see."""
        scope = frame.scope
        if name in scope.own:
            self.bind(name, value, frame)
        elif name in scope.globals:
            self._store_global(name, value, node, frame)
        elif not self._store_enclosing(name, value, frame.function.enclosing):
            self.obstacle(node, frame, f"stores to the name `{name}` of an enclosing function")

    def bind(self, name: str, value: Value, frame: Frame) -> None:
        """Give a name of the call's own a value."""
        value = self.without_folded(value)
        frame.names[name] = value
        self.learn(frame.ever.setdefault(name, set()), value)

    def _store_enclosing(self, name: str, value: Value, enclosing: Any) -> bool:
        while isinstance(enclosing, Frame):
            if name in scope_of(enclosing.function.node).own:
                self.learn(enclosing.ever.setdefault(name, set()), value)
                enclosing.names[name] = enclosing.names.get(name, NOTHING) | value
                return True
            enclosing = enclosing.function.enclosing
        return False

    def _store_global(self, name: str, value: Value, node: ast.AST, frame: Frame) -> None:
        module = frame.function.globals
        if not self._is_first(("global", name), value, frame):
            self.obstacle(node, frame, f"stores to the global name `{name}`")
        known = self.stored.setdefault(("global", id(module), name), set())
        self.learn(known, escaped(value - marks(value)))

    def _is_first(self, guard: Guard, value: Value, frame: Frame) -> bool:
        """Whether a store is one that happens once, and would be the same in any call."""
        return guard in frame.guards and Mark.REQUEST not in value

    def _store_attribute(self, target: ast.Attribute, value: Value, frame: Frame) -> None:
        base = self.evaluate(target.value, frame)
        name = self.private(target.attr, frame)
        given = Arguments([frozenset([Live(name)]), value])
        self.dunder(base, "__setattr__", given, target, frame)
        self._set_property(base, target, value, frame)
        guarded = self._is_first(("expression", ast.unparse(target)), value, frame)
        if not guarded and not self._repeats_option(target, value, frame):
            what = f"stores to the attribute `{words(target)}`"
            self.change(base, target, frame, f"{what} of an object")
        for each in base:
            if _has_fields_though_immutable(each):
                self.obstacle(target, frame, f"stores to the attribute `{words(target)}`")
            if isinstance(each, Local):
                if name == "__dict__":
                    self.change(value, target, frame, "makes its attributes of an object")
                self.put(each, attribute_key(name), value - {Mark.REQUEST})
            elif isinstance(each, Live):
                known = self.stored.setdefault(("attribute", id(each.obj), name), set())
                self.learn(known, escaped(value - marks(value)))

    def _repeats_option(self, target: ast.Attribute, value: Value, frame: Frame) -> bool:
        """`pd.options.mode.chained_assignment = None`, and never anything else."""
        path = ast.unparse(target)
        root = target.value
        while isinstance(root, ast.Attribute) and root.attr != "options":
            root = root.value
        if not isinstance(root, ast.Attribute) or "pandas" not in sys.modules:
            return False
        module = self.evaluate(root.value, frame)
        if module != frozenset([Live(sys.modules["pandas"])]):
            return False
        return self.repeats(
            path, [value], str([each.obj for each in value if isinstance(each, Live)])
        )

    def _set_property(self, base: Value, target: ast.Attribute, value: Value, frame: Frame) -> None:
        for each in base:
            cls = type(each.obj) if isinstance(each, Live) else getattr(each, "cls", None)
            if not isinstance(cls, type) or not self.sources.is_own_class(cls):
                continue
            member = live_objects.class_member(cls, target.attr)[1]
            given = Arguments([frozenset([each]), value])
            self.dunder(frozenset([Live(member)]), "__set__", given, target, frame)
            setter = member.fset if isinstance(member, property) else None
            own = self.own_function(setter, target, frame) if setter else None
            if own is not None:
                self.call_function(own, given, target, frame)

    def _store_item(self, target: ast.Subscript, value: Value, frame: Frame) -> None:
        base = self.evaluate(target.value, frame)
        index = self.evaluate(target.slice, frame)
        if not base:
            base = self._column_under(target.value, frame)
        self.dunder(base, "__setitem__", Arguments([index, value]), target, frame)
        plain = frozenset(each for each in base if not self.has_own(each, "__setitem__"))
        guard = ("expression", ast.unparse(target))
        repeated = frozenset([Live(os.environ)]) == plain and self.repeats(
            ("os.environ", ast.unparse(target.slice)), [index, value], str(constants(value, str))
        )
        if not repeated and not self._is_first(guard, value | index, frame):
            self.change(plain, target, frame, f"stores to the item `{words(target)}` of an object")
        key = ITEM
        if isinstance(target.slice, ast.Constant):
            key = item_key(target.slice.value)
        for each in plain:
            if isinstance(each, Local):
                self.put(each, key, value - {Mark.REQUEST, each})
            elif isinstance(each, Live):
                known = self.stored.setdefault(("items", id(each.obj)), set())
                self.learn(known, escaped(value - marks(value)))

    def _column_under(self, node: ast.expr, frame: Frame) -> Value:
        """The table whose memory `table["a"].array` is: brackets alone give a copy."""
        if not isinstance(node, ast.Attribute) or node.attr not in COLUMNS_MEMORY:
            return NOTHING
        column = node.value
        return self.evaluate(column.value, frame) if isinstance(column, ast.Subscript) else NOTHING

    def visit_delete(self, node: ast.Delete, frame: Frame) -> None:
        """`del a, b.c, d[e]`."""
        for target in node.targets:
            if isinstance(target, ast.Name):
                if target.id not in frame.scope.own:
                    self.obstacle(node, frame, f"deletes the global name `{target.id}`")
            elif isinstance(target, (ast.Attribute, ast.Subscript)):
                base = self.evaluate(target.value, frame)
                self.dunder(base, "__delitem__", Arguments(), node, frame)
                self.change(base, node, frame, f"deletes `{words(target)}` of an object")

    # Ways through.

    def visit_return(self, node: ast.Return, frame: Frame) -> bool:
        """`return value`."""
        if node.value is not None:
            frame.returned |= self.evaluate(node.value, frame)
        return False

    def visit_raise(self, node: ast.Raise, frame: Frame) -> bool:
        """`raise error from cause`: the error keeps its cause."""
        error = self.evaluate(node.exc, frame) if node.exc is not None else NOTHING
        if node.cause is not None:
            self.evaluate(node.cause, frame)
            kept = frozenset(e for e in error if isinstance(e, Live) and not _is_class(e))
            self.change(kept, node, frame, "raises an error with a cause")
        return False

    def visit_break(self, node: ast.Break, frame: Frame) -> bool:
        """`break`: the names here are those after the loop."""
        frame.left.append(dict(frame.names))
        return False

    visit_continue = visit_break

    def visit_if(self, node: ast.If, frame: Frame) -> bool:
        """`if test: ... else: ...`; a way that what is there rules out is not gone."""
        self.truth(self.evaluate(node.test, frame), node, frame)
        known = self.known_test(node.test, frame)
        guard = self.guard_of(node.test)
        before = dict(frame.names)
        ends: list[Names | None] = []
        for taken, block in ((True, node.body), (False, node.orelse)):
            if known is not None and known is not taken:
                continue
            frame.names = dict(before)
            guards = frame.guards
            if guard is not None and guard[1] is taken:
                frame.guards = [*guards, guard[0]]
            reached = self.block(block, frame)
            frame.guards = guards
            ends.append(frame.names if reached else None)
        return self._join(ends, frame)

    def _join(self, ends: list[Names | None], frame: Frame) -> bool:
        reached = [each for each in ends if each is not None]
        result: Names | None = reached[0] if reached else None
        for each in reached[1:]:
            result = joined(result, each)
        frame.names = result if result is not None else frame.names
        return result is not None

    def _loop(self, body: Block, frame: Frame, again: ast.expr | None = None) -> None:
        left, frame.left = frame.left, []
        for _ in range(3):
            before = dict(frame.names)
            self.block(body, frame)
            if again is not None:
                self.evaluate(again, frame)
            frame.names = joined(before, frame.names)
            for names in frame.left:
                frame.names = joined(frame.names, names)
            if frame.names == before:
                break
        frame.left = left

    def visit_for(self, node: ast.For | ast.AsyncFor, frame: Frame) -> None:
        """`for target in items: ...`."""
        over = self.evaluate(node.iter, frame)
        before = dict(frame.names)
        self.store(node.target, self.iterated(over, node.iter, frame), frame)
        self._loop(node.body, frame)
        frame.names = joined(before, frame.names)
        self.block(node.orelse, frame)

    visit_asyncfor = visit_for

    def visit_while(self, node: ast.While, frame: Frame) -> None:
        """`while test: ...`."""
        self.truth(self.evaluate(node.test, frame), node, frame)
        self._loop(node.body, frame, node.test)
        self.block(node.orelse, frame)

    def visit_try(self, node: ast.Try, frame: Frame) -> bool:
        """`try: ... except: ... else: ... finally: ...`: a handler may begin anywhere."""
        before = dict(frame.names)
        guard = _probed(node)
        reached = self.block(node.body, frame)
        inside = joined(before, frame.names)
        if reached:
            reached = self.block(node.orelse, frame)
        ends = [frame.names if reached else None]
        for handler in node.handlers:
            if guard is not None and self._is_there(guard, frame):
                continue
            frame.names = dict(inside)
            guards = frame.guards
            if guard is not None:
                frame.guards = [*guards, ("global", guard)]
            if handler.type is not None:
                self.evaluate(handler.type, frame)
            if handler.name:
                error = frozenset([self.local(handler, None, frame)])
                self.store_name(handler.name, error, handler, frame)
            ends.append(frame.names if self.block(handler.body, frame) else None)
            frame.guards = guards
        reached = self._join(ends, frame)
        if not reached:
            frame.names = inside
        return self.block(node.finalbody, frame) and reached

    visit_trystar = visit_try

    def visit_with(self, node: ast.With | ast.AsyncWith, frame: Frame) -> bool:
        """`with context as target: ...`: locks and settings are held until its end."""
        held = len(frame.held)
        entered: list[Value] = []
        for item in node.items:
            before, self.with_item = self.with_item, item.context_expr
            value = self.evaluate(item.context_expr, frame)
            self.with_item = before
            self._hold_context(item.context_expr, value, frame)
            entered.append(value)
            got = self.dunder(value, "__enter__", Arguments(), item.context_expr, frame)
            inner = self.items_of(frozenset(e for e in value if _is_generator(e)), node, frame)
            if item.optional_vars is not None:
                self.store(item.optional_vars, got | inner | value, frame)
        reached = self.block(node.body, frame)
        for value in entered:
            self.dunder(value, "__exit__", Arguments(), node, frame)
        del frame.held[held:]
        return reached

    visit_asyncwith = visit_with

    def _hold_context(self, node: ast.expr, value: Value, frame: Frame) -> None:
        for each in value:
            if (isinstance(each, Live) and is_lock(each.obj)) or is_foreign_lock(each):
                self.hold(frame, node, HELD_LOCK, each)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = node.func.attr
            base = self.evaluate(node.func.value, frame)
            if any(is_context(Method(each, name)) for each in base):
                self.hold(frame, node, f"{PROCESS} while others are let in")
            locks = [e for e in base if isinstance(e, Live) and is_lock(e.obj)]
            if locks and name not in ("acquire", "release"):
                self.hold(frame, node, HELD_LOCK, locks[0])

    def visit_match(self, node: ast.Match, frame: Frame) -> bool:
        """`match subject: case ...`."""
        subject = self.evaluate(node.subject, frame)
        whole = subject | self.items_of(subject, node, frame)
        before = dict(frame.names)
        ends: list[Names | None] = [before]
        for case in node.cases:
            frame.names = dict(before)
            for part in ast.walk(case.pattern):
                name = getattr(part, "name", None) or getattr(part, "rest", None)
                if isinstance(name, str):
                    self.store_name(name, whole, node, frame)
            if case.guard is not None:
                self.evaluate(case.guard, frame)
            ends.append(frame.names if self.block(case.body, frame) else None)
        return self._join(ends, frame)

    # Definitions and imports.

    def visit_functiondef(self, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> None:
        """A function within the call; what decorates it is called with it."""
        value: Value = frozenset([self.define(node, frame)])
        for decorator in reversed(node.decorator_list):
            given = Arguments([value])
            value = value | self.call(self.evaluate(decorator, frame), given, decorator, frame)
        self.store_name(node.name, value, node, frame)

    visit_asyncfunctiondef = visit_functiondef

    def visit_classdef(self, node: ast.ClassDef, frame: Frame) -> None:
        """A class within the call."""
        members: dict[str, Value] = {}
        bases: Value = NOTHING
        for base in node.bases:
            bases |= self.evaluate(base, frame)
        for part in node.body:
            if isinstance(part, IMPORTANT):
                members[part.name] = frozenset([self.define(part, frame)])
            elif isinstance(part, ast.Assign):
                value = self.evaluate(part.value, frame)
                members |= {each.id: value for each in part.targets if isinstance(each, ast.Name)}
        self.derived(bases, union(members.values()), node, frame)
        key = (node, "class", id(frame))
        if key not in self.classes:
            self.classes[key] = LocalClass(node, members, bases)
        self.classes[key].members.update(members)
        self.store_name(node.name, frozenset([self.classes[key]]), node, frame)

    def visit_import(self, node: ast.Import, frame: Frame) -> None:
        """`import a.b as c`."""
        for alias in node.names:
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            self._import_name(imported_name(alias), self.imported(name, node, frame), node, frame)

    def visit_importfrom(self, node: ast.ImportFrom, frame: Frame) -> None:
        """`from a import b as c`."""
        package = str(frame.function.globals.get("__package__") or "")
        base = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
        name = f"{base}.{node.module or ''}".strip(".") if node.level else str(node.module)
        module = self.imported(name, node, frame)
        for alias in node.names:
            value = self.attribute_of(module, alias.name, node, frame)
            self._import_name(imported_name(alias), value, node, frame)

    def _import_name(self, name: str, value: Value, node: ast.AST, frame: Frame) -> None:
        # Importing again gives the same module: a global name that has it already keeps it.
        same = name in frame.scope.globals and value and value <= self.read(name, frame)
        if not same:
            self.store_name(name, value, node, frame)

    # What is known before a call begins.

    def known_test(self, test: ast.expr, frame: Frame) -> bool | None:
        """What a condition is in every call, as far as constants that no call stores tell."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            inner = self.known_test(test.operand, frame)
            return None if inner is None else not inner
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            return self._known_comparison(test, frame)
        if isinstance(test, ast.Call) and words(test.func) == "hasattr" and len(test.args) == 2:
            return self._known_hasattr(test.args[0], test.args[1], frame)
        obj = self._only(test, frame)
        plain = isinstance(obj, (bool, int, float, str, type(None)))
        return bool(obj) if plain else None if obj is UNKNOWN or not _is_true(obj) else True

    def _known_comparison(self, test: ast.Compare, frame: Frame) -> bool | None:
        operator, right = test.ops[0], test.comparators[0]
        if isinstance(operator, (ast.In, ast.NotIn)):
            if words(right) in ("globals()", "vars()") and isinstance(test.left, ast.Constant):
                there = test.left.value in frame.function.globals
                return there if isinstance(operator, ast.In) else not there
            return None
        if not isinstance(right, ast.Constant) or right.value is not None:
            return None
        obj = self._only(test.left, frame)
        if obj is UNKNOWN:
            return None
        if isinstance(operator, (ast.Is, ast.Eq)):
            return obj is None
        return obj is not None if isinstance(operator, (ast.IsNot, ast.NotEq)) else None

    def _known_hasattr(self, target: ast.expr, name: ast.expr, frame: Frame) -> bool | None:
        obj = self._only(target, frame)
        if obj is UNKNOWN or not isinstance(name, ast.Constant) or (obj is None):
            return None
        there = live_objects.attribute(obj, str(name.value))[0]
        return True if there else None

    def _only(self, node: ast.expr, frame: Frame) -> Any:
        """The one object that a global name or an attribute is in every call; or UNKNOWN."""
        if not isinstance(node, (ast.Name, ast.Attribute)):
            return UNKNOWN
        if isinstance(node, ast.Name) and node.id in frame.scope.own:
            return UNKNOWN
        value = self.evaluate(node, frame)
        if len(value) != 1:
            return UNKNOWN
        (each,) = value
        return each.obj if isinstance(each, Live) else UNKNOWN

    def _is_there(self, name: str, frame: Frame) -> bool:
        return name in frame.function.globals

    def guard_of(self, test: ast.expr) -> tuple[Guard, bool] | None:
        """What a condition says is not there yet, and in which of its two ways."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            inner = self.guard_of(test.operand)
            if inner is not None:
                return inner[0], not inner[1]
            return _guard(test.operand), True
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            return _guard_of_comparison(test)
        return _guard_of_hasattr(test) if isinstance(test, ast.Call) else None


UNKNOWN = object()


def _guard(node: ast.expr) -> Guard:
    return ("global", node.id) if isinstance(node, ast.Name) else ("expression", ast.unparse(node))


def _guard_of_hasattr(test: ast.Call) -> tuple[Guard, bool] | None:
    if words(test.func) != "hasattr" or len(test.args) != 2:
        return None
    target, name = test.args
    if not isinstance(name, ast.Constant):
        return None
    return ("expression", f"{ast.unparse(target)}.{name.value!s}"), False


def _guard_of_comparison(test: ast.Compare) -> tuple[Guard, bool] | None:
    operator, right = test.ops[0], test.comparators[0]
    if isinstance(right, ast.Constant) and right.value is None:
        if isinstance(operator, (ast.Is, ast.Eq)):
            return _guard(test.left), True
        return (_guard(test.left), False) if isinstance(operator, (ast.IsNot, ast.NotEq)) else None
    missing = isinstance(operator, ast.NotIn)
    if not missing and not isinstance(operator, ast.In):
        return None
    if words(right) in ("globals()", "vars()") and isinstance(test.left, ast.Constant):
        return ("global", str(test.left.value)), missing
    return ("expression", f"{ast.unparse(right)}[{ast.unparse(test.left)}]"), missing


def _probed(node: ast.Try) -> str | None:
    """The name that a `try` only looks for: `try: model except NameError: ...`."""
    if len(node.body) != 1 or not isinstance(node.body[0], ast.Expr):
        return None
    probe = node.body[0].value
    errors = [words(each.type) if each.type else "" for each in node.handlers]
    return probe.id if isinstance(probe, ast.Name) and errors == ["NameError"] else None


def _loaded(target: ast.expr) -> ast.expr:
    """A target, to be read."""
    return target  # the context of a node is not looked at when it is evaluated


def _has_in_place(each: Any, name: str) -> bool:
    """Whether an operator with `=` changes the object itself; of what is unknown: yes."""
    if isinstance(each, Live):
        return hasattr(type(each.obj), name) or _is_table(type(each.obj))
    cls = getattr(each, "cls", None)
    return bool(shared_part(frozenset([each]))) and (
        cls is None or hasattr(cls, name) or _is_table(cls)
    )


def _is_table(cls: type) -> bool:
    return live_objects.library(cls) in ("pandas", "torch") and hasattr(cls, "__add__")


def _is_class(each: Live) -> bool:
    return isinstance(each.obj, type)


def _is_generator(each: Any) -> bool:
    return isinstance(each, Local) and each.cls is None


def _has_fields_though_immutable(each: Any) -> bool:
    """Whether it is a member of an enum, or of a class derived from a plain one: those have."""
    return (
        isinstance(each, Live)
        and live_objects.is_immutable(each.obj)
        and live_objects.attribute(each.obj, "__dict__")[0]
    )


def _is_true(obj: Any) -> bool:
    """Whether an object is true without having to be asked."""
    cls = type(obj)
    return not hasattr(cls, "__bool__") and not hasattr(cls, "__len__")
