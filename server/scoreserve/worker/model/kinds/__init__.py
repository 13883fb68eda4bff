"""What rows are made of, a module a kind: how inputs are joined, and results cut.

Pure. A module is imported when a value of its kind is first seen, so that none brings a library
that the script has not.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from importlib import import_module
from typing import Any, Protocol


class NotByRows(Exception):
    """The result is not of as many rows as went in. The text says what it is instead."""


class Kind(Protocol):
    """What a module of this folder knows of its types."""

    def key(self, value: Any) -> Hashable | None:
        """What two inputs must have in common to be joined; None: it is joined with none."""

    def rows(self, value: Any) -> int:
        """How many rows it has. Raises NotByRows for what has none."""

    def join(self, values: Sequence[Any]) -> Any:
        """One input of all rows; the values have equal keys."""

    def cut(self, result: Any, counts: Sequence[int]) -> list[Any]:
        """The rows for each, with nothing shared that a script could write to; as many rows as the
        counts say are there.
        """

    def same(self, cut: Any, alone: Any, *, exact: bool) -> bool:
        """Whether the two are equal; their types are."""


# Where the type is defined, up to the first dot, and what it is called.
_MODULES = {
    ("numpy", "ndarray"): "arrays",
    ("pandas", "DataFrame"): "frames",
    ("pandas", "Series"): "series",
    ("scipy", "csr_matrix"): "sparse",
    ("scipy", "csr_array"): "sparse",
    ("scipy", "csc_matrix"): "sparse",
    ("scipy", "csc_array"): "sparse",
    ("scipy", "coo_matrix"): "sparse",
    ("scipy", "coo_array"): "sparse",
    ("builtins", "list"): "lists",
    ("torch", "Tensor"): "torch_tensors",
    ("tensorflow", "EagerTensor"): "tensorflow_tensors",
    ("scoreserve", "MatrixRows"): "xgboost_matrices",
}

_known: dict[type, Kind | None] = {}


def of(value: Any) -> Kind | None:
    """The kind of a value, by its exact type: what a subclass does with rows is its own affair."""
    cls = type(value)
    try:
        return _known[cls]
    except KeyError:
        pass
    name = _MODULES.get((cls.__module__.partition(".")[0], cls.__name__))
    kind: Any = import_module(f"{__name__}.{name}") if name else None
    _known[cls] = kind
    return kind  # type: ignore[no-any-return]
