"""What each kind of expression may be, and does."""

from __future__ import annotations

import ast
import builtins
import importlib.util
import sys
from typing import Any

from scoreserve.worker.model.shared_state.calls import Calls
from scoreserve.worker.model.shared_state.frames import Frame, scope_of
from scoreserve.worker.model.shared_state.sources import FunctionNode
from scoreserve.worker.model.shared_state.texts import filled, joined
from scoreserve.worker.model.shared_state.values import (
    ITEM,
    NOTHING,
    Arguments,
    Function,
    Live,
    Local,
    Mark,
    Unloaded,
    Value,
    item_key,
    marks,
    texts_of,
    union,
)

MISSING = object()
OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.MatMult: "matmul",
    ast.Div: "truediv",
    ast.Mod: "mod",
    ast.BitOr: "or",
    ast.BitAnd: "and",
    ast.RShift: "rshift",
    ast.LShift: "lshift",
    ast.FloorDiv: "floordiv",
    ast.Pow: "pow",
    ast.BitXor: "xor",
    ast.Eq: "eq",
    ast.NotEq: "ne",
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
}


class Expressions(Calls):
    """One method for each kind of node; the rest are the values of what they hold."""

    def store(self, target: ast.expr, value: Value, frame: Frame) -> None:
        """A target of an assignment is given a value."""
        raise NotImplementedError

    def evaluate(self, node: ast.expr, frame: Frame) -> Value:
        """What an expression may be, with all it does."""
        self.step()
        method = getattr(self, f"visit_{type(node).__name__.lower()}", None)
        if method is not None:
            value: Value = method(node, frame)
            return value
        return self.parts(node, frame)

    def parts(self, node: ast.AST, frame: Frame) -> Value:
        """The facts about all that a node holds."""
        found = [
            self.evaluate(child, frame)
            for child in ast.iter_child_nodes(node)
            if isinstance(child, ast.expr)
        ]
        return marks(union(found))

    # Names.

    def visit_constant(self, node: ast.Constant, frame: Frame) -> Value:
        return frozenset([Live(node.value)])

    def visit_name(self, node: ast.Name, frame: Frame) -> Value:
        value = self.read(node.id, frame)
        if node.id not in frame.scope.own:
            self.go_through_implicit(value, node, frame)
        return value

    def read(self, name: str, frame: Frame) -> Value:
        """What a name may be here."""
        scope = frame.scope
        if name in scope.own:
            return frame.names.get(name, NOTHING)
        if name not in scope.globals:
            found = self._enclosing(name, frame.function.enclosing)
            if found is not None:
                return found
        return self.read_global(name, frame.function.globals)

    def _enclosing(self, name: str, enclosing: Any) -> Value | None:
        while isinstance(enclosing, Frame):
            if name in scope_of(enclosing.function.node).own:
                return frozenset(enclosing.ever.get(name, ()))
            enclosing = enclosing.function.enclosing
        if isinstance(enclosing, dict) and name in enclosing:
            return self.seen(enclosing[name])
        return None

    def read_global(self, name: str, module: dict[str, Any]) -> Value:
        """What a global name may be."""
        late = frozenset(self.stored.get(("global", id(module), name), ()))
        obj = module.get(name, MISSING)
        if obj is MISSING:
            obj = getattr(builtins, name, MISSING)
        return late if obj is MISSING else late | self.seen(obj)

    def seen(self, obj: Any) -> Value:
        """An object that was there before, as a value."""
        return frozenset([Live(obj)])

    def visit_attribute(self, node: ast.Attribute, frame: Frame) -> Value:
        value = self.evaluate(node.value, frame)
        held = self.attribute_of(value, self.private(node.attr, frame), node, frame)
        self.go_through_implicit(held, node, frame)
        return held

    def private(self, name: str, frame: Frame) -> str:
        """An attribute's name as it is compiled in this function."""
        return frame.function.file.mangled(name, frame.function.node)

    def truth(self, value: Value, node: ast.AST, frame: Frame) -> None:
        """A value is asked whether it is true."""
        for name in ("__bool__", "__len__"):
            self.dunder(value, name, Arguments(), node, frame)

    def visit_subscript(self, node: ast.Subscript, frame: Frame) -> Value:
        value = self.evaluate(node.value, frame)
        index = self.evaluate(node.slice, frame)
        own = self.dunder(value, "__getitem__", Arguments([index]), node, frame)
        own |= self.attribute_called(value, "__class_getitem__", Arguments([index]), node, frame)
        rest = frozenset(each for each in value if not self.has_own(each, "__getitem__"))
        return own | self.items_of(rest, node, frame, node.slice)

    def visit_namedexpr(self, node: ast.NamedExpr, frame: Frame) -> Value:
        value = self.evaluate(node.value, frame)
        self.store(node.target, value, frame)
        return value

    # Operators.

    def visit_binop(self, node: ast.BinOp, frame: Frame) -> Value:
        left, right = self.evaluate(node.left, frame), self.evaluate(node.right, frame)
        return self.operated(node, type(node.op), left, right, frame)

    def operated(
        self, node: ast.AST, operator: type[ast.AST], left: Value, right: Value, frame: Frame
    ) -> Value:
        """What an operator gives: something new, that may hold what the operands hold."""
        name = OPERATORS.get(operator, "")
        found = self.dunder(left, f"__{name}__", Arguments([right]), node, frame)
        found |= self.dunder(right, f"__r{name}__", Arguments([left]), node, frame)
        made = self.local(node, None, frame)
        both = self.without_folded(left | right)
        held = frozenset(
            part
            for each in both
            if isinstance(each, Live) and isinstance(each.obj, (list, tuple, dict, set))
            for part in self._live_items(each, None, None)
        )
        held = held.union(
            *(part for each in both if isinstance(each, Local) for part in each.fields.values())
        )
        self.put(made, ITEM, held - {made} - marks(held))
        if operator is ast.Add:
            self.may_be_text(made, joined([texts_of(left), texts_of(right)]))
        elif operator is ast.Mod:
            given = [texts_of(right)]
            self.may_be_text(made, [way for each in texts_of(left) for way in filled(each, given)])
        return found | marks(both) | {made}

    def visit_boolop(self, node: ast.BoolOp, frame: Frame) -> Value:
        values = [self.evaluate(each, frame) for each in node.values]
        self.truth(union(values), node, frame)
        return union(values)

    def visit_unaryop(self, node: ast.UnaryOp, frame: Frame) -> Value:
        """`not a`, `-a`."""
        value = self.evaluate(node.operand, frame)
        if isinstance(node.op, ast.Not):
            self.truth(value, node, frame)
            return marks(value)
        return self.operated(node, type(node.op), value, NOTHING, frame)

    def visit_compare(self, node: ast.Compare, frame: Frame) -> Value:
        left = self.evaluate(node.left, frame)
        found = [marks(left)]
        for operator, comparator in zip(node.ops, node.comparators, strict=True):
            right = self.evaluate(comparator, frame)
            found.append(marks(right))
            name = OPERATORS.get(type(operator))
            if name is not None:
                self.dunder(left, f"__{name}__", Arguments([right]), node, frame)
            elif isinstance(operator, (ast.In, ast.NotIn)):
                self.dunder(right, "__contains__", Arguments([left]), node, frame)
                asked = {each for each in right if self.has_own(each, "__contains__")}
                self.iterated(right - asked, node, frame)
            left = right
        return union(found) - {Mark.UNIQUE}

    def visit_ifexp(self, node: ast.IfExp, frame: Frame) -> Value:
        test = self.evaluate(node.test, frame)
        self.truth(test, node, frame)
        chosen = self.evaluate(node.body, frame) | self.evaluate(node.orelse, frame)
        return chosen | marks(test)

    def visit_joinedstr(self, node: ast.JoinedStr, frame: Frame) -> Value:
        parts = [self.evaluate(each, frame) for each in node.values]
        made = self.local(node, None, frame)
        self.may_be_text(made, joined([texts_of(part) for part in parts]))
        return marks(union(parts)) | {made}

    def visit_formattedvalue(self, node: ast.FormattedValue, frame: Frame) -> Value:
        value = self.evaluate(node.value, frame)
        for name in ("__format__", "__str__", "__repr__"):
            self.dunder(value, name, Arguments(), node, frame)
        return value

    def visit_await(self, node: ast.Await, frame: Frame) -> Value:
        return self.evaluate(node.value, frame)

    # Displays.

    def visit_list(self, node: ast.List, frame: Frame) -> Value:
        return self._display(node, node.elts, list, frame)

    def visit_tuple(self, node: ast.Tuple, frame: Frame) -> Value:
        return self._display(node, node.elts, tuple, frame)

    def visit_set(self, node: ast.Set, frame: Frame) -> Value:
        return self._display(node, node.elts, set, frame)

    def _display(self, node: ast.expr, parts: list[ast.expr], cls: type, frame: Frame) -> Value:
        made = self.local(node, cls, frame)
        facts: Value = NOTHING
        known = True
        for place, part in enumerate(parts):
            if isinstance(part, ast.Starred):
                known = False
                value = self.iterated(self.evaluate(part.value, frame), part, frame)
            else:
                value = self.evaluate(part, frame)
            facts |= value & {Mark.REQUEST}
            self.put(made, item_key(place) if known else ITEM, value - {Mark.REQUEST})
        return facts | {made}

    def visit_dict(self, node: ast.Dict, frame: Frame) -> Value:
        made = self.local(node, dict, frame)
        facts: Value = NOTHING
        for key, part in zip(node.keys, node.values, strict=True):
            value = self.evaluate(part, frame)
            if key is None:
                value = self.items_of(value, part, frame)
            else:
                facts |= self.evaluate(key, frame) & {Mark.REQUEST}
            facts |= value & {Mark.REQUEST}
            place = item_key(key.value) if isinstance(key, ast.Constant) else ITEM
            self.put(made, place, value - {Mark.REQUEST, made})
        return facts | {made}

    def visit_listcomp(self, node: ast.ListComp, frame: Frame) -> Value:
        return self._comprehension(node, node.generators, [node.elt], list, frame)

    def visit_setcomp(self, node: ast.SetComp, frame: Frame) -> Value:
        return self._comprehension(node, node.generators, [node.elt], set, frame)

    def visit_generatorexp(self, node: ast.GeneratorExp, frame: Frame) -> Value:
        return self._comprehension(node, node.generators, [node.elt], list, frame)

    def visit_dictcomp(self, node: ast.DictComp, frame: Frame) -> Value:
        parts = [node.value, node.key]
        return self._comprehension(node, node.generators, parts, dict, frame)

    def _comprehension(
        self,
        node: ast.expr,
        generators: list[ast.comprehension],
        parts: list[ast.expr],
        cls: type,
        frame: Frame,
    ) -> Value:
        facts: Value = NOTHING
        for each in generators:
            over = self.evaluate(each.iter, frame)
            facts |= marks(over)
            self.store(each.target, self.iterated(over, each.iter, frame), frame)
            for condition in each.ifs:
                self.evaluate(condition, frame)
        made = self.local(node, cls, frame)
        for part in parts:
            value = self.evaluate(part, frame)
            facts |= marks(value)
            self.put(made, ITEM, value - marks(value) - {made})
        return facts | {made}

    def visit_yield(self, node: ast.Yield, frame: Frame) -> Value:
        if node.value is not None:
            frame.yielded |= self.evaluate(node.value, frame)
        frame.kept.extend(hold for hold in frame.held if hold not in frame.kept)
        return NOTHING

    def visit_yieldfrom(self, node: ast.YieldFrom, frame: Frame) -> Value:
        value = self.evaluate(node.value, frame)
        frame.yielded |= self.iterated(value, node, frame)
        return NOTHING

    # Functions and calls.

    def visit_lambda(self, node: ast.Lambda, frame: Frame) -> Value:
        return frozenset([self.define(node, frame)])

    def define(self, node: FunctionNode, frame: Frame) -> Function:
        """A function that is defined within the call."""
        key = (node, id(frame))
        if key not in self.functions:
            function = frame.function
            self.functions[key] = Function(node, function.file, function.globals, frame)
        given = node.args
        plain = [*given.posonlyargs, *given.args]
        pairs = list(zip(plain[len(plain) - len(given.defaults) :], given.defaults, strict=True))
        for keyword, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
            if default is not None:
                pairs.append((keyword, default))
        defaults = {each.arg: self.evaluate(default, frame) for each, default in pairs}
        self.functions[key].defaults = defaults
        return self.functions[key]

    def visit_call(self, node: ast.Call, frame: Frame) -> Value:
        callee = self.evaluate(node.func, frame)
        arguments = Arguments()
        for part in node.args:
            if isinstance(part, ast.Starred):
                more = self.iterated(self.evaluate(part.value, frame), part, frame)
                arguments.more |= more
            elif arguments.more:
                arguments.more |= self.evaluate(part, frame)
            else:
                arguments.positional.append(self.evaluate(part, frame))
        for keyword in node.keywords:
            value = self.evaluate(keyword.value, frame)
            if keyword.arg is None:
                arguments.more |= self.items_of(value, node, frame)
                for name, given in _named_parts(value):
                    arguments.keywords[name] = arguments.keywords.get(name, NOTHING) | given
            else:
                arguments.keywords[keyword.arg] = value
        return self.call(callee, arguments, node, frame)

    # Imports.

    def imported(self, name: str, node: ast.AST, frame: Frame) -> Value:
        """A module, by its full name; nothing is imported for it."""
        module = sys.modules.get(name)
        if module is not None:
            return frozenset([Live(module)])
        if "." not in name and self._is_own_file(name):
            self.obstacle(node, frame, f"imports `{name}`, which was not imported by init()")
        return frozenset([Unloaded(name)])

    def _is_own_file(self, name: str) -> bool:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return False
        return spec is not None and self.sources.is_own_path(spec.origin)


def _named_parts(value: Value) -> list[tuple[str, Value]]:
    """What `**value` gives by name, as far as the names are known."""
    parts: list[tuple[str, Value]] = []
    for each in value:
        if isinstance(each, Local):
            for (kind, key), held in each.fields.items():
                name = key[1] if kind == "item" and key is not None else key
                if isinstance(name, str):  # an attribute's: of dict(name=…)
                    parts.append((name, frozenset(held)))
        elif isinstance(each, Live) and type(each.obj) is dict:
            held_parts = list(each.obj.items())
            parts += [(k, frozenset([Live(part)])) for k, part in held_parts if type(k) is str]
    return parts
