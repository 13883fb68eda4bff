"""What `operator` makes of a name: itemgetter("a")(x) is x["a"], methodcaller("pop")(x) x.pop()."""

from __future__ import annotations

import ast
import operator
from functools import partial
from typing import Any

from scoreserve.worker.model.shared_state.frames import Frame
from scoreserve.worker.model.shared_state.library_functions import LibraryFunctions
from scoreserve.worker.model.shared_state.state import is_shared
from scoreserve.worker.model.shared_state.values import (
    ITEM,
    NOTHING,
    Arguments,
    Live,
    Local,
    Shared,
    Value,
    constants,
    union,
)

METHOD_CALLER = "operator.methodcaller"


class OperatorObjects(LibraryFunctions):
    """Calls of these objects."""

    def method_caller(self, arguments: Arguments, node: ast.AST, frame: Frame) -> Value:
        """`methodcaller("update")`: remembers the name; its other arguments are not looked at."""
        made = self.local(node, operator.methodcaller, frame)
        self.put(made, ITEM, arguments.get(0))
        return frozenset([made])

    def call_operator_object(
        self, each: Any, arguments: Arguments, node: ast.AST, frame: Frame
    ) -> Value | None:
        """What such an object gives; None: it is another."""
        cls = type(each.obj) if isinstance(each, Live) else getattr(each, "cls", None)
        if cls in (operator.itemgetter, operator.attrgetter):
            shared = any(is_shared(given) for given in arguments.all())
            return arguments.all() | (frozenset([Shared()]) if shared else NOTHING)
        if cls is not operator.methodcaller:
            return None
        receivers = arguments.get(0) | arguments.more
        methods = [self.attribute_of(receivers, name, node, frame) for name in _names(each)]
        return self.call(union(methods), Arguments(), node, frame)


def _names(each: Live | Local) -> list[str]:
    """The method that a methodcaller calls."""
    if isinstance(each, Local):
        return constants(frozenset(each.fields.get(ITEM, ())), str)
    made_by, given = each.obj.__reduce__()
    return list(made_by.args[:1] if isinstance(made_by, partial) else given[:1])
