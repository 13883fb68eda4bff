"""Calls of methods of libraries' objects: what is changed, written, given back."""

from __future__ import annotations

import ast
import contextvars
from collections.abc import Iterable, Sequence
from typing import Any

from scoreserve.worker.model.shared_state import live_objects, names
from scoreserve.worker.model.shared_state.frames import Frame
from scoreserve.worker.model.shared_state.objects import Objects
from scoreserve.worker.model.shared_state.sql import (
    ends_transaction,
    is_statement,
    opens_transaction,
    tables_changed,
    tables_read,
)
from scoreserve.worker.model.shared_state.state import is_shared
from scoreserve.worker.model.shared_state.texts import MOST, UNSEEN, filled, joined
from scoreserve.worker.model.shared_state.values import (
    ITEM,
    NOTHING,
    TEXT,
    Arguments,
    Function,
    Live,
    Local,
    Mark,
    Method,
    Partial,
    Shared,
    Value,
    constants,
    item_key,
    marks,
    texts_of,
    union,
)

HELD_LOCK = "holds a lock over a call in which others are let in"
TAKES = "takes from `{}`, which calls share"
# Generators of the modules themselves, which a script that draws without a seed shares with none.
GLOBAL_GENERATORS = (("random", "_inst"), ("numpy.random.mtrand", "_rand"))


