"""What `@input_schema` makes of JSON, for pandas samples: the frame itself, without read_json.

inference-schema writes the JSON anew, has pandas read it and casts each column: 2 ms of a request
whose model takes less. Nearly all of that is pandas looking for dates and numbers in labels, and
putting frames together. Here the JSON is written and read by the same functions, since pandas'
reader rounds one float of 350 otherwise than Python, and one frame is made of the columns.

    understood    records and split; texts, numbers, bools; no name or label that pandas may convert
    proven        what is met for the first time is made both ways, and both must be the same: a
                  column's kinds of values, the order of names. One difference, and the parameter is
                  left to inference-schema for good.
    else          inference-schema's own way, and its errors

Only `PandasParameterType` itself is served so, not a class that a script derives from it. Nothing
of a frame is kept: a script may change all of it.
"""

from __future__ import annotations

import functools
import io
import json
import sys
import warnings
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from scoreserve.worker.script.schema_columns import (
    Kinds,
    Table,
    cast,
    is_known,
    names_dates,
    numbers_of,
    table,
)

_MODULE = "inference_schema.parameter_types.pandas_parameter_type"
_MOST_ORDERS = 64  # of names, that are remembered of one parameter
_LAST_OF_MONTHS = ("29", "30", "31")
_NOT_HERE = (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, RecursionError)

Deserialize = Callable[[Any, Any], Any]


def install() -> None:
    """Has pandas samples served so, if the script has imported their type and it is as known."""
    module = sys.modules.get(_MODULE)
    parameter_type = getattr(module, "PandasParameterType", None)
    if module is None or parameter_type is None:
        return
    original = vars(parameter_type).get("deserialize_input")
    reader = sys.modules.get("pandas.io.json._json")
    loads = getattr(reader, "ujson_loads", None) or getattr(reader, "loads", None)
    if original is None or loads is None:
        return
    if getattr(original, "__globals__", None) is not vars(module):
        return  # it is the script's
    known: WeakKeyDictionary[Any, Frames] = WeakKeyDictionary()

    @functools.wraps(original)
    def deserialize_input(self: Any, input_data: Any) -> Any:
        if type(self) is not parameter_type or type(input_data) not in (list, dict):
            return original(self, input_data)
        frames = known.get(self)
        if frames is None:
            known[self] = frames = Frames(original, loads)
        return frames.frame(self, input_data)

    parameter_type.deserialize_input = deserialize_input


class Frames:
    """The frames of one parameter, and what was proven of them."""

    def __init__(self, original: Deserialize, loads: Callable[..., Any]) -> None:
        self._original = original
        self._loads = loads
        self._columns: Any = None
        self._blocks: Any = None
        self._dtypes: dict[Any, Any] = {}
        self._orders: dict[tuple[str, ...], Order | None] = {}
        self._proven: set[tuple[Any, ...]] = set()
        self._differs = False

    def frame(self, parameter: Any, data: Any) -> Any:
        """Raises what inference-schema does."""
        try:
            made = None if self._differs else self._make(parameter, data)
        except _NOT_HERE:
            made = None
        if made is None:
            return self._original(parameter, data)
        frame, claims = made
        if claims <= self._proven:
            return frame
        theirs = self._original(parameter, data)
        if same(frame, theirs):
            self._proven |= claims
        else:
            self._differs = True
        return theirs

    def _make(self, parameter: Any, data: Any) -> tuple[Any, set[tuple[Any, ...]]] | None:
        """The frame, and what must be proven for it to be true."""
        if not parameter.enforce_column_type or parameter.apply_column_names:
            return None
        self._look_at(parameter.sample_input)
        read = table(parameter.orient, self._loads(json.dumps(data), precise_float=False))
        order = None if read is None else self._order_of(read.names)
        if read is None or order is None:
            return None
        kinds = read.kinds()
        if not all(map(is_known, kinds)):
            return None
        # One row has no layout in memory that could be another.
        many = read.rows > 1
        claims: set[tuple[Any, ...]] = {
            (label, many, *each) for label, each in zip(order.labels, kinds, strict=True)
        }
        claims.add((read.names, many, read.labels is None))
        return _build(read, order, kinds), claims

    def _look_at(self, sample: Any) -> None:
        """A script may change its sample; then all is to be proven anew."""
        columns, blocks = sample.columns, getattr(sample._mgr, "blocks", None)  # noqa: SLF001
        # A column of another dtype is in another block. To ask for dtypes takes 100 times as long.
        if columns is self._columns and blocks is self._blocks and blocks is not None:
            return
        dtypes = sample.dtypes
        if columns is self._columns and dtypes.tolist() == list(self._dtypes.values()):
            self._blocks = blocks
            return
        if not columns.is_unique:
            raise ValueError("two columns of one name")
        self._proven.clear()
        self._orders.clear()
        self._columns, self._blocks, self._dtypes = columns, blocks, dtypes.to_dict()

    def _order_of(self, names: tuple[str, ...]) -> Order | None:
        """The columns of these names; None: it is not certain what read_json makes of them."""
        if names in self._orders:
            return self._orders[names]
        if len(self._orders) >= _MOST_ORDERS:
            return None
        labels = _labels_of(names)
        order = None
        if labels is not None and self._dtypes.keys() == set(labels):
            order = Order(labels, [self._dtypes[label] for label in labels])
        self._orders[names] = order
        return order


