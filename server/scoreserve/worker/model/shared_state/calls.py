"""Calls: which code runs, and with what."""

from __future__ import annotations

import ast
import enum
import functools
import types
import weakref
from typing import Any

from scoreserve.worker.model.shared_state import live_objects, names
from scoreserve.worker.model.shared_state.frames import Frame, scope_of
from scoreserve.worker.model.shared_state.operator_objects import METHOD_CALLER, OperatorObjects
from scoreserve.worker.model.shared_state.state import escaped
from scoreserve.worker.model.shared_state.values import (
    ITEM,
    NOTHING,
    Arguments,
    Function,
    Live,
    Local,
    LocalClass,
    Mark,
    Method,
    Partial,
    Shared,
    Unloaded,
    Value,
    item_key,
    marks,
    union,
)

BOUND_IN_C = (types.BuiltinFunctionType, types.MethodWrapperType)
WAYS_OF_CALLING = 24  # of one function that are told apart; then all that it was given is one
DEPTH = 60  # of calls of the script's own functions within one another

# Methods of what json.loads() and the like give: no class of the script's own is meant.
USUAL_METHODS = frozenset().union(
    *(dir(each) for each in (dict, list, set, str, bytes, int, float, tuple, object)),
    ("tolist", "astype", "reshape", "to_dict", "to_json", "apply", "read", "close", "json", "mean"),
)


class TooDeep(Exception):
    """The script's own functions call one another deeper than is looked."""


