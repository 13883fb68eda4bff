"""Objects that were there before the call, looked at without running any of their code."""

from __future__ import annotations

import ast
import codecs
import collections
import contextlib
import datetime
import decimal
import enum
import inspect
import io
import logging
import re
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

IMMUTABLE = (
    *(int, float, complex, str, bytes, tuple, frozenset, range, type(None), type(...), slice),
    *(datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo, decimal.Decimal),
    *(enum.Enum, re.Pattern, re.Match, property, type(NotImplemented), ast.AST),
)
CONTAINERS = (dict, list, set, collections.deque, bytearray, types.MappingProxyType)
STREAM_PACKERS = ("zlib", "_bz2", "_lzma")
THREADING = ("threading", "_thread", "multiprocessing", "asyncio")
CALLABLES = (
    *(types.FunctionType, types.BuiltinFunctionType, types.MethodDescriptorType),
    *(types.WrapperDescriptorType, types.MethodWrapperType, types.ClassMethodDescriptorType),
)
ITEMS_LOOKED_AT = 2000  # of a container; those that come after are as the ones before
TEXTS_LOOKED_AT = 64  # of a container: paths, statements, names of methods
PARTS_LOOKED_AT = 3000  # of a model, for code of the script's own inside it


def is_immutable(obj: Any) -> bool:
    """Whether the object itself can never change; what a tuple holds may."""
    if isinstance(obj, IMMUTABLE):
        return True
    module = library(type(obj))
    return module == "numpy" and any(cls.__name__ == "generic" for cls in type(obj).__mro__)


def library(cls: type) -> str:
    """The package that a class is from."""
    return str(getattr(cls, "__module__", "")).partition(".")[0]


def is_request_proxy(obj: Any) -> bool:
    """Whether it stands for what each call has of its own: flask.request, flask.g; the application
    is one for all.
    """
    if type(obj).__module__ != "werkzeug.local":
        return False
    return obj is not vars(sys.modules.get("flask", types)).get("current_app")


def is_method(member: Any) -> bool:
    """Whether a class's member is a function, Python's, C's or Cython's."""
    if isinstance(member, type):
        return False
    return isinstance(member, CALLABLES) or (callable(member) and hasattr(type(member), "__get__"))


def is_lock(obj: Any) -> bool:
    """Whether it has acquire() and release()."""
    cls = type(obj)
    if cls.__name__ == "Condition":  # whose methods are those of its lock
        return True
    return hasattr(cls, "acquire") and hasattr(cls, "release")


def is_foreign_lock(cls: Any) -> bool:
    """Whether objects of a class are locks that others may hold too, though each call makes its
    own: of a file, of a server. Those of Python's own threads are of who has made them.
    """
    if not isinstance(cls, type) or library(cls) in THREADING:
        return False
    return hasattr(cls, "acquire") and hasattr(cls, "release")


def accessors(name: str) -> list[type]:
    """The classes that are registered with pandas for an attribute of its tables."""
    pandas = sys.modules.get("pandas")
    tables = (getattr(pandas, each, None) for each in ("DataFrame", "Series", "Index"))
    found = (getattr(vars(cls).get(name), "_accessor", None) for cls in tables if cls is not None)
    return [each for each in found if isinstance(each, type)]


def is_standard_stream(obj: Any) -> bool:
    """Whether it is stdout or stderr: their lines may be mixed."""
    return any(
        obj is each
        for each in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
        if each is not None
    )


def is_consumed(obj: Any) -> bool:
    """Whether reading from it changes it: iterators, files, cursors, what packs a stream."""
    if is_standard_stream(obj) or isinstance(obj, type):
        return False
    streams = (Iterator, io.IOBase, codecs.IncrementalDecoder, codecs.IncrementalEncoder)
    if isinstance(obj, streams) or library(type(obj)) in STREAM_PACKERS:
        return True
    return any(part in type(obj).__name__ for part in ("Cursor", "Scanner"))


def is_log(obj: Any) -> bool:
    """Whether log lines are kept there, of all calls: a buffer that a handler writes to."""
    handlers = [ref() for ref in list(getattr(logging, "_handlerList", ()))]
    return any(obj is getattr(each, "stream", None) for each in handlers if each is not None)


def is_random_state(obj: Any) -> bool:
    """Whether drawing from it changes what others draw."""
    names = {f"{cls.__module__}.{cls.__name__}" for cls in type(obj).__mro__}
    return bool(names & _RANDOM)


_RANDOM = {
    "random.Random",
    "_random.Random",
    "numpy.random._generator.Generator",
    "numpy.random.mtrand.RandomState",
    "torch._C.Generator",
    "torch.Generator",
    "faker.proxy.Faker",
}


def is_channel(obj: Any) -> bool:
    """Whether calls would take from one another there: queues, events, sockets, pools, threads."""
    names = {f"{cls.__module__}.{cls.__name__}" for cls in type(obj).__mro__}
    return bool(names & _CHANNELS)


