"""Inputs of several calls made one, and the one result cut again.

Pure: no model is called here. What a value is made of, `kinds/` knows; here stands what holds for
all of it, and for what is made of several:

    dict      inputs or outputs by name (onnxruntime's input_feed, Keras's), each of as many rows
    list of arrays, tuple   several outputs, each of as many rows

Values of other types are not joined: what their rows are is not known.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from scoreserve.worker.model import kinds
from scoreserve.worker.model.kinds import NotByRows
from scoreserve.worker.model.kinds.equality import same

__all__ = ["NotByRows", "cut", "join", "key_of", "rows_of", "same"]


def key_of(value: Any) -> Hashable | None:
    """What inputs must have in common to be joined: type, dtypes, columns, inner shape.

    None: the input is joined with none. So it is without rows, and where nobody can say what it
    would become beside others.
    """
    kind = kinds.of(value)
    if kind is not None:
        return kind.key(value)
    return _key_of_dict(value) if type(value) is dict else None


def rows_of(value: Any) -> int:
    """How many rows an input that has a key is of."""
    if type(value) is dict:
        value = next(iter(value.values()))
    kind = kinds.of(value)
    assert kind is not None, "it has a key"
    return kind.rows(value)


def join(values: Sequence[Any]) -> Any:
    """One input of all rows, in order; the values have equal keys."""
    first = values[0]
    if type(first) is dict:
        return {name: join([value[name] for value in values]) for name in first}
    kind = kinds.of(first)
    assert kind is not None, "it has a key"
    return kind.join(values)


def cut(result: Any, counts: Sequence[int], *, several: bool = False) -> list[Any]:
    """The rows of a joined result for each, as a call with its rows alone would give them.

    Nothing is shared between them that a script could write to. `several`: a list is one of
    outputs, each of rows. Raises NotByRows when the result is not of sum(counts) rows.
    """
    if type(result) is dict:
        return _cut_outputs(result, result.keys(), result.values(), counts)
    if type(result) is tuple or (type(result) is list and (several or _holds_arrays(result))):
        columns = [cut(output, counts) for output in result]
        if not columns:
            raise NotByRows("the result is empty")
        return [type(result)(pieces) for pieces in zip(*columns, strict=True)]
    kind = kinds.of(result)
    if kind is None:
        raise NotByRows(f"the result is a {type(result).__qualname__}")
    found, wanted = kind.rows(result), sum(counts)
    if found != wanted:
        raise NotByRows(f"{wanted} rows gave a result of {found}")
    return kind.cut(result, counts)


def _key_of_dict(value: dict[Any, Any]) -> Hashable | None:
    if not value or list in set(map(type, value.values())):
        return None
    parts = []
    counts = set()
    for name, item in value.items():
        kind = kinds.of(item)
        part = kind.key(item) if kind is not None else None
        if kind is None or part is None:
            return None
        parts.append((name, part))
        counts.add(kind.rows(item))
    return (dict, *parts) if len(counts) == 1 else None


def _holds_arrays(result: list[Any]) -> bool:
    return any(hasattr(output, "shape") for output in result)


def _cut_outputs(
    result: dict[Any, Any], names: Any, outputs: Any, counts: Sequence[int]
) -> list[Any]:
    if not result:
        raise NotByRows("the result is empty")
    columns = [cut(output, counts) for output in outputs]
    return [dict(zip(names, pieces, strict=True)) for pieces in zip(*columns, strict=True)]
