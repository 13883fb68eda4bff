"""Tables as Arrow's IPC streams, which pyarrow reads and writes.

A column of lists that have all one length is a matrix; else each column is one.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from scoreserve.errors import BadInput
from scoreserve.wire import Buffer
from scoreserve.worker.protocols.bodies.packages import needed_for_input, needed_for_output

TYPE: Final = b"application/vnd.apache.arrow.stream"
_COLUMN: Final = "output-0"

Array = Any  # np.ndarray, whose types of elements are known when it is there


def value_of(body: Buffer, *, as_array: bool = False) -> Any:
    """The table as a frame, or `as_array`. Raises BadInput, or UnsupportedInput without pyarrow or,
    for a frame, pandas.
    """
    pyarrow = needed_for_input("pyarrow", TYPE)
    try:
        with needed_for_input("pyarrow.ipc", TYPE).open_stream(bytes(body)) as reader:
            table = reader.read_all()
        table.validate(full=True)
        if as_array:
            return _array(table, pyarrow)
        needed_for_input("pandas", TYPE)
        return table.to_pandas()
    except (pyarrow.ArrowException, ValueError, TypeError, OSError) as error:
        raise BadInput(f"The body is no stream of Arrow's: {error}") from None


def _array(table: Any, pyarrow: Any) -> Array:
    columns = [table.column(place).combine_chunks() for place in range(table.num_columns)]
    if len(columns) == 1 and pyarrow.types.is_fixed_size_list(columns[0].type):
        lists = columns[0]
        if lists.null_count:
            raise BadInput("The body has a row that is null")
        flat = lists.flatten().to_numpy(zero_copy_only=False)
        return flat.reshape(len(lists), lists.type.list_size).copy()
    arrays = [column.to_numpy(zero_copy_only=False) for column in columns]
    return np.column_stack(arrays) if arrays else np.empty((table.num_rows, 0))


def written(value: Any) -> bytes:
    """A frame, or an array of numbers, as a stream. Raises NotAcceptable without pyarrow, and
    ValueError for an array of more than two dimensions.
    """
    pyarrow = needed_for_output("pyarrow", TYPE)
    if isinstance(value, np.ndarray):
        table = pyarrow.table({_COLUMN: _column(value, pyarrow)})
    else:
        table = pyarrow.Table.from_pandas(value, preserve_index=False)
    sink = pyarrow.BufferOutputStream()
    with needed_for_output("pyarrow.ipc", TYPE).new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _column(array: Array, pyarrow: Any) -> Any:
    if array.ndim == 1:
        return pyarrow.array(array)
    if array.ndim != 2:
        raise ValueError(f"an array of {array.ndim} dimensions is no table")
    flat = pyarrow.array(np.ascontiguousarray(array).ravel())
    return pyarrow.FixedSizeListArray.from_arrays(flat, array.shape[1])
