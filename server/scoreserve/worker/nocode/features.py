"""The features of a model of tables, out of a request: an array, or a frame where the model was
fitted to one. Pure.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scoreserve.errors import BadInput
from scoreserve.worker.nocode.arrays import natural
from scoreserve.worker.nocode.bodies import Body

_MOST_NAMED = 5


class Features:
    """What is known of a model's features: their `names`, if it keeps these, and how many there
    are, if it says so. `framed`: the model is to have a frame, with these names.
    """

    def __init__(
        self, names: Sequence[str] | None, count: int | None, *, framed: bool = False
    ) -> None:
        self.names = list(names) if names is not None else None
        self.count = count if count is not None else len(names) if names is not None else None
        self.framed = framed and self.names is not None

    def of(self, body: Body) -> Any:
        """The array or the frame to predict from. Raises BadInput."""
        if body.named is not None:
            return self._of_named(body.named)
        if body.columns is not None and self.names is not None:
            return self._of_table(body.rows, body.columns)
        rows = self._checked(natural(body.rows, "The data"))
        return self._frame(_columns_of(body.rows)) if self.framed else rows

    def _of_named(self, named: Mapping[str, Any]) -> Any:
        """Of tensors: of one with all features, or of one for each."""
        single = natural(next(iter(named.values())), "The input") if len(named) == 1 else None
        if single is not None and (single.ndim == 2 or self.count is None):
            rows = self._checked(single)
            return self._frame(list(rows.T)) if self.framed else rows
        names = self.names if self.names is not None else list(named)
        self._check_names(names, named)
        columns = [_flat(named[name], name) for name in names]
        if len({len(column) for column in columns}) > 1:
            raise BadInput("The columns have different lengths.")
        if self.framed:
            return self._frame(columns)
        return self._checked(_stacked(columns))

    def _of_table(self, rows: Sequence[Sequence[Any]], columns: list[str]) -> Any:
        assert self.names is not None
        self._check_names(self.names, columns)
        places = [columns.index(name) for name in self.names]
        if self.framed:
            return self._frame([[row[place] for row in rows] for place in places])
        return self._checked(
            natural([[row[place] for place in places] for row in rows], "The data")
        )

    def _check_names(self, wanted: Sequence[str], given: Any) -> None:
        missing = [name for name in wanted if name not in given]
        if missing:
            raise BadInput(
                f"The request has no column {_listed(missing)}. The model has the columns"
                f" {_listed(wanted)}."
            )

    def _checked(self, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        count = self.count
        if count is None or (rows.ndim == 2 and rows.shape[1] == count):
            return rows
        if rows.ndim == 2:
            raise BadInput(f"A row should have {count} values, and has {rows.shape[1]}.")
        raise BadInput(
            f"The data should be a list of rows, each a list of {count} values, such as"
            f" {_shown_row(count)}."
        )

    def _frame(self, columns: Sequence[Sequence[Any]]) -> Any:
        assert self.names is not None
        pandas = sys.modules["pandas"]
        try:
            return pandas.DataFrame(dict(zip(self.names, columns, strict=True)))
        except (ValueError, TypeError) as error:
            raise BadInput(f"The data are no table: {error}") from None


def _columns_of(rows: Any) -> list[Any]:
    """The columns of rows that have been checked: as they are, so that each has its own type."""
    return [list(column) for column in zip(*rows, strict=True)]


def _flat(values: Any, name: str) -> Any:
    array = natural(values, f"The column {name}")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise BadInput(f"The column {name} should be a list of values.")
    return array


def _stacked(columns: Sequence[Any]) -> np.ndarray[Any, Any]:
    kinds = {column.dtype.kind for column in columns}
    if "O" in kinds:
        columns = [column.astype(object) for column in columns]
    return np.stack(columns, axis=1)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _shown_row(count: int) -> str:
    shown = ", ".join(["0"] * min(count, 3)) + (", ..." if count > 3 else "")
    return f'{{"data": [[{shown}]]}}'
