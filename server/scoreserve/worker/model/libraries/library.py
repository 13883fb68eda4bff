"""What is known of a library: which of its methods go by rows, and when they do not."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol


class RowsCall(NamedTuple):
    """A call of a method that goes by rows, taken apart."""

    rows: Any
    """The input that is joined with those of other calls."""
    rest: Hashable
    """What must be equal of the other arguments for two calls to meet."""
    arguments: Callable[[Any], tuple[tuple[Any, ...], dict[str, Any]]]
    """The arguments of the same call, of these rows."""
    several: bool = False
    """Whether a result that is a list is one of outputs, for `join.cut`."""


class Library(Protocol):
    """A library whose models go by rows. Only a process that has imported it has one of these."""

    name: str

    def methods(self) -> Iterable[tuple[type, str]]:
        """The methods that may go by rows, each with the class in whose `__dict__` it is: those of
        all classes of the library that are loaded so far.
        """

    def refusal_of_model(self, model: Any, method: str) -> str:
        """Why no call of this method goes by rows, for the script's author; empty when some do. It
        is asked for each batch of calls, for a model may change.
        """

    def refusal_of_call(
        self, model: Any, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> str:
        """Why this call does not go by rows, though others do."""

    def rows_argument(
        self, model: Any, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> RowsCall:
        """The call taken apart; it was not refused."""

    def exact(self, model: Any, method: str) -> bool:
        """Whether rows have the same bits whatever is beside them, by the nature of the model."""


# The arguments of these types are equal when they look it.
_PLAIN = frozenset({type(None), bool, int, float, str})


def root_of(cls: type) -> str:
    """The package that a class comes from."""
    return (cls.__module__ or "").partition(".")[0]


def class_name(model: Any) -> str:
    return type(model).__qualname__


def subclasses(cls: type) -> Iterator[type]:
    """A class, and all that were derived from it so far."""
    seen = {cls}
    waiting = [cls]
    while waiting:
        current = waiting.pop()
        yield current
        derived: list[type] = type.__subclasses__(current)
        new = [each for each in derived if each not in seen]
        seen.update(new)
        waiting += new


def methods_of(
    classes: Iterable[type], names: Sequence[str], roots: frozenset[str]
) -> Iterator[tuple[type, str]]:
    """Where the methods of these names are defined, among the classes of these packages and what
    they inherit from: a mixin is of no base class.
    """
    seen: set[type] = set()
    for derived in classes:
        if root_of(derived) not in roots:
            continue
        for cls in derived.__mro__:
            if cls not in seen and root_of(cls) in roots:
                seen.add(cls)
                yield from ((cls, name) for name in names if name in vars(cls))


def without_rows(args: tuple[Any, ...], kwargs: Mapping[str, Any], names: Sequence[str]) -> str:
    """Why a call's arguments cannot be told apart; empty when `first_argument` can."""
    if len(args) == 1 and not kwargs:
        return ""
    if not args and not any(name in kwargs for name in names):
        return "its input is not the first argument"
    rest = args[1:] + tuple(value for name, value in kwargs.items() if args or name not in names)
    for value in rest:
        if type(value) not in _PLAIN and not _is_plain_tuple(value):
            return f"an argument beside its input is a {class_name(value)}"
    return ""


def first_argument(
    args: tuple[Any, ...], kwargs: Mapping[str, Any], names: Sequence[str], several: bool = False
) -> RowsCall:
    """A call whose first argument is of rows, which may be given by one of these names, and all
    others of which are plain.
    """
    if len(args) == 1 and not kwargs:
        return RowsCall(args[0], (), _only, several)
    rest: Hashable
    if args:
        others = args[1:]
        named = dict(kwargs)
        rest = (tuple(map(_typed, others)), _typed_items(named))
        return RowsCall(args[0], rest, lambda rows: ((rows, *others), dict(named)), several)
    name = next(name for name in names if name in kwargs)
    named = {key: value for key, value in kwargs.items() if key != name}
    rest = (name, _typed_items(named))
    return RowsCall(kwargs[name], rest, lambda rows: ((), {name: rows, **named}), several)


def _only(rows: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return (rows,), {}


def _typed(value: Any) -> Hashable:
    """1, 1.0 and True are equal, and say different things."""
    return (tuple, *map(_typed, value)) if type(value) in (list, tuple) else (type(value), value)


def _typed_items(named: Mapping[str, Any]) -> Hashable:
    return frozenset((name, _typed(value)) for name, value in named.items()) if named else ()


def _is_plain_tuple(value: Any) -> bool:
    return type(value) in (list, tuple) and all(type(item) in _PLAIN for item in value)
