"""Calls of functions and classes of libraries and of Python itself."""

from __future__ import annotations

import ast
import io
import os
import sys
from typing import Any

from scoreserve.worker.model.shared_state import live_objects, names
from scoreserve.worker.model.shared_state.frames import Frame
from scoreserve.worker.model.shared_state.library_methods import (
    HELD_LOCK,
    TAKES,
    LibraryMethods,
    shares_memory,
)
from scoreserve.worker.model.shared_state.objects import NAMED
from scoreserve.worker.model.shared_state.state import is_shared
from scoreserve.worker.model.shared_state.values import (
    ITEM,
    NOTHING,
    Arguments,
    Live,
    Local,
    Mark,
    Method,
    Shared,
    Super,
    Value,
    attribute_key,
    constants,
    marks,
    texts_of,
    union,
)

ANY_MODE = "?"


class LibraryFunctions(LibraryMethods):
    """What is not the script's own, called by a name."""

    def library_function(
        self, path: str, obj: Any, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> Value:
        """What a function of that dotted name may give, with all it does."""
        path = self.canonical(path, obj)
        if path in names.READING_TABLES:
            self.statement(arguments.get(0), arguments.get(1, "con"), node, frame)
        special = getattr(self, f"_call_{path.rpartition('.')[2]}", None)
        if special is not None and path in SPECIAL:
            given: Value = special(arguments, node, frame)
            return given
        self._process_call(path, arguments, node, frame)
        self._changed_argument(path, arguments, node, frame)
        self.written_arguments(arguments, node, frame)
        self._consumed(path, arguments, node, frame)
        self._special_methods(path, arguments, node, frame)
        self._opened(path, arguments, node, frame)
        self._locked_file(path, node, frame)
        if any(isinstance(each, Live) and _is_model(each.obj) for each in arguments.all()):
            self.meeting(frame)
        made = self.local(node, obj if isinstance(obj, type) else None, frame)
        self.may_be_text(made, texts_of(arguments.get(0)))
        made.is_file = made.is_file or _is_file(path, obj, arguments)
        return self._result(path, made, arguments, node, frame)

    def _opened(self, path: str, arguments: Arguments, node: ast.AST, frame: Frame) -> None:
        if path in names.WRITING_FUNCTIONS:
            self.write(arguments.get(names.WRITING_FUNCTIONS[path]), node, frame)
        if path == "os.open" and constants(arguments.get(1), int) != [os.O_RDONLY]:
            self.write(arguments.get(0), node, frame)
        if path in names.USING_OPEN_FILES and any(map(_is_number_of_all, arguments.get(0))):
            self.obstacle(node, frame, f"uses an open file by {path}(), which calls share")
        if path in names.SHELL and isinstance(node, ast.Call) and _redirects(node):
            self.write(arguments.get(0), node, frame)
        if path in names.OPENING:
            file, mode, usual = names.OPENING[path]
            given = arguments.get(mode, "mode") or frozenset([Live(usual)])
            self.open_file(arguments.get(file), given, node, frame)

    def _locked_file(self, path: str, node: ast.AST, frame: Frame) -> None:
        unlocks = isinstance(node, ast.Call) and names.UNLOCK in ast.unparse(node)
        if path == "os.close" or (path in names.LOCKING_FILES and unlocks):
            self.release(frame, names.LOCKED_FILE)
        elif path in names.LOCKING_FILES:
            self.hold(frame, node, HELD_LOCK, names.LOCKED_FILE)

    def canonical(self, path: str, obj: Any) -> str:
        """The name by which the tables know a function, whatever it was imported as."""
        if obj is None:
            return path
        if not self.known:
            self.known.update(_loaded_names())
        return self.known.get(id(obj), path)

    def _process_call(self, path: str, arguments: Arguments, node: ast.AST, frame: Frame) -> None:
        entered = node is self.with_item
        if path in names.SETTINGS:
            self.setting(path, arguments, node, frame)
        if path in names.CONTEXTS and entered:
            if path not in names.SAVED_BY_US:
                self.hold(frame, node, f"{names.PROCESS} while others are let in", node)
            return
        reason = names.PROCESS_CALLS.get(path)
        if path in names.CONTEXTS and path not in ("tensorflow.Graph", "tensorflow.device"):
            reason = reason or names.PROCESS
        repeatable = path in names.REPEATABLE
        if _sets_for_all(path):  # Config.set_…(), where Config() is a context
            reason, repeatable = names.PROCESS, True
        if repeatable and self._repeats(path, arguments, node):
            return
        if path.startswith(names.PYPLOT) and not _is_of_own_figure(path, arguments):
            reason = names.FIGURE
        if reason is not None:
            self.obstacle(node, frame, f"{reason}: {path.removeprefix('builtins.')}()")

    def _repeats(self, path: str, arguments: Arguments, node: ast.AST) -> bool:
        if arguments.more or not isinstance(node, ast.Call):
            return False
        option = ast.unparse(node.args[0]) if len(node.args) > 1 else ""
        setting = (path, option, *sorted(arguments.keywords))
        values = [*arguments.positional, *arguments.keywords.values()]
        return self.repeats(setting, values, ast.unparse(node))

    def _changed_argument(
        self, path: str, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> None:
        name = path.removeprefix("builtins.")
        if path in names.CHANGING_ARGUMENT:
            index = names.CHANGING_ARGUMENT[path]
            self.change(arguments.get(index), node, frame, f"changes what {name}() is given")
        inplace = arguments.keywords.get("inplace", NOTHING)
        if any(isinstance(each, Live) and each.obj is True for each in inplace):
            self.change(arguments.get(0), node, frame, f"changes what {name}() is given")
        if path.startswith("numpy."):
            place = names.OUT_ARGUMENT.get(path.rpartition(".")[2])
            self.written_at(place, arguments, node, frame)
        kept = arguments.keywords.get("copy", NOTHING)
        if path.startswith(names.COPYING_UNLESS_TOLD) and constants(kept, bool) == [False]:
            self.change(arguments.get(0), node, frame, f"changes what {name}() is given")

    def _special_methods(
        self, path: str, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> None:
        """Python's own functions call methods of what they are given: len(), print(), sorted()."""
        if path.startswith("logging."):
            import logging

            self.code_inside(logging.root, node, frame)
        python = path.startswith(("builtins.", "json.", "copy."))
        own = self.own_objects(arguments.all())
        if path not in HARMLESS:
            own |= self._made_by_library(arguments, node, frame)
        if not own:
            return
        for name in names.CALLED_BY_PYTHON if python else names.CALLED_BY_LIBRARIES:
            self.dunder(own, name, Arguments(more=marks(arguments.all())), node, frame)

    def _made_by_library(self, arguments: Arguments, node: ast.AST, frame: Frame) -> Value:
        """Objects of the script's own classes that are handed over: `json.dumps(x, cls=Mine)`."""
        classes = frozenset(
            each
            for each in arguments.all()
            if isinstance(each, Live)
            and isinstance(each.obj, type)
            and self.sources.is_own_class(each.obj)
        )
        if not classes:
            return NOTHING
        rest = arguments.all() - classes
        return self.call(
            classes, Arguments(more=rest | self.items_of(rest, node, frame)), node, frame
        )

    def _consumed(self, path: str, arguments: Arguments, node: ast.AST, frame: Frame) -> None:
        """Iterators, files and random states that are handed to a library are read by it."""
        if path in HARMLESS:
            return
        for each in arguments.all():
            if isinstance(each, Live) and self.is_taken_from(each.obj):
                self.obstacle(node, frame, TAKES.format(ast.unparse(node)[:60]))

    def is_taken_from(self, obj: Any) -> bool:
        """Whether whoever reads it takes something from others."""
        return live_objects.is_consumed(obj) or live_objects.is_random_state(obj)

    def _result(
        self, path: str, made: Local, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> Value:
        called = self.callbacks(arguments, NOTHING, node, frame)
        given = arguments.all()
        facts = _facts(path, arguments, marks(given | called))
        if path in names.SHARING:
            return facts | self._seen_by_all(path, arguments)
        if path in names.COPYING_ATTRIBUTES:
            self._copy_attributes(arguments.get(0), made)
        if path in names.COPYING:
            held = self.items_of(given, node, frame)
            held = (held | (called if path == "builtins.map" else NOTHING)) - {made} - marks(held)
            if path in ITEMS_THEMSELVES:
                held |= given
            if path == "builtins.dict":
                held |= self.items_of(held, node, frame)
            if path in PAIRING:
                held = self.paired(held, node, frame)
            self.put(made, ITEM, held - marks(held))
            for name, value in arguments.keywords.items():
                self.put(made, attribute_key(name), value)
            return facts | {made}
        if path in names.CHOOSING:
            return facts | self.items_of(given, node, frame) | given | called
        if path in names.ALIASING or shares_memory(path, arguments):
            return facts | {made} | arguments.get(0) | arguments.more
        memory = arguments.get(names.MEMORY.get(path, -1), names.MEMORY_KEYWORD)
        return facts | {made} | memory

    def _copy_attributes(self, value: Value, made: Local) -> None:
        for each in value:
            if isinstance(each, Live):
                for name, held in live_objects.fields(each.obj).items():
                    self.put(made, attribute_key(name), frozenset([Live(held)]))
            elif isinstance(each, Local):
                for key, held in list(each.fields.items()):
                    self.put(made, key, frozenset(held) - {made})

    def _seen_by_all(self, path: str, arguments: Arguments) -> Value:
        if path == "importlib.import_module":
            modules = [sys.modules.get(name) for name in constants(arguments.get(0), str)]
            return frozenset(Live(each) if each else Shared() for each in modules or [None])
        cls = names.SHARING_CLASSES.get(path)
        return frozenset([Shared(getattr(sys.modules["logging"], cls) if cls else None)])

    # Functions of Python itself that need a rule of their own.

    def _call_getattr(self, arguments: Arguments, node: ast.AST, frame: Frame) -> Value:
        texts = constants(arguments.get(1), str)
        value = arguments.get(0)
        if texts:
            found = [self.attribute_of(value, text, node, frame) for text in texts]
            return arguments.get(2).union(*found)
        # Which attribute is known when it runs: any, or one that is made then.
        self.dunder(value, "__getattr__", Arguments([arguments.get(1)]), node, frame)
        methods = frozenset(Method(each, None) for each in value if not isinstance(each, Mark))
        return methods | self.items_of(value, node, frame) | arguments.get(2)

    def _call_setattr(self, arguments: Arguments, node: ast.AST, frame: Frame) -> Value:
        target = arguments.get(0)
        self.change(target, node, frame, "sets an attribute of what setattr() is given")
        texts = constants(arguments.get(1), str)
        for each in target:
            if isinstance(each, Local):
                for text in texts:
                    self.put(each, attribute_key(text), arguments.get(2))
                if not texts:
                    self.put(each, ITEM, arguments.get(2))
        return NOTHING

    def _call_vars(self, arguments: Arguments, node: ast.AST, frame: Frame) -> Value:
        if not arguments.positional:
            return self._call_locals(arguments, node, frame)
        found = set()
        for each in arguments.get(0):
            if isinstance(each, Live):
                try:
                    found.add(Live(vars(each.obj)))
                except TypeError:
                    continue
            else:
                found.add(each)
        return frozenset(found)

    def _call_globals(self, arguments: Arguments, node: ast.AST, frame: Frame) -> Value:
        return frozenset([Live(frame.function.globals)])

    def _call_locals(self, arguments: Arguments, node: ast.AST, frame: Frame) -> Value:
        made = self.local(node, dict, frame)
        for name, value in frame.names.items():
            self.put(made, ("item", ("str", name)), value)
        return frozenset([made])

    def _call_type(self, arguments: Arguments, node: ast.AST, frame: Frame) -> Value:
        if len(arguments.positional) != 1:
            bases = self.items_of(arguments.get(1), node, frame)
            self.derived(bases, arguments.all(), node, frame)
            return frozenset([self.local(node, None, frame)])
        return self.attribute_of(arguments.get(0), "__class__", node, frame)

    def derived(self, bases: Value, members: Value, node: ast.AST, frame: Frame) -> None:
        """A class is made within the call: its bases' hooks and their metaclass are told."""
        given = Arguments(more=members)
        for name in ("__new__", "__init__"):
            self.dunder(bases, name, given, node, frame)
        self.attribute_called(bases, "__init_subclass__", given, node, frame)

    def attribute_called(
        self, classes: Value, name: str, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> Value:
        """Call what Python calls of a class itself, where the script's own classes have it."""
        found: list[Value] = []
        for each in classes:
            if isinstance(each, Live) and isinstance(each.obj, type):
                hook = live_objects.class_member(each.obj, name)[1]
                own = self.own_function(getattr(hook, "__func__", hook), node, frame)
                if own is not None:
                    given = arguments.after(frozenset([each]))
                    found.append(self.call_function(own, given, node, frame))
        return union(found)

    def _call_super(self, arguments: Arguments, node: ast.AST, frame: Frame) -> Value:
        if arguments.positional:
            classes = [each.obj for each in arguments.get(0) if isinstance(each, Live)]
            return frozenset(Super(cls, arguments.get(1)) for cls in classes)
        enclosing = frame.function.enclosing
        cls = enclosing.get("__class__") if isinstance(enclosing, dict) else None
        args = frame.function.node.args
        first = [each.arg for each in (*args.posonlyargs, *args.args)][:1]
        return frozenset([Super(cls, frame.names.get(first[0], NOTHING) if first else NOTHING)])

    def _call_open(self, arguments: Arguments, node: ast.AST, frame: Frame) -> Value:
        self.open_file(arguments.get(0, "file"), arguments.get(1, "mode"), node, frame)
        made = self.local(node, None, frame)
        made.is_file = True
        return frozenset([made])

    def open_file(self, path: Value, mode: Value, node: ast.AST, frame: Frame) -> None:
        """A file is opened: the path counts when it is written to."""
        modes = constants(mode, str) if mode else ["r"]
        if any(set(text) & set("wax+") for text in modes):
            self.write(path, node, frame)

    def _call_iter(self, arguments: Arguments, node: ast.AST, frame: Frame) -> Value:
        value = arguments.get(0)
        self.iterated(value, node, frame)
        made = self.local(node, None, frame)
        self.put(made, ITEM, self.items_of(value, node, frame) - marks(value))
        return marks(value) | {made}

    def _call_next(self, arguments: Arguments, node: ast.AST, frame: Frame) -> Value:
        value = arguments.get(0)
        got = self.dunder(value, "__next__", Arguments(), node, frame)
        own = frozenset(each for each in value if self.has_own(each, "__next__"))
        self.change(value - own, node, frame, "takes the next of an iterator")
        return got | self.items_of(value, node, frame) | arguments.get(1)

    def _is_foreign_source(self, each: Live) -> bool:
        return self.is_taken_from(each.obj) and not self.has_own(each, "__next__")

    def iterated(self, value: Value, node: ast.AST, frame: Frame) -> Value:
        """What a loop over it gives."""
        own: Value = NOTHING
        for name in ("__iter__", "__next__", "__getitem__"):
            own |= self.dunder(value, name, Arguments(), node, frame)
        for each in value:
            if isinstance(each, Live) and self._is_foreign_source(each):
                self.obstacle(node, frame, TAKES.format("an iterator or a file"))
        inner = self.items_of(own, node, frame) if own else NOTHING
        return own | inner | self.items_of(value, node, frame)


SPECIAL = frozenset(
    f"builtins.{name}"
    for name in [
        "getattr",
        "setattr",
        "vars",
        "globals",
        "locals",
        "type",
        "super",
        "open",
        "iter",
        "next",
    ]
) | {"io.open", "codecs.open", "gzip.open", "bz2.open", "lzma.open", "_io.open"}
# Which never read what they are given.
HARMLESS = frozenset(
    f"builtins.{name}"
    for name in [
        "isinstance",
        "hasattr",
        "callable",
        "id",
        "type",
        "repr",
        "str",
        "print",
        "bool",
        "issubclass",
        "dir",
    ]
)
# Which hold what they are given, or views of it.
ITEMS_THEMSELVES = frozenset(
    [
        *("itertools.repeat", "types.SimpleNamespace", "types.MappingProxyType"),
        *("numpy.nditer", "numpy.split", "numpy.array_split", "numpy.hsplit", "numpy.vsplit"),
        "numpy.broadcast_arrays",
    ]
)
PAIRING = frozenset(("builtins.zip", "builtins.enumerate", "itertools.product"))


def _redirects(node: ast.Call) -> bool:
    """Whether a command of the shell's, as far as it is written there, writes a file."""
    parts = ast.walk(node.args[0]) if node.args else []
    return any(
        isinstance(part, ast.Constant) and isinstance(part.value, str) and ">" in part.value
        for part in parts
    )


def _sets_for_all(path: str) -> bool:
    owner, _, name = path.rpartition(".")
    return owner in names.CONTEXTS and name.startswith(names.CLASS_MUTATORS)


def _is_file(path: str, obj: Any, arguments: Arguments) -> bool:
    """Whether a function gives a file or a buffer, or a class's object that is given one."""
    if isinstance(obj, type) and issubclass(obj, io.IOBase):
        return True
    is_class = isinstance(obj, type) or (obj is None and path.rpartition(".")[2][:1].isupper())
    return is_class and any(isinstance(each, Local) and each.is_file for each in arguments.all())


def _facts(path: str, arguments: Arguments, given: Value) -> Value:
    """What is known of a result: of what is given, and whether no other call can have it."""
    if path in names.TELLING_FUNCTIONS:
        return given - {Mark.UNIQUE}
    unique = path in names.UNIQUE_FUNCTIONS
    if path == names.DATABASE:
        unique = names.IN_MEMORY in constants(arguments.get(0), str)
    return given | {Mark.UNIQUE} if unique else given


def _loaded_names() -> dict[int, str]:
    """Functions that the tables name, of the modules that are loaded, by identity."""
    known = {}
    for path in sorted(NAMED | SPECIAL, reverse=True):
        module, _, name = path.rpartition(".")
        holder = sys.modules.get(module)
        if holder is None:
            continue
        found, obj = live_objects.attribute(holder, name)
        if found and obj is not None:
            known[id(obj)] = path
    return known


def _is_of_own_figure(path: str, arguments: Arguments) -> bool:
    """Whether a function of pyplot's only makes or closes a figure of the call's own."""
    name = path.removeprefix(names.PYPLOT)
    if name == "close":
        return bool(arguments.positional) and not constants(arguments.get(0), str)
    return name in names.PYPLOT_OWN_FIGURE


def _is_number_of_all(each: Any) -> bool:
    """Whether it may be the number of a file that all calls have open; not stdout's or stderr's."""
    return isinstance(each, Shared) or (isinstance(each, Live) and each.obj not in (1, 2))


def _is_model(obj: Any) -> bool:
    return hasattr(type(obj), "predict") and not isinstance(obj, type)


def is_context(method: Method) -> bool:
    """Whether a method gives a context that changes what all calls see."""
    return method.name in names.CONTEXT_METHODS and (
        is_shared(method.receiver) or isinstance(method.receiver, Local)
    )