_CHANNELS = {
    "queue.Queue",
    "_queue.SimpleQueue",
    "multiprocessing.queues.Queue",
    "multiprocessing.pool.Pool",
    "multiprocessing.connection.Connection",
    "asyncio.queues.Queue",
    "threading.Event",
    "threading.Thread",
    "threading.Barrier",
    "concurrent.futures._base.Executor",
    "asyncio.base_events.BaseEventLoop",
    "socket.socket",
    "subprocess.Popen",
}


def attribute(obj: Any, name: str) -> tuple[bool, Any]:
    """Whether it has the attribute, and what is kept under it: a descriptor is not asked."""
    try:
        return True, inspect.getattr_static(obj, name)
    except (AttributeError, TypeError):
        pass
    if isinstance(obj, types.ModuleType):
        # A package's own submodules, and names it loads late and has loaded.
        found = sys.modules.get(f"{obj.__name__}.{name}")
        return found is not None, found
    return False, None


def class_member(cls: type, name: str, after: type | None = None) -> tuple[bool, Any]:
    """What a class has under a name, or what those after `after` in its order have."""
    order = cls.__mro__
    if after in order:
        order = order[order.index(after) + 1 :]
    for each in order:
        if name in vars(each):
            return True, vars(each)[name]
    return False, None


def hooks(cls: type, prefixes: tuple[str, ...]) -> list[str]:
    """The methods that a base class of Python's own may call of a class: those that it has too, or
    of which it knows the beginning of the name. A thread's are called elsewhere.
    """
    bases = [
        each
        for each in cls.__mro__
        if library(each) in sys.stdlib_module_names - {"builtins", "abc", "typing", *THREADING}
    ]
    if not bases:
        return []
    return [
        name
        for each in cls.__mro__
        for name, member in vars(each).items()
        if isinstance(member, types.FunctionType) and not name.startswith("__")
        if name.startswith(prefixes) or any(name in vars(base) for base in bases)
    ]


def items(obj: Any) -> list[Any]:
    """What a container holds; of many of one immutable type, nothing."""
    if isinstance(obj, (dict, types.MappingProxyType)):
        held = _some(obj.values())
    elif isinstance(obj, (list, tuple, set, frozenset, collections.deque)):
        held = _some(obj)
    else:
        return []
    return [each for each in held if not is_immutable(each) or isinstance(each, tuple)]


def texts(obj: Any) -> list[str]:
    """The texts that a small container holds; of a large one, nothing."""
    if not isinstance(obj, (dict, list, tuple)) or len(obj) > TEXTS_LOOKED_AT:
        return []
    held = _some(obj.values() if isinstance(obj, dict) else obj)
    return [each for each in held if type(each) is str]


def _some(held: Any) -> list[Any]:
    try:
        return [each for each, _ in zip(held, range(ITEMS_LOOKED_AT), strict=False)]
    except RuntimeError:  # another thread has changed it just now
        return []


def parts(obj: Any, wanted: Callable[[Any], bool]) -> list[Any]:
    """Those inside an object for which `wanted` holds, by attributes, items and closures."""
    found: list[Any] = []
    seen: set[int] = set()
    ahead: collections.deque[Any] = collections.deque([obj])
    while ahead and len(seen) < PARTS_LOOKED_AT:
        each = ahead.popleft()
        if id(each) in seen or (is_immutable(each) and not isinstance(each, (tuple, frozenset))):
            continue
        seen.add(id(each))
        if wanted(each):
            found.append(each)
        ahead.extend(_inside(each))
    return found


def _inside(obj: Any) -> list[Any]:
    if isinstance(obj, (types.ModuleType, type)) or is_request_proxy(obj):
        return []
    if isinstance(obj, types.FunctionType):
        return closure(obj) + list(obj.__defaults__ or ()) + [vars(obj).get("__wrapped__")]
    if isinstance(obj, types.MethodType):
        return [obj.__func__, obj.__self__]
    inside = items(obj)[:200]
    with contextlib.suppress(AttributeError, TypeError):
        held = object.__getattribute__(obj, "__dict__")
        # Of a logger all handlers count, but no other logger.
        inside.extend([each for name, each in list(held.items())[:200] if name != "manager"])
    if type(obj).__name__ == "partial":
        inside.extend([obj.func, *obj.args, *obj.keywords.values()])
    return inside


def fields(obj: Any) -> dict[str, Any]:
    """What is kept in an object itself, by name."""
    try:
        held = object.__getattribute__(obj, "__dict__")
    except (AttributeError, TypeError):
        return {}
    return held if isinstance(held, dict) else {}


def closure(function: types.FunctionType) -> list[Any]:
    """What the cells of a function hold."""
    held = []
    for cell in function.__closure__ or ():
        try:
            held.append(cell.cell_contents)
        except ValueError:  # a name that has no value yet
            continue
    return held