class Order:
    """Columns in an order that requests have them in. `dtypes` are those of the sample."""

    def __init__(self, labels: list[Any], dtypes: list[Any]) -> None:
        numpy, pandas = sys.modules["numpy"], sys.modules["pandas"]
        self.labels = labels
        self.dtypes = dtypes
        # Of integers pandas 3 would make a range.
        self.index = pandas.Index(labels, dtype="int64" if type(labels[0]) is int else None)
        self.places = [numpy.array([place]) for place in range(len(labels))]


def _build(read: Table, order: Order, kinds: list[Kinds]) -> Any:
    """The frame: as astype() leaves it, each column lies by itself."""
    pandas = sys.modules["pandas"]
    index = pandas.RangeIndex(read.rows) if read.labels is None else pandas.Index(read.labels)
    columns = [
        cast(values, each, dtype, index)
        for values, each, dtype in zip(read.columns, kinds, order.dtypes, strict=True)
    ]
    labels = order.index.view()  # whose name may be changed
    internals = sys.modules.get("pandas.api.internals")
    if internals is not None:  # since pandas 3: in a third of the time
        blocks = [
            (_block(column), place) for column, place in zip(columns, order.places, strict=True)
        ]
        if all(values is not None for values, _ in blocks):
            return internals.create_dataframe_from_blocks(blocks, index=index, columns=labels)
    frame = pandas.DataFrame(dict(zip(order.labels, columns, strict=True)), index=index, copy=False)
    frame.columns = labels
    return frame


def _block(column: Any) -> Any:
    """The values of one column as a block has them: a table of one row, or one of pandas' arrays
    that cannot be such a table. None: that of a kind which is met too seldom.
    """
    numpy, pandas = sys.modules["numpy"], sys.modules["pandas"]
    if isinstance(column, numpy.ndarray):
        return column.reshape(1, -1)
    dtype = column.dtype
    if isinstance(dtype, numpy.dtype):
        # A copy, since pandas lends what cannot be written to.
        return None if dtype.kind in "mM" else numpy.array(column.to_numpy()).reshape(1, -1)
    return column.array if type(dtype) in (pandas.StringDtype, pandas.CategoricalDtype) else None


def _labels_of(names: tuple[str, ...]) -> list[Any] | None:
    """What read_json makes of the names, if that is the same today and tomorrow."""
    labels: list[Any] | None = numbers_of(names)
    if labels is None and not any(map(names_dates, names)) and any(map(_is_kept, names)):
        labels = list(names)
    return labels


def _is_kept(name: str) -> bool:
    """Whether pandas finds neither a number nor a date in this name, on whatever day: "30th" is one
    in months that have it. Names are converted all together or not at all.
    """
    if any(day in name for day in _LAST_OF_MONTHS):
        return False
    text = json.dumps([{name: 0}])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = sys.modules["pandas"].read_json(io.StringIO(text), orient="records", dtype=False)
    return bool(frame.columns.tolist() == [name])


def same(ours: Any, theirs: Any) -> bool:
    """Whether a script can find no difference between two frames."""
    return (
        type(ours) is type(theirs)
        and _same_labels(ours.columns, theirs.columns)
        and _same_labels(ours.index, theirs.index)
        and ours.dtypes.tolist() == theirs.dtypes.tolist()
        and ours.equals(theirs)
        and ours.to_numpy().strides == theirs.to_numpy().strides
        and all(
            list(map(type, ours[label])) == list(map(type, theirs[label]))
            for label, dtype in ours.dtypes.items()
            if dtype.kind == "O"
        )
    )


def _same_labels(ours: Any, theirs: Any) -> bool:
    return (
        type(ours) is type(theirs)
        and ours.dtype == theirs.dtype
        and ours.equals(theirs)
        and ours.names == theirs.names
    )