class Calls(OperatorObjects):
    """Who is called."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: dict[Any, Frame] = {}
        self.ways: dict[Function, list[Frame]] = {}
        self.classes: dict[Any, LocalClass] = {}
        self.partials: dict[Any, Partial] = {}
        self.done: set[int] = set()  # frames gone through in this round
        self.depth = 0

    def go_through(self, frame: Frame) -> None:
        """Go through the body of a function."""
        raise NotImplementedError

    def call(self, callee: Value, arguments: Arguments, node: ast.AST, frame: Frame) -> Value:
        """What a call may give, with all it does."""
        self.step()
        facts = marks(callee)
        # What has a method of that name is not called itself.
        owners = {each.receiver for each in callee if isinstance(each, Method)}
        called = [
            self._call_one(each, arguments, node, frame)
            for each in callee - facts
            if not (isinstance(each, Local) and each in owners)
        ]
        return facts.union(*called)

    def _call_one(self, each: Any, arguments: Arguments, node: ast.AST, frame: Frame) -> Value:
        rules = {
            Live: self._call_live,
            Method: self._call_method,
            Function: self.call_function,
            Partial: self._call_partial,
            Unloaded: self._call_unloaded,
            LocalClass: self._make_local,
        }
        rule: Any = rules.get(type(each), self._call_object)
        got: Value = rule(each, arguments, node, frame)
        return got

    def _call_partial(
        self, each: Partial, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> Value:
        given = Arguments(
            each.arguments.positional + arguments.positional,
            each.arguments.keywords | arguments.keywords,
            each.arguments.more | arguments.more,
        )
        return self.call(each.callee, given, node, frame)

    def _call_unloaded(
        self, each: Unloaded, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> Value:
        return self._call_library(each.path, None, arguments, node, frame)

    # What was there before the call.

    def _call_live(self, live: Live, arguments: Arguments, node: ast.AST, frame: Frame) -> Value:
        obj = live.obj
        if isinstance(obj, type):
            return self._call_class(live, obj, arguments, node, frame)
        if type(obj) is weakref.ref:
            return frozenset([Live(obj())])
        if isinstance(obj, functools.partial):
            given = Arguments(
                [frozenset([Live(each)]) for each in obj.args] + arguments.positional,
                {name: frozenset([Live(each)]) for name, each in obj.keywords.items()}
                | arguments.keywords,
                arguments.more,
            )
            return self._call_live(Live(obj.func), given, node, frame)
        if self.sources.is_own_function(obj):
            own = self.own_function(obj, node, frame)
            return self.call_function(own, arguments, node, frame) if own else NOTHING
        if isinstance(obj, types.MethodType):
            return self._call_bound(obj, arguments, node, frame)
        return self._call_other_live(live, arguments, node, frame)

    def _call_bound(
        self, bound: types.MethodType, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> Value:
        path = _path(bound)
        if self.canonical(path, bound) != path:
            return self._call_library(path, bound, arguments, node, frame)
        own = self.own_function(bound.__func__, node, frame)
        method = Method(Live(bound.__self__), bound.__func__.__name__, own)
        return self._call_method(method, arguments, node, frame)

    def _call_other_live(
        self, live: Live, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> Value:
        obj = live.obj
        named = self.canonical("", obj)
        if named:
            return self._call_library(named, obj, arguments, node, frame)
        owner = getattr(obj, "__self__", None)
        if isinstance(obj, BOUND_IN_C) and _is_method_of(obj, owner):
            path = _path(obj)
            if self.canonical(path, obj) == path:
                method = Method(Live(owner), obj.__name__)
                callee = method.receiver if obj.__name__ == "__call__" else method
                return self.call(frozenset([callee]), arguments, node, frame)
        if isinstance(obj, (types.MethodDescriptorType, types.WrapperDescriptorType)):
            return self._call_unbound(obj, arguments, node, frame)
        if isinstance(obj, live_objects.CALLABLES) or _wraps(obj):
            registers = _path(obj) in names.PROCESS_CALLS
            given = None if registers else self._call_wrapped(obj, arguments, node, frame)
            if given is not None:
                return given
            if self._is_own_binary(obj):
                self.obstacle(node, frame, "calls compiled code of the script's own")
            return self._call_library(_path(obj), obj, arguments, node, frame)
        return self._call_object(live, arguments, node, frame)

    def _call_wrapped(
        self, obj: Any, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> Value | None:
        """The script's own functions under what wraps them; None: there are none."""
        own = self.own_function(obj, node, frame)
        found = [] if own is None else [own]
        if isinstance(obj, types.FunctionType) and obj.__closure__:
            for part in live_objects.parts(obj, self.sources.is_own_function):
                inner = self.own_function(part, node, frame)
                if inner is not None and inner not in found:
                    found.append(inner)
        if not found:
            return None
        given = [self.call_function(each, arguments, node, frame) for each in found]
        self._enter_contexts(obj, node, frame)
        return escaped(union(given)) if any(each.cached for each in found) else union(given)

    def _enter_contexts(self, obj: Any, node: ast.AST, frame: Frame) -> None:
        """What ContextDecorator has made of a function enters an object of the script's own."""
        held = live_objects.closure(obj) if isinstance(obj, types.FunctionType) else []
        for name in ("__enter__", "__exit__"):
            self.dunder(frozenset(map(Live, held)), name, Arguments(), node, frame)

    def _is_own_binary(self, obj: Any) -> bool:
        return not isinstance(obj, types.FunctionType) and self.sources.is_own_module(
            getattr(obj, "__module__", None)
        )

    def _call_unbound(self, obj: Any, arguments: Arguments, node: ast.AST, frame: Frame) -> Value:
        """`list.append(x, 1)`: the method of what comes first."""
        rest = Arguments(arguments.positional[1:], arguments.keywords, arguments.more)
        first = arguments.get(0) | arguments.more
        methods = frozenset(
            Method(each, obj.__name__) for each in first if not isinstance(each, Mark)
        )
        return self.call(methods, rest, node, frame)

    def _call_library(
        self, path: str, obj: Any, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> Value:
        if path == "functools.partial" and arguments.positional:
            rest = Arguments(arguments.positional[1:], arguments.keywords, arguments.more)
            return frozenset([self._partial(arguments.get(0), rest, node, frame)])
        if path == METHOD_CALLER:
            return self.method_caller(arguments, node, frame)
        return self.library_function(path, obj, arguments, node, frame)

    def _partial(self, callee: Value, rest: Arguments, node: ast.AST, frame: Frame) -> Partial:
        key = (id(node), id(frame))
        known = self.partials.setdefault(key, Partial(callee, rest))
        merged = Partial(known.callee | callee, rest)
        if merged.callee != known.callee or rest != known.arguments:
            self.partials[key] = merged
            return merged
        return known

    # Classes.

    def _call_class(
        self, live: Live, cls: type, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> Value:
        if not self.sources.is_own_class(cls):
            return self._call_library(
                f"{cls.__module__}.{cls.__qualname__}", cls, arguments, node, frame
            )
        # A metaclass's own __call__ stands before the class's methods: most singletons.
        through = self.dunder(frozenset([live]), "__call__", arguments, node, frame)
        made = through
        new = self.own_function(live_objects.class_member(cls, "__new__")[1], node, frame)
        raw = live_objects.class_member(cls, "__new__")[1]
        if new is None and isinstance(raw, staticmethod):
            new = self.own_function(raw.__func__, node, frame)
        if new is not None:
            made |= self.call_function(new, arguments.after(frozenset([live])), node, frame)
        if not made:
            made = frozenset([self.local(node, cls, frame)])
        for name in ("__init__", "__post_init__"):
            given = arguments if name == "__init__" else Arguments(more=arguments.all())
            self.dunder(made, name, given, node, frame)
        self._generated_init(cls, made, arguments, node, frame)
        self.go_through_implicit(made, node, frame)
        self.dunder(made, names.CALLED_AT_ITS_END, Arguments(), node, frame)
        # Of copies, and of what is unpickled.
        self.dunder(made, "__setstate__", Arguments(more=arguments.all()), node, frame)
        return made | self._member_of_enumeration(live, cls, arguments, node, frame)

    def _member_of_enumeration(
        self, live: Live, cls: type, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> Value:
        """What an Enum gives for a value that it has not."""
        missing = live_objects.class_member(cls, "_missing_")[1]
        own = self.own_function(getattr(missing, "__func__", None), node, frame)
        if own is None or not issubclass(cls, enum.Enum):
            return NOTHING
        return self.call_function(own, arguments.after(frozenset([live])), node, frame)

    def _generated_init(
        self, cls: type, made: Value, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> None:
        """Fields of data classes and of classes without a constructor hold what is handed over."""
        if self.sources.is_own_function(live_objects.class_member(cls, "__init__")[1]):
            return
        fields = list(getattr(cls, "__dataclass_fields__", getattr(cls, "_fields", ())))
        defaults = {
            name: self.call(frozenset([Live(field.default_factory)]), Arguments(), node, frame)
            for name, field in getattr(cls, "__dataclass_fields__", {}).items()
            if callable(field.default_factory)
        }
        for each in made:
            if not isinstance(each, Local):
                continue
            for name, value in defaults.items():
                self.put(each, ("attribute", name), value - marks(value))
            for name, value in zip(fields, arguments.positional, strict=False):
                self.put(each, ("attribute", name), value)
            for name, value in arguments.keywords.items():
                self.put(each, ("attribute", name), value)
            self.put(each, ITEM, arguments.all() - marks(arguments.all()))

    def _make_local(
        self, cls: LocalClass, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> Value:
        made = frozenset([self.local(node, cls, frame)])
        self.dunder(made, "__init__", arguments, node, frame)
        return made

    # Methods and objects that are called.

    def _call_method(
        self, method: Method, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> Value:
        if method.function is not None:
            given = arguments.after(frozenset([method.receiver]))
            result = self.call_function(method.function, given, node, frame)
            return escaped(result) if method.function.cached else result
        if method.name is None:
            return self._call_any(method.receiver, arguments, node, frame)
        if method.name == "__getattribute__":
            given = arguments.after(frozenset([method.receiver]))
            return self._call_getattr(given, node, frame)
        if method.name == "open":
            path = self.receiver_marks(node, frame) | {method.receiver}
            self.open_file(path, arguments.get(0, "mode"), node, frame)
            self.local(node, None, frame).is_file = True
        found = self._by_name(method, arguments, node, frame)
        return found | self.library_method(method, arguments, node, frame)

    def _call_any(self, receiver: Any, arguments: Arguments, node: ast.AST, frame: Frame) -> Value:
        """A method whose name is known only when it runs."""
        if isinstance(receiver, Live):
            obj = receiver.obj
            if isinstance(obj, live_objects.CONTAINERS):
                self.obstacle(node, frame, "calls a method of unknown name of what calls share")
            cls = type(obj)
            if self.sources.is_own_class(cls):
                whole = frozenset([receiver])
                members = [name for name in dir(cls) if not name.startswith("__")]
                return union(self.dunder(whole, name, arguments, node, frame) for name in members)
            if isinstance(obj, types.ModuleType) and self.sources.is_own_module(obj.__name__):
                held = [each for each in vars(obj).values() if self.sources.is_own_function(each)]
                return self.call(frozenset(map(Live, held)), arguments, node, frame)
        self.meeting(frame)
        return frozenset([self.local(node, None, frame)])

    def _by_name(self, method: Method, arguments: Arguments, node: ast.AST, frame: Frame) -> Value:
        """Where it cannot be seen whose method is called: any of the script's own of that name."""
        receiver, name = method.receiver, method.name
        unknown = isinstance(receiver, (Local, Shared)) and receiver.cls is None
        if not unknown or name is None or name in USUAL_METHODS:
            return NOTHING
        found: list[Value] = []
        for cls in self._own_classes(frame):
            member = vars(cls).get(name)
            if self.sources.is_own_function(member):
                own = self.own_function(member, node, frame)
                given = arguments.after(frozenset([receiver]))
                if own is not None:
                    found.append(self.call_function(own, given, node, frame))
        return union(found)

    def _own_classes(self, frame: Frame) -> list[type]:
        held = frame.function.globals.values()
        return [each for each in list(held) if self.sources.is_own_class(each)]

    def _call_object(self, each: Any, arguments: Arguments, node: ast.AST, frame: Frame) -> Value:
        """An object is called as if it were a function."""
        if self.has_own(each, "__call__"):
            return self.dunder(frozenset([each]), "__call__", arguments, node, frame)
        found = NOTHING
        if self.has_own(each, "forward") or self.has_own(each, "call"):
            for name in ("forward", "call"):
                found |= self.dunder(frozenset([each]), name, arguments, node, frame)
            self.meeting(frame)
            return found
        given = self.call_operator_object(each, arguments, node, frame)
        if given is not None:
            return given
        if isinstance(each, Live) and live_objects.is_immutable(each.obj):
            return NOTHING
        return self.library_method(Method(each, "__call__"), arguments, node, frame)

    # Functions of the script's own.

    def call_function(
        self, function: Function, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> Value:
        """What a call of a function of the script's own may give."""
        called = self._frame(function, self._bind(function, arguments))
        if id(called) not in self.done:
            self.done.add(id(called))
            self.depth += 1
            if self.depth > DEPTH:
                raise TooDeep(f"more than {DEPTH} calls within one another")
            self.go_through(called)
            self.depth -= 1
        if called.meets:
            self.meeting(frame)
        for key in called.let_go:
            self.release(frame, key)
        # What it left locked, and what a generator holds while its caller goes on.
        frame.held.extend(hold for hold in (*called.held, *called.kept) if hold not in frame.held)
        if not scope_of(function.node).yields:
            return called.returned
        made = self.local(function.node, None, called)
        self.put(made, ITEM, called.yielded - marks(called.yielded))
        return marks(called.yielded) | {made}

    def _frame(self, function: Function, bound: dict[str, Value]) -> Frame:
        key = (function, tuple(sorted(bound.items(), key=lambda item: item[0])))
        if key in self.frames:
            return self.frames[key]
        ways = self.ways.setdefault(function, [])
        if len(ways) < WAYS_OF_CALLING:
            made = Frame(function, given=bound)
            ways.append(made)
            self.frames[key] = made
            return made
        widest = ways[-1]
        merged = {
            name: widest.given.get(name, NOTHING) | bound.get(name, NOTHING)
            for name in widest.given.keys() | bound.keys()
        }
        if merged != widest.given:
            widest.given = merged
            self.changed = True
            self.done.discard(id(widest))
        self.frames[key] = widest
        return widest

    def _bind(self, function: Function, arguments: Arguments) -> dict[str, Value]:
        """The parameters, and what each is given."""
        given = function.node.args
        plain = [each.arg for each in (*given.posonlyargs, *given.args)]
        bound = dict(zip(plain, arguments.positional, strict=False))
        named = {*plain, *(each.arg for each in given.kwonlyargs)}
        bound |= {name: value for name, value in arguments.keywords.items() if name in named}
        for name in named:
            # What stars bring may stand in the place of a default.
            default = function.defaults.get(name, NOTHING)
            bound[name] = bound.get(name, default | arguments.more)
        if given.vararg is not None:
            rest = self.local(("vararg", function.node), tuple)
            self.put(rest, ITEM, arguments.more - marks(arguments.more))
            for place, value in enumerate(arguments.positional[len(plain) :]):
                self.put(rest, item_key(place), value - marks(value))
            bound[given.vararg.arg] = marks(arguments.all()) | {rest}
        if given.kwarg is not None:
            keywords = self.local(("kwarg", function.node), dict)
            self.put(keywords, ITEM, arguments.more - marks(arguments.more))
            for name, value in arguments.keywords.items():
                if name not in named:
                    self.put(keywords, item_key(name), value - marks(value))
            bound[given.kwarg.arg] = marks(arguments.all()) | {keywords}
        return bound


def _is_method_of(obj: Any, owner: Any) -> bool:
    return owner is not None and not isinstance(owner, (types.ModuleType, type))


def _wraps(obj: Any) -> bool:
    return not live_objects.is_immutable(obj) and any(
        name in names.WRAPPED for name in _held_names(obj)
    )


def _held_names(obj: Any) -> list[str]:
    try:
        held = list(object.__getattribute__(obj, "__dict__"))
    except (AttributeError, TypeError):
        held = []
    return held + (["__wrapped__"] if type(obj).__module__.startswith("wrapt") else [])


def _path(obj: Any) -> str:
    """The dotted name of a function, as it says itself."""
    module = getattr(obj, "__module__", None) or "builtins"
    name = getattr(obj, "__qualname__", None) or getattr(obj, "__name__", type(obj).__name__)
    return f"{module}.{name}"
