"""Attributes and items of abstract objects, and changes to them."""

from __future__ import annotations

import ast
import contextlib
import functools
import sys
import types
from typing import Any, NamedTuple

from scoreserve.worker.model.shared_state import live_objects, names
from scoreserve.worker.model.shared_state.frames import Frame
from scoreserve.worker.model.shared_state.sources import SourceMissing
from scoreserve.worker.model.shared_state.state import State, escaped, is_shared, shared_part
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
    Super,
    Unloaded,
    Value,
    attribute_key,
    item_key,
    marks,
    union,
)

PLAIN_ATTRIBUTES = frozenset(("shape", "ndim", "dtype", "size", "nbytes", "itemsize", "__name__"))
COMPUTED = (property, functools.cached_property, types.MemberDescriptorType)
COPYING_INDEXES = (ast.Compare, ast.List, ast.ListComp, ast.UnaryOp, ast.BinOp, ast.BoolOp)


class Seen(NamedTuple):
    """A name, looked up on an object, in its class."""

    receiver: Any
    cls: type
    name: str


class Objects(State):
    """What lies behind a dot or in brackets."""

    # Attributes.

    def attribute_of(self, value: Value, name: str, node: ast.AST, frame: Frame) -> Value:
        """What an attribute may be."""
        looked_up = [self._attribute(each, name, node, frame) for each in value]
        looked_up.append(self._accessor(value - marks(value), name, node, frame))
        told = {Mark.UNIQUE} if name in names.TELLING_ATTRIBUTES else NOTHING
        return (marks(value) - told).union(*looked_up)

    def _accessor(self, value: Value, name: str, node: ast.AST, frame: Frame) -> Value:
        """What the script has registered with pandas under a name: made of a table, and kept."""
        own = filter(self.sources.is_own_class, live_objects.accessors(name))
        made = union(
            self.call(frozenset([Live(cls)]), Arguments([value]), node, frame) for cls in own
        )
        return escaped(made) if shared_part(value) else made

    def _attribute(self, each: Any, name: str, node: ast.AST, frame: Frame) -> Value:
        rules = {
            Live: self._live_attribute,
            Local: self._local_attribute,
            Shared: self._shared_attribute,
            Super: self._super_attribute,
        }
        rule: Any = rules.get(type(each))
        if rule is not None:
            got: Value = rule(each, name, node, frame)
            return got
        if isinstance(each, Unloaded):
            return frozenset([Unloaded(f"{each.path}.{name}")])
        if isinstance(each, LocalClass):
            return each.members.get(name, NOTHING)
        if isinstance(each, (Method, Partial)):
            # Columns of a table look like methods.
            return frozenset([Shared()]) if is_shared(each) else frozenset([each])
        return NOTHING

    def _live_attribute(self, live: Live, name: str, node: ast.AST, frame: Frame) -> Value:
        obj = live.obj
        if isinstance(obj, types.ModuleType):
            return self._module_attribute(obj, name)
        if live_objects.is_request_proxy(obj):
            return frozenset([self.local(node), Mark.REQUEST])
        late = frozenset(self.stored.get(("attribute", id(obj), name), ()))
        special = self._special_attribute(obj, name)
        return late | (
            self._kept_attribute(live, name, node, frame) if special is None else special
        )

    def _kept_attribute(self, live: Live, name: str, node: ast.AST, frame: Frame) -> Value:
        obj = live.obj
        found, member = live_objects.attribute(obj, name)
        if not found:
            return self._missing_attribute(live, name, node, frame)
        if not isinstance(obj, type) and name in live_objects.fields(obj):
            return frozenset([Live(member)])
        if isinstance(member, COMPUTED) and _is_of_class(obj, name, member):
            return frozenset([Live(member)])
        cls = obj if isinstance(obj, type) else type(obj)
        return self._member(Seen(live, cls, name), member, node, frame)

    def _special_attribute(self, obj: Any, name: str) -> Value | None:
        if name == "__class__":
            return frozenset([Live(type(obj))])
        if name == "__dict__":
            try:
                return frozenset([Live(vars(obj))])
            except TypeError:
                return NOTHING
        return None

    def _module_attribute(self, module: types.ModuleType, name: str) -> Value:
        path = f"{module.__name__}.{name}"
        if path in NAMED:
            return frozenset([Unloaded(path)])
        late = frozenset(self.stored.get(("global", id(vars(module)), name), ()))
        found, obj = live_objects.attribute(module, name)
        if found:
            return late | {Live(obj)}
        if late or self.sources.is_own_module(module.__name__):
            return late | {Shared()}
        return frozenset([Unloaded(path)])

    def _missing_attribute(self, live: Live, name: str, node: ast.AST, frame: Frame) -> Value:
        if self.sources.is_own_class(type(live.obj)):
            given = Arguments([frozenset([Live(name)])])
            got = self.dunder(frozenset([live]), "__getattr__", given, node, frame)
            return got | {Shared()}
        if live_objects.is_immutable(live.obj):
            return frozenset([Method(live, name)])
        return frozenset([Method(live, name), Shared()])

    def _local_attribute(self, each: Local, name: str, node: ast.AST, frame: Frame) -> Value:
        held = frozenset(each.fields.get(attribute_key(name), ()))
        if held:
            return held
        if isinstance(each.cls, LocalClass):
            return self._local_class_attribute(each, each.cls, name)
        if name == "__class__" and each.cls is not None:
            return frozenset([Live(each.cls)])
        if isinstance(each.cls, type) and self.sources.is_own_class(each.cls):
            found, member = live_objects.class_member(each.cls, name)
            if found:
                return self._member(Seen(each, each.cls, name), member, node, frame)
            given = Arguments([frozenset([Live(name)])])
            self.dunder(frozenset([each]), "__getattr__", given, node, frame)
        return frozenset([Method(each, name), each])

    def _local_class_attribute(self, each: Local, cls: LocalClass, name: str) -> Value:
        members = cls.members.get(name)
        if members is None:
            return frozenset([Method(each, name), each])
        return frozenset(
            Method(each, name, member) if isinstance(member, Function) else member
            for member in members
        )

    def _shared_attribute(self, each: Shared, name: str, node: ast.AST, frame: Frame) -> Value:
        if name in PLAIN_ATTRIBUTES:
            return NOTHING
        if each.cls is not None:
            if name == "__class__":
                return frozenset([Live(each.cls)])
            found, member = live_objects.class_member(each.cls, name)
            if found:
                return self._member(Seen(each, each.cls, name), member, node, frame)
        return frozenset([Method(each, name), Shared()])

    def _super_attribute(self, each: Super, name: str, node: ast.AST, frame: Frame) -> Value:
        found: list[Value] = []
        for receiver in each.receiver:
            cls = _class_of(receiver)
            if cls is None:
                continue
            has, member = live_objects.class_member(cls, name, after=each.cls)
            if has:
                found.append(self._member(Seen(receiver, cls, name), member, node, frame))
        return union(found)

    def _member(self, seen: Seen, member: Any, node: ast.AST, frame: Frame) -> Value:
        """What a class's member is, seen on an object or on the class itself."""
        if isinstance(member, staticmethod):
            return frozenset([Live(member.__func__)])
        if isinstance(member, (property, functools.cached_property)):
            return self._computed(seen.receiver, member, node, frame)
        if isinstance(seen.receiver, Live) and _is_slot(seen.receiver.obj, seen.name, member):
            return _slot(member, seen.receiver.obj)
        if isinstance(member, functools.singledispatchmethod):
            ways = member.dispatcher.registry.values()
            owns = [self.own_function(each, node, frame) for each in ways]
            return frozenset(_bound(seen, member, own) for own in owns)
        bound = member.__func__ if isinstance(member, classmethod) else member
        own = self.own_function(bound, node, frame)
        if own is not None or live_objects.is_method(bound):
            return frozenset([_bound(seen, member, own)])
        return self._descriptor_or_value(seen, member, node, frame)

    def _descriptor_or_value(self, seen: Seen, member: Any, node: ast.AST, frame: Frame) -> Value:
        live: Value = frozenset([Live(member)])
        if self.has_own(Live(member), "__get__"):
            given = Arguments([frozenset([seen.receiver]), frozenset([Live(seen.cls)])])
            return self.dunder(live, "__get__", given, node, frame)
        if isinstance(member, types.GetSetDescriptorType) or hasattr(type(member), "__get__"):
            return self._descriptor(seen.receiver, seen.name)
        return live

    def _computed(
        self,
        receiver: Any,
        member: property | functools.cached_property[Any],
        node: ast.AST,
        frame: Frame,
    ) -> Value:
        getter = member.fget if isinstance(member, property) else member.func
        own = self.own_function(getter, node, frame)
        if own is None:
            return self._descriptor(receiver, getattr(getter, "__name__", ""))
        got = self.call_function(own, Arguments([frozenset([receiver])]), node, frame)
        # What is kept in the object's own fields is seen by whoever sees the object.
        kept = not isinstance(member, property) and is_shared(receiver)
        return escaped(got) if kept else got

    def _descriptor(self, receiver: Any, name: str) -> Value:
        if name in PLAIN_ATTRIBUTES:
            return NOTHING
        if not is_shared(receiver):
            return frozenset([receiver])
        cls = _class_of(receiver)
        table = cls is not None and live_objects.library(cls) in names.TABLES
        return frozenset([Shared(cls)] if table else [Shared(), Method(receiver, name)])

    # Items.

    def items_of(
        self, value: Value, node: ast.AST, frame: Frame, index: ast.expr | None = None
    ) -> Value:
        """What an item may be; `index`: as it is written, None for any."""
        key = _constant_key(index)
        value = self.without_folded(value)
        found = [marks(value)]
        if isinstance(index, ast.Slice):
            found.append(self._sliced(value, node, frame))
        for each in value:
            if isinstance(each, Live):
                found += [self._live_items(each, key, index), self._made_late(each, node, frame)]
            elif isinstance(each, Local):
                found.append(_local_items(each, key))
            elif isinstance(each, Shared) or (isinstance(each, Method) and is_shared(each)):
                found.append(_shared_items(each, index))
        return union(found)

    def _sliced(self, value: Value, node: ast.AST, frame: Frame) -> Value:
        """A part of a list is a new list of the same items."""
        lists = frozenset(
            each
            for each in value
            if isinstance(each, Local)
            or (isinstance(each, Live) and isinstance(each.obj, (list, tuple)))
        )
        if not lists:
            return NOTHING
        made = self.local(("slice", node), list, frame)
        held = self.items_of(lists, node, frame)
        self.put(made, ITEM, held - marks(held) - {made})
        return frozenset([made])

    def _live_items(self, live: Live, key: Any, index: ast.expr | None) -> Value:
        obj = live.obj
        if key is not None:
            known, item = _item(obj, key[1][1])
            if known:
                return frozenset([Live(item)])
        late = frozenset(self.stored.get(("items", id(obj)), ()))
        late |= frozenset(map(Live, live_objects.texts(obj)))
        if isinstance(obj, (dict, list, tuple, set, frozenset, types.MappingProxyType)) or hasattr(
            type(obj), "popleft"
        ):
            return late.union([Live(item) for item in live_objects.items(obj)])
        if live_objects.is_immutable(obj) or not hasattr(type(obj), "__getitem__"):
            inner = hasattr(type(obj), "__iter__") and not live_objects.is_immutable(obj)
            return frozenset([Shared()]) if inner else late
        return late | _table_items(obj, index)

    def _made_late(self, live: Live, node: ast.AST, frame: Frame) -> Value:
        """What a dict makes for a key that it has not: seen by all from then on."""
        factory = getattr(live.obj, "default_factory", None)
        if not isinstance(live.obj, dict) or factory is None:
            return NOTHING
        if isinstance(factory, type) and not self.sources.is_own_class(factory):
            return frozenset([Shared(factory)] if _changes(factory) else [])
        return escaped(self.call(frozenset([Live(factory)]), Arguments(), node, frame))

    # Special methods.

    def dunder(
        self, value: Value, name: str, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> Value:
        """Call a special method where the script's own classes have it."""
        found: list[Value] = []
        for each in self.own_objects(value):
            cls = _class_of(each)
            if isinstance(cls, LocalClass):
                members = cls.members.get(name, NOTHING)
                methods = [member for member in members if isinstance(member, Function)]
            else:
                own = self.own_function(live_objects.class_member(cls, name)[1], node, frame)
                methods = [own] if own is not None else []
            given = arguments.after(frozenset([each]))
            found.extend(self.call_function(method, given, node, frame) for method in methods)
        return union(found)

    def go_through_implicit(self, value: Value, node: ast.AST, frame: Frame) -> None:
        """Go through the methods that Python may call whatever is done with an object."""
        own = self.own_objects(value)
        for name in names.CALLED_BY_ANYTHING if own else ():
            self.dunder(own, name, Arguments(more=marks(value)), node, frame)

    def own_objects(self, value: Value) -> Value:
        """Those of classes of the script's own; looked for once a value."""
        if value not in self.own_parts:
            self.own_parts[value] = frozenset(
                each
                for each in value
                if isinstance(_class_of(each), LocalClass)
                or self.sources.is_own_class(_class_of(each))
            )
        return self.own_parts[value]

    def has_own(self, each: Any, name: str) -> bool:
        """Whether the object is of a class of the script's own that defines the method."""
        cls = _class_of(each)
        if isinstance(cls, LocalClass):
            return name in cls.members
        if not isinstance(cls, type) or not self.sources.is_own_class(cls):
            return False
        return self.sources.is_own_function(live_objects.class_member(cls, name)[1])

    def own_function(self, obj: Any, node: ast.AST, frame: Frame) -> Function | None:
        """The script's own function in an object, under what wraps it; None: there is none."""
        for _ in range(10):
            if self.sources.is_own_function(obj):
                try:
                    return self.function_of(obj)
                except SourceMissing as missing:
                    self.obstacle(node, frame, f"calls code of the script's own, but {missing}")
                    return None
            wrapped = _wrapped(obj)
            if wrapped is None:
                return None
            if type(obj).__name__ == "_lru_cache_wrapper" and self.sources.is_own_function(wrapped):
                with contextlib.suppress(SourceMissing):
                    self.function_of(wrapped).cached = True
            obj = wrapped
        return None

    # Changes.

    def change(self, value: Value, node: ast.AST, frame: Frame, what: str) -> bool:
        """Note that a value is changed in place: an obstacle where others may see it."""
        shared = shared_part(value)
        if not shared:
            return False
        self.obstacle(node, frame, f"{what}, which calls share")
        return True


def _wrapped(obj: Any) -> Any:
    if isinstance(obj, (type, types.ModuleType)) or obj is None:
        return None
    for name in names.WRAPPED:
        found, inner = live_objects.attribute(obj, name)
        if found and isinstance(inner, types.MemberDescriptorType):
            inner = getattr(obj, name, None)
        if found and callable(inner) and not isinstance(inner, property):
            return inner
    if isinstance(obj, types.MethodType):
        return obj.__func__
    return None if type(obj).__module__ != "wrapt.wrappers" else getattr(obj, "__wrapped__", None)


def _bound(seen: Seen, member: Any, own: Function | None) -> Live | Method:
    if isinstance(member, classmethod):
        return Method(Live(seen.cls), seen.name, own)
    if isinstance(seen.receiver, Live) and seen.receiver.obj is seen.cls:
        return Live(member)  # looked up on the class: takes its self first
    return Method(seen.receiver, seen.name, own)


def _is_slot(obj: Any, name: str, member: Any) -> bool:
    """Whether C code, and none of anybody's own, gives the value: slots, fields of named tuples."""
    if isinstance(member, types.MemberDescriptorType):
        return True
    return type(member).__name__ == "_tuplegetter" and name in getattr(type(obj), "_fields", ())


def _slot(member: Any, obj: Any) -> Value:
    try:
        return frozenset([Live(member.__get__(obj))])
    except (AttributeError, TypeError):
        return NOTHING


def _is_of_class(obj: Any, name: str, member: Any) -> bool:
    """Whether a class itself is asked for what it has for its objects: `Model.scale.fset`."""
    return isinstance(obj, type) and live_objects.class_member(obj, name)[1] is member


def _class_of(each: Any) -> Any:
    if isinstance(each, Live):
        return type(each.obj)
    if isinstance(each, (Local, Shared)):
        return each.cls
    return None


def _changes(cls: type) -> bool:
    return not issubclass(cls, live_objects.IMMUTABLE)


def _constant_key(index: ast.expr | None) -> Any:
    if isinstance(index, ast.Constant):
        return item_key(index.value)
    if isinstance(index, ast.UnaryOp) and isinstance(index.operand, ast.Constant):
        return item_key(ast.literal_eval(index)) if isinstance(index.op, ast.USub) else None
    return None


def _item(obj: Any, key: Any) -> tuple[bool, Any]:
    plain = isinstance(obj, (dict, list, tuple, types.MappingProxyType))
    if not plain or (isinstance(obj, (list, tuple)) and not isinstance(key, int)):
        return False, None
    base: Any = next(each for each in type(obj).__mro__ if each.__module__ == "builtins")
    try:
        return True, base.__getitem__(obj, key)
    except (LookupError, TypeError):
        return False, None


def _local_items(each: Local, key: Any) -> Value:
    opaque: Value = NOTHING if each.cls in (list, dict, tuple, set) else frozenset([each])
    if key is None:
        held = [part for name, part in each.fields.items() if name[0] == "item"]
    else:
        held = [each.fields.get(name, set()) for name in (key, ITEM)]
        # What is at a place from the end, or at any, is not known apart.
        if key[1][0] == "int" and key[1][1] < 0:
            return _local_items(each, None)
    return opaque.union(*held)


def _is_copy(module: str, index: ast.expr | None) -> bool:
    """Whether brackets give a copy: masks and lists always, with pandas 3 anything."""
    if isinstance(index, COPYING_INDEXES):
        return True
    if module == "pandas" and isinstance(index, ast.Tuple):
        return not any(isinstance(each, ast.Slice) for each in index.elts)
    pandas = sys.modules.get("pandas")
    return module == "pandas" and int(getattr(pandas, "__version__", "0").partition(".")[0]) >= 3


def _table_items(obj: Any, index: ast.expr | None) -> Value:
    module = live_objects.library(type(obj))
    if module == "os":  # environ
        return NOTHING
    if module in names.TABLES:
        if _is_copy(module, index):
            return NOTHING
        dtype = getattr(obj, "dtype", None)
        plain = str(dtype or "object") != "object" and getattr(dtype, "names", None) is None
        one = plain and getattr(obj, "ndim", 2) == 1
        if one and not isinstance(index, ast.Slice):
            return NOTHING
        return frozenset([Shared(type(obj))])
    return frozenset([Shared()])


def _shared_items(each: Any, index: ast.expr | None) -> Value:
    cls = each.cls if isinstance(each, Shared) else None
    module = live_objects.library(cls) if cls is not None else ""
    if module in names.TABLES and _is_copy(module, index):
        return NOTHING
    return frozenset([Shared()])


NAMED = frozenset().union(
    names.ALIASING,
    names.COPYING,
    names.COPYING_ATTRIBUTES,
    names.CHOOSING,
    names.UNIQUE_FUNCTIONS,
    names.USING_OPEN_FILES,
    names.CHANGING_ARGUMENT,
    names.PROCESS_CALLS,
    names.CONTEXTS,
    names.WRITING_FUNCTIONS,
    names.OPENING,
    names.SHELL,
    names.LOCKING_FILES,
    names.SHARING,
    names.SETTINGS,
    names.READING_TABLES,
    [names.DATABASE],
)
