"""Arrays as numpy saves them: npy, one array, and npz, a zip file of several.

What numpy.load makes of bytes is not safe where anybody may have sent them: it may unpickle, and
makes room for as many elements as a header claims. Here the header is read by numpy and the
elements are those that are there.
"""

from __future__ import annotations

import io
import zipfile
from typing import Any, Final

import numpy as np

from scoreserve.errors import BadInput, BodyTooLarge, ReplyError
from scoreserve.wire import Buffer

NPY_TYPES: Final = (b"application/x-npy", b"application/npy")
NPZ_TYPES: Final = (b"application/x-npz", b"application/npz")

Array = Any  # np.ndarray, whose types of elements are known when it is there

_LONGEST_HEADER: Final = 1 << 14  # bytes; numpy reads none of more than 10,000 characters
_HEADERS: Final = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def array_of(body: Buffer) -> Array:
    """The array in an npy body. Raises BadInput."""
    view = memoryview(body)
    file = io.BytesIO(view[:_LONGEST_HEADER])
    try:
        version = np.lib.format.read_magic(file)
        if version not in _HEADERS:
            raise ValueError(f"it has version {version[0]}.{version[1]}")
        shape, by_columns, dtype = _HEADERS[version](file)
    except Exception as error:  # a dozen kinds, of parsers that were not made for any bytes
        raise BadInput(f"The body is no array in npy form: {error}") from None
    if dtype.hasobject:
        raise BadInput("The body is an array of pickled objects, which are not loaded")
    return _elements(view[file.tell() :], shape, dtype, by_columns=by_columns)


def _elements(data: memoryview, shape: Any, dtype: Any, *, by_columns: bool) -> Array:
    elements = 1
    for size in shape:
        elements *= int(size)
    wanted = elements * dtype.itemsize
    if any(size < 0 for size in shape) or wanted != len(data):
        raise BadInput(
            "The body is no array in npy form: its header tells of another number of bytes than"
            " there are"
        )
    try:
        if not data:
            return np.empty(shape, dtype.newbyteorder("="))
        array = np.frombuffer(data, dtype).reshape(shape, order="F" if by_columns else "C")
        return array.astype(dtype.newbyteorder("="))  # a copy, which the script may write to
    except (ValueError, TypeError) as error:
        raise BadInput(f"The body is no array in npy form: {error}") from None


def arrays_of(body: Buffer, limit_bytes: int) -> dict[str, Array]:
    """The arrays in an npz body by name. Raises BadInput, and BodyTooLarge where they have more
    than `limit_bytes` in all.
    """
    arrays: dict[str, Array] = {}
    room = limit_bytes
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for entry in archive.infolist():
                with archive.open(entry) as file:
                    content = file.read(room + 1)
                room -= len(content)
                if room < 0:
                    raise BodyTooLarge(limit_bytes)
                arrays[entry.filename.removesuffix(".npy")] = array_of(content)
    except ReplyError:
        raise
    except Exception as error:  # of the zip file or of what compressed it
        raise BadInput(f"The body is no npz file: {error}") from None
    if not arrays:
        raise BadInput("The body is an npz file without arrays")
    return arrays


def written(array: Array) -> bytes:
    """An array in npy form. Raises ValueError for one of objects."""
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=False)
    return file.getvalue()