class LibraryMethods(Objects):
    """What is not the script's own, called by a method."""

    def library_method(
        self, method: Method, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> Value:
        """What a method of a library's object may give, with all it does."""
        receiver, name = method.receiver, method.name or ""
        whole = frozenset([receiver])
        if is_shared(receiver):
            self._shared_receiver(receiver, name, arguments, node, frame)
        elif name in ("acquire", "release") and is_foreign_lock(receiver):
            self._lock(receiver, name, node, frame)
        self.written_arguments(arguments, node, frame)
        self._written_by_method(receiver, name, arguments, node, frame)
        if name in names.SETTING_METHODS and is_shared(receiver):
            self.setting(name, arguments, node, frame)
        self._writes_file(receiver, name, arguments, node, frame)
        if name in names.CHANGING_FIRST:
            self.change(arguments.get(0), node, frame, f"changes what {name}() is given")
        if name in names.STATEMENT_METHODS:
            self.statement(arguments.get(0), self.receiver_marks(node, frame), node, frame)
        elif name == "to_sql":
            table = {text.lower() for text in constants(arguments.get(0, "name"), str)}
            into = arguments.get(1, "con")
            self.table_use(table, set(), into, node, frame)
        self._let_go(name, frame)
        self.callbacks(arguments, whole, node, frame)
        self._held_by_stack(name, arguments, node, frame)
        if isinstance(receiver, Live):
            self._live_receiver(receiver.obj, name, arguments, node, frame)
        self._hooks_of_base(receiver, node, frame)
        if _lets_in(receiver, name):
            self.meeting(frame)
        self._keep(receiver, name, arguments)
        if name in names.GIVING_LOCKS:
            self.local(node, None, frame).is_lock = True
        self._text_of_method(receiver, name, arguments, node, frame)
        return self._given_back(receiver, name, arguments, node, frame)

    def _live_receiver(
        self, obj: Any, name: str, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> None:
        self.code_inside(obj, node, frame)
        if not isinstance(obj, type) and self.sources.is_own_class(type(obj)):
            # A base class's method calls the subclass's own.
            self._call_part(obj, node, frame)
        if type(obj).__name__ == "ufunc" and obj.__name__.endswith(" (vectorized)"):
            self.obstacle(node, frame, "calls what numpy.frompyfunc() has made of a function")
        elif type(obj).__name__ == "ufunc":
            written = arguments.positional[:1] if name == "at" else arguments.positional[obj.nin :]
            self.change(union(written), node, frame, f"writes to an argument of {obj.__name__}()")
        if isinstance(obj, contextvars.ContextVar):
            self._context_variable(obj, name, node, frame)

    def _hooks_of_base(self, receiver: Any, node: ast.AST, frame: Frame) -> None:
        """HTMLParser.feed() calls handle_data() of the script's subclass."""
        own = self.own_objects(frozenset([receiver]))
        cls = type(receiver.obj) if isinstance(receiver, Live) else getattr(receiver, "cls", None)
        if not own or not isinstance(cls, type):
            return
        given = Arguments(more=frozenset([Mark.REQUEST]))
        for name in live_objects.hooks(cls, names.DISPATCHED):
            self.dunder(own, name, given, node, frame)

    def _context_variable(
        self, variable: contextvars.ContextVar[Any], name: str, node: ast.AST, frame: Frame
    ) -> None:
        """Each call has its own value: what one reads before it has set it is nobody's."""
        self.context_use.setdefault(id(variable), name)
        if name == "set" and self.context_use[id(variable)] == "get":
            self.obstacle(node, frame, "sets a context variable that a call reads before")

    def _held_by_stack(self, name: str, arguments: Arguments, node: ast.AST, frame: Frame) -> None:
        """`stack.enter_context(LOCK)`."""
        for each in arguments.get(0) if name in ("enter_context", "push") else ():
            if isinstance(each, Live) and live_objects.is_lock(each.obj):
                self.hold(frame, node, HELD_LOCK, each)

    def _shared_receiver(
        self, receiver: Any, name: str, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> None:
        obj = receiver.obj if isinstance(receiver, Live) else None
        cls = type(obj) if isinstance(receiver, Live) else getattr(receiver, "cls", None)
        if obj is not None and live_objects.is_standard_stream(obj):
            return
        if name in ("acquire", "release") and (obj is None or live_objects.is_lock(obj)):
            self._lock(receiver, name, node, frame)
        elif obj is not None and _takes(obj, name):
            self.obstacle(node, frame, TAKES.format(_shown(node)))
        elif _is_query(cls, name):
            self._query(arguments, node, frame)
        elif isinstance(obj, type) and name.startswith(names.CLASS_MUTATORS):
            self._class_changed(obj, name, arguments, node, frame)
        elif changes(cls, name) or _in_place(arguments):
            self.obstacle(node, frame, f"changes `{_shown(node)}` by {name}(), which calls share")

    def _class_changed(
        self, cls: type, name: str, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> None:
        values = [*arguments.positional, *arguments.keywords.values()]
        if arguments.more or not self.repeats((cls, name), values, ast.unparse(node)):
            self.obstacle(node, frame, f"changes `{_shown(node)}` by {name}(), which calls share")

    def _lock(self, receiver: Any, name: str, node: ast.AST, frame: Frame) -> None:
        if name == "acquire":
            self.hold(frame, node, HELD_LOCK, receiver)
            return
        self.release(frame, receiver)

    def _query(self, arguments: Arguments, node: ast.AST, frame: Frame) -> None:
        texts = constants(arguments.get(0), str)
        if not texts or not all(text.lstrip().lower().startswith("select") for text in texts):
            self.obstacle(node, frame, f"uses `{_shown(node)}`, which calls share, to change data")

    def receiver_marks(self, node: ast.AST, frame: Frame) -> Value:
        """What is known of where the receiver of a call comes from."""
        func = getattr(node, "func", None)
        if not isinstance(func, ast.Attribute):
            return NOTHING
        return marks(self.evaluate(func.value, frame))

    def statement(self, text: Value, database: Value, node: ast.AST, frame: Frame) -> None:
        """A statement of SQL is executed."""
        texts = texts_of(text)
        if any(map(ends_transaction, texts)):
            self.release(frame, names.TRANSACTION)
        elif Mark.UNIQUE not in database and any(map(opens_transaction, texts)):
            reason = f"holds {names.TRANSACTION} while others are let in"
            self.hold(frame, node, reason, names.TRANSACTION)
        changed = set().union(*map(tables_changed, texts))
        read = set().union(*map(tables_read, texts))
        self.table_use(changed, read, database, node, frame)

    def table_use(
        self, changed: set[str], read: set[str], database: Value, node: ast.AST, frame: Frame
    ) -> None:
        """A table that run() both changes and reads may have another call's rows when it is read;
        not in a database of the call's own, nor does it matter where rows are only added.
        """
        if Mark.UNIQUE in database:
            return
        if read - self.tables_read:
            self.tables_read |= read
            self.changed = True  # what was changed before is looked at once more
        for table in changed & self.tables_read:
            shown = table.replace(UNSEEN, "…")
            self.obstacle(node, frame, f"changes the table `{shown}`, which it reads too")

    def may_be_text(self, made: Local, texts: Iterable[str]) -> None:
        """What is made may be one of these texts; only statements are kept."""
        known = frozenset(Live(each) for each in texts if is_statement(each))
        if known and len(made.fields.get(TEXT, ())) < MOST:
            self.put(made, TEXT, known)

    def _let_go(self, name: str, frame: Frame) -> None:
        if name in names.ENDING_TRANSACTION:
            self.release(frame, names.TRANSACTION)
        if name == "close":
            self.release(frame, names.LOCKED_FILE)

    def _text_of_method(
        self, receiver: Any, name: str, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> None:
        whole = frozenset([receiver])
        texts = texts_of(whole)
        if not texts:
            return
        if name == "format":
            given = [*arguments.positional, *arguments.keywords.values()]
            made = [way for each in texts for way in filled(each, [texts_of(g) for g in given])]
        elif name == "join":
            held = [each for each in arguments.get(0) if isinstance(each, Local)]
            made = [way for each in held for way in _joined_items(each, texts)]
        else:
            made = texts if name in names.SAME_STATEMENT else []
        self.may_be_text(self.local(node, None, frame), made)

    def written_arguments(self, arguments: Arguments, node: ast.AST, frame: Frame) -> None:
        """`out=`, `file=` and the like name what is written to."""
        for keyword in names.WRITTEN_KEYWORDS:
            named = arguments.keywords.get(keyword, NOTHING)
            tuples = frozenset(
                each for each in named if isinstance(each, Local) and each.cls is tuple
            )
            written = frozenset(
                each
                for each in named | self.items_of(tuples, node, frame)
                if not (isinstance(each, Live) and live_objects.is_standard_stream(each.obj))
            )
            self.change(written, node, frame, f"writes to what `{keyword}` names")

    def written_at(
        self, place: int | None, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> None:
        """An array in the place of `out` is written to."""
        given = arguments.get(place) if place is not None else NOTHING
        arrays = frozenset(each for each in given if _is_array(each))
        self.change(arrays, node, frame, "writes to the array that is given for `out`")

    def _written_by_method(
        self, receiver: Any, name: str, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> None:
        if isinstance(receiver, Live) and type(receiver.obj).__name__ == "ufunc":
            place = names.OUT_ARGUMENT_OF_OPERATORS.get(name)
        else:
            place = names.OUT_ARGUMENT.get(name, 0) - 1
        if place is not None and place >= 0:
            self.written_at(place, arguments, node, frame)

    def setting(self, name: str, arguments: Arguments, node: ast.AST, frame: Frame) -> None:
        """What all calls set alike changes nothing; what depends on the request, or is the call's
        own and keeps something of it, does.
        """
        given = arguments.all()
        if marks(given) or any(map(self._keeps_of_call, given)):
            short = name.rpartition(".")[2]
            self.obstacle(node, frame, f"sets by {short}() for all calls what one of them asks")

    def _keeps_of_call(self, each: Any) -> bool:
        """Whether it is a function within the call, writes to a file or buffer of the call's, or is
        an own object that keeps what it made.
        """
        if isinstance(each, Function):
            return isinstance(each.enclosing, Frame)
        if _is_file(each):
            return True
        if not isinstance(each, Local) or not self.own_objects(frozenset([each])):
            return False
        return any(
            isinstance(part, (Local, Function))
            for (kind, _), held in each.fields.items()
            if kind == "attribute"
            for part in held
        )

    def _writes_file(
        self, receiver: Any, name: str, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> None:
        if name in names.WRITING_METHODS:
            index, keyword = names.WRITING_METHODS[name]
            self.write(arguments.get(index, keyword), node, frame)
        elif name in names.WRITING_PATH_METHODS and isinstance(node, ast.Call):
            func = node.func
            path = self.evaluate(func.value, frame) if isinstance(func, ast.Attribute) else NOTHING
            self.write(path, node, frame)

    def write(self, path: Value, node: ast.AST, frame: Frame) -> None:
        """A file of that path is written: an obstacle unless the path is this call's alone, or a
        file that is open already.
        """
        objects = path - marks(path)
        nowhere = all(isinstance(each, Live) and each.obj is None for each in objects)
        known = any(isinstance(each, Live) and each.obj is not None for each in objects)
        if nowhere or (Mark.UNIQUE in path and not known) or any(map(_is_file, path)):
            return
        self.obstacle(node, frame, "writes a file that other calls may write at the same time")

    def callbacks(self, arguments: Arguments, more: Value, node: ast.AST, frame: Frame) -> Value:
        """Call the script's own functions that a library is handed, with all else that it has."""
        everything = arguments.all()
        # `converters={"price": number}`, `agg([mean, spread])`
        everything |= self.items_of(frozenset(filter(_is_plain_container, everything)), node, frame)
        called = frozenset(each for each in everything if self.is_callback(each))
        if not called or called in self.called_back:
            return NOTHING
        rest = (everything | more) - called
        given = rest | self.items_of(rest, node, frame)
        self.called_back.append(called)
        result = self.call(called, Arguments(more=given), node, frame)
        self.called_back.pop()
        return result

    def is_callback(self, each: Any) -> bool:
        """Whether it is a function of the script's own, or a method of anything shared."""
        if isinstance(each, (Function, Partial)):
            return True
        if isinstance(each, Method):
            return each.function is not None or is_shared(each.receiver)
        if self.has_own(each, "__call__"):
            return True
        return isinstance(each, Live) and (
            self.sources.is_own_function(each.obj) or type(each.obj).__name__ in _BOUND
        )

    def code_inside(self, obj: Any, node: ast.AST, frame: Frame) -> None:
        """Go through the script's own code in a library's object: steps, hooks, wrapped models."""
        if live_objects.is_immutable(obj) or isinstance(obj, (dict, list, set)):
            return
        if id(obj) not in self.inside:
            inner = live_objects.parts(obj, self.is_own_live)
            self.inside[id(obj)] = (obj, [part for part in inner if part is not obj])
        for part in self.inside[id(obj)][1]:
            self._call_part(part, node, frame)

    def _call_part(self, part: Any, node: ast.AST, frame: Frame) -> None:
        given = Arguments(more=frozenset([Mark.REQUEST]))
        live = Live(part)
        if self.sources.is_own_function(part):
            self.call(frozenset([live]), given, node, frame)
            return
        for name in names.CALLED_BY_LIBRARIES:
            self.dunder(frozenset([live]), name, given, node, frame)

    def _context_value(self, variable: contextvars.ContextVar[Any], name: str) -> Value:
        try:
            value = variable.get()
        except LookupError:
            return NOTHING
        return frozenset([Live(value)]) if name == "get" else NOTHING

    def paired(self, held: Value, node: ast.AST, frame: Frame) -> Value:
        """Tuples of what is held: what items(), zip() and enumerate() go over."""
        pair = self.local(("pair", node), tuple, frame)
        self.put(pair, ITEM, held - marks(held) - {pair})
        return frozenset([pair])

    def _keep(self, receiver: Any, name: str, arguments: Arguments) -> None:
        """What a container of this call's own is handed it may give back."""
        if isinstance(receiver, Local) and name in names.KEEPING_METHODS:
            held = arguments.all()
            if name in ("extend", "update", "extendleft"):
                held = union(
                    frozenset().union(*each.fields.values()) if isinstance(each, Local) else NOTHING
                    for each in held
                ) | frozenset(each for each in held if not isinstance(each, Local))
            self.put(receiver, ITEM, held - marks(held))

    def _given_back(
        self, receiver: Any, name: str, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> Value:
        facts = marks(arguments.all())
        whole = frozenset([receiver])
        variable = isinstance(receiver, Live) and type(receiver.obj).__name__ == "ContextVar"
        if name in names.ITEM_METHODS and not variable:
            index = getattr(node, "args", [None])
            key = index[0] if index and name != "__next__" else None
            key = key if isinstance(key, ast.Constant) and _is_mapping(receiver) else None
            return facts | self.items_of(whole, node, frame, key) | arguments.get(1)
        made = self.local(node, None, frame)
        if isinstance(receiver, Live) and isinstance(receiver.obj, contextvars.ContextVar):
            return facts | self._context_value(receiver.obj, name)
        deep = name == "copy" and _is_of_numbers(receiver) and not arguments.all()
        shares = shares_memory(name, arguments)
        collects = name in names.COLLECTION_METHODS and not deep and not shares
        if collects or isinstance(receiver, Local):
            held = self.items_of(whole, node, frame)
            if name == "items":
                held = self.paired(held, node, frame)
            self.put(made, ITEM, held - {receiver} - marks(held))
            if isinstance(receiver, Local) and name in names.VIEW_METHODS:
                return facts | {made, receiver}
            return facts | {made}
        shares = shares or name in names.VIEW_METHODS
        if shares and is_shared(receiver) and not _is_plain(receiver):
            return facts | {Shared()}
        return facts | {made}


_BOUND = ("builtin_function_or_method", "method", "method-wrapper", "partial")


def _joined_items(made: Local, between: Sequence[str]) -> list[str]:
    """What `between.join(made)` may be: of a list whose items are known apart."""
    keys = [key for kind, key in made.fields if kind == "item"]
    if not keys or None in keys or any(kind != "int" for kind, _ in keys):
        return []
    parts: list[Sequence[str]] = []
    for place in sorted(place for _, place in keys):
        parts += [between, texts_of(frozenset(made.fields[item_key(place)]))]
    return joined(parts[1:])


def is_foreign_lock(receiver: Any) -> bool:
    """Whether it is a lock that the call has made, and that other calls may hold all the same."""
    if not isinstance(receiver, Local):
        return False
    return receiver.is_lock or live_objects.is_foreign_lock(receiver.cls)


def shares_memory(name: str, arguments: Arguments) -> bool:
    """Whether it is told not to copy what it is given: `astype(float, copy=False)`."""
    keyword = names.SHARING_IF_TOLD.get(name)
    told = arguments.keywords.get(keyword, NOTHING) if keyword is not None else NOTHING
    return any(isinstance(each, Live) and not each.obj for each in told)


def _is_plain_container(each: Any) -> bool:
    cls = type(each.obj) if isinstance(each, Live) else getattr(each, "cls", None)
    return cls in (dict, list, tuple)


def _is_file(each: Any) -> bool:
    return isinstance(each, Local) and each.is_file


def _is_array(each: Any) -> bool:
    cls = type(each.obj) if isinstance(each, Live) else getattr(each, "cls", None)
    return isinstance(cls, type) and live_objects.library(cls) in names.TABLES


def _is_of_numbers(each: Any) -> bool:
    """Whether it is an array or a table without objects, all of which a copy copies."""
    if not isinstance(each, Live) or not _is_array(each):
        return False
    dtypes = getattr(each.obj, "dtypes", getattr(each.obj, "dtype", None))
    kinds = {getattr(dtype, "kind", "O") for dtype in getattr(dtypes, "values", [dtypes])}
    return "O" not in kinds


def _lets_in(receiver: Any, name: str) -> bool:
    """Whether the call may be one of a model."""
    if name != "__call__":
        return name in names.PREDICTING or name.startswith("predict")
    return not (isinstance(receiver, Live) and type(receiver.obj).__name__ == "ufunc")


def _is_plain(receiver: Any) -> bool:
    return isinstance(receiver, Live) and live_objects.is_immutable(receiver.obj)


def _is_mapping(receiver: Any) -> bool:
    return not (isinstance(receiver, Live) and isinstance(receiver.obj, (list, tuple)))


def _shown(node: ast.AST) -> str:
    func = getattr(node, "func", None)
    target = func.value if isinstance(func, ast.Attribute) else func or node
    text = ast.unparse(target)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _takes(obj: Any, name: str) -> bool:
    """Whether a call of this method takes from an object what others would get."""
    if live_objects.is_random_state(obj):
        return not _is_global_generator(obj)
    if live_objects.is_consumed(obj):
        if name == "getvalue" and live_objects.is_log(obj):
            return True
        return name not in ("fileno", "isatty", "readable", "writable", "getvalue", "tell")
    return live_objects.is_channel(obj) and name not in ("is_alive", "is_set", "poll", "fileno")


def _is_global_generator(obj: Any) -> bool:
    import sys

    return any(
        getattr(sys.modules.get(module), name, None) is obj for module, name in GLOBAL_GENERATORS
    )


def _is_query(cls: type | None, name: str) -> bool:
    return name in ("execute", "executemany", "executescript", "commit", "rollback") and (
        cls is None or "Connection" in cls.__name__ or "Session" in cls.__name__
    )


def _in_place(arguments: Arguments) -> bool:
    flag = arguments.keywords.get("inplace", NOTHING)
    return any(not isinstance(each, Live) or bool(each.obj) for each in flag)


def changes(cls: type | None, name: str) -> bool:
    """Whether a method of that name changes an object of that class; None: of any class."""
    if cls is None:
        return _changes_most(name)
    if _is_harmless(cls):
        return False
    if issubclass(cls, live_objects.CONTAINERS):
        return name in names.CONTAINER_MUTATORS
    module = live_objects.library(cls)
    if module in names.TABLES and "random" not in cls.__module__:
        return name in names.TABLE_MUTATORS
    if module == "torch" and cls.__name__ in ("Tensor", "Parameter"):
        return name.endswith("_") and not name.startswith("__")
    return _changes_most(name)


def _is_harmless(cls: type) -> bool:
    """Whether nothing that a call does to an object of the class matters to another call."""
    return (
        issubclass(cls, (*live_objects.IMMUTABLE, type))
        or live_objects.library(cls) in (*names.FIRE_AND_FORGET, "_contextvars")
        or cls.__name__ == "TextIOWrapper"
    )


def _changes_most(name: str) -> bool:
    prefixed = name.startswith(names.LIBRARY_MUTATOR_PREFIXES)
    return name in names.LIBRARY_MUTATORS or (prefixed and name not in names.LIBRARY_READERS)
