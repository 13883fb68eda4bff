"""What an expression may be: a set of abstract objects.

    Live      an object that was there before the call, so every call may see it
    Shared    something that is reached through one of those, but cannot be looked at
    Local     made within the call, at one place of the source; may be changed at will
    Function  a function of the script's own, with the names around it
    Method    a method looked up, and the object it was looked up on
    Partial   a callable with some of its arguments
    Unloaded  a name within a library that is not imported yet
    Mark      no object: a fact about where the value comes from

What becomes visible to other calls is stored somewhere first, and that store is reported: so no
Local object ever turns into a shared one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from scoreserve.worker.model.shared_state.sources import FunctionNode, SourceFile


class Mark(Enum):
    """A fact about where a value comes from."""

    REQUEST = auto()  # it may depend on what was asked
    UNIQUE = auto()  # a name that no other call can have


class Live:
    """An object that was there before the call; equal only to itself."""

    __slots__ = ("obj",)

    def __init__(self, obj: Any) -> None:
        self.obj = obj

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Live) and self.obj is other.obj

    def __hash__(self) -> int:
        return id(self.obj)


@dataclass(frozen=True)
class Shared:
    """Reached through a live object; of this class, where that is known."""

    cls: type | None = None


@dataclass(eq=False)
class Local:
    """Made within the call. Fields are items by their constant key, items, and attributes."""

    cls: Any = None  # a class, a LocalClass, or None: a library's
    fields: dict[Any, set[Any]] = field(default_factory=dict)
    is_file: bool = False  # an open file or a buffer, or what reads and writes one
    is_lock: bool = False  # of a server's or a file's, whatever its class


ITEM = ("item", None)  # of a key that is not known


def item_key(key: Any) -> tuple[str, Any]:
    """Where an item of a constant key is kept."""
    return ("item", (type(key).__name__, key))


TEXT = ("text", None)  # what a text may be that is put together


def attribute_key(name: str) -> tuple[str, Any]:
    """Where an attribute is kept."""
    return ("attribute", name)


@dataclass(eq=False)
class Function:
    """A function of the script's own. `enclosing`: a frame, or what its closure's cells hold."""

    node: FunctionNode
    file: SourceFile
    globals: dict[str, Any]
    enclosing: Any = None
    defaults: dict[str, frozenset[Any]] = field(default_factory=dict)
    cached: bool = False  # what it returned once is returned again: all calls see it


@dataclass(eq=False)
class LocalClass:
    """A class that is defined within the call."""

    node: ast.ClassDef
    members: dict[str, frozenset[Any]]
    bases: frozenset[Any]


@dataclass(frozen=True)
class Method:
    """`name`, looked up on `receiver`; None: the name is not known."""

    receiver: Any
    name: str | None
    function: Function | None = None


@dataclass(frozen=True)
class Super:
    """What `super()` gives: `receiver`, seen as of the classes after `cls`."""

    cls: Any
    receiver: frozenset[Any]


@dataclass(eq=False)
class Partial:
    """A callable with some of its arguments."""

    callee: frozenset[Any]
    arguments: Arguments


@dataclass(frozen=True)
class Unloaded:
    """A name within a library that is not imported yet."""

    path: str


Value = frozenset[Any]
NOTHING: Value = frozenset()


@dataclass
class Arguments:
    """Of a call: `more` is what any parameter may be given besides (stars, a library's doing)."""

    positional: list[Value] = field(default_factory=list)
    keywords: dict[str, Value] = field(default_factory=dict)
    more: Value = NOTHING

    def all(self) -> Value:
        """Everything that is handed over."""
        return union([*self.positional, *self.keywords.values(), self.more])

    def get(self, index: int, name: str | None = None) -> Value:
        """The argument at a place or of a name; nothing when it is not given."""
        if name is not None and name in self.keywords:
            return self.keywords[name]
        return self.positional[index] if 0 <= index < len(self.positional) else NOTHING

    def after(self, *first: Value) -> Arguments:
        """The same with others before them."""
        return Arguments([*first, *self.positional], self.keywords, self.more)


def union(values: Iterable[Value]) -> Value:
    """What is any of these."""
    return NOTHING.union(*values)


def marks(value: Value) -> Value:
    """The facts about a value, without its objects."""
    return frozenset(each for each in value if isinstance(each, Mark))


def texts_of(value: Value) -> list[str]:
    """The texts that a value may be, whole or put together."""
    known = constants(value, str)
    for each in value:
        if isinstance(each, Local):
            known += [part.obj for part in each.fields.get(TEXT, ())]
    return sorted(known)


def constants(value: Value, kind: type) -> list[Any]:
    """The constants of a type that a value may be."""
    return [each.obj for each in value if isinstance(each, Live) and isinstance(each.obj, kind)]
