"""Slices of CSV and parquet files as frames. pandas, and pyarrow for parquet, are imported here."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from scoreserve.batch.csv_records import header_of
from scoreserve.batch.work import Form, Slice, UnusableInput

_INSTALL = "pip install pandas pyarrow"


class TableReader:
    """Reads slices, in their order mostly: the last row group is kept for the next slice of it."""

    def __init__(self, form: Form) -> None:
        import pandas

        self._form = form
        self._pandas = pandas
        self._group: tuple[str, int] | None = None
        self._table: Any = None

    def read(self, part: Slice, types: Mapping[str, type] | None = None) -> Any:
        """The rows of the slice as a pandas DataFrame, whose index begins at 0. `types` are of
        columns of CSV, which has none itself.
        """
        if self._form is Form.PARQUET:
            return self._read_parquet(part)
        with open(part.path, "rb") as file:
            header = header_of(file)
            file.seek(part.start)
            text = header + file.read(part.size)
        frame = self._pandas.read_csv(io.BytesIO(text), dtype=types or None)
        if not isinstance(frame.index, self._pandas.RangeIndex):
            raise ValueError(f"{part.path}: a row has more fields than the header")
        return frame

    def _read_parquet(self, part: Slice) -> Any:
        if self._group != (part.path, part.group):
            with _parquet_file(part.path) as file:
                self._table = file.read_row_group(part.group)
            self._group = part.path, part.group
        return self._table.slice(part.start, part.size).to_pandas().reset_index(drop=True)


def row_counts(path: str) -> Iterator[tuple[int, int]]:
    """Rows and bytes, uncompressed, of each row group of a parquet file. Raises UnusableInput."""
    with _parquet_file(path) as file:
        for group in range(file.metadata.num_row_groups):
            found = file.metadata.row_group(group)
            yield found.num_rows, found.total_byte_size


def _parquet_file(path: str) -> Any:
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(path)
    except (OSError, ValueError) as error:  # ArrowInvalid is a ValueError
        raise UnusableInput(f"{path}: it is no parquet file that can be read: {error}") from None


def require_packages(form: Form) -> None:
    """Raises UnusableInput for the first package that tables of this form need and that is not
    installed. None is imported.
    """
    for name in ("pandas", "pyarrow") if form is Form.PARQUET else ("pandas",):
        if find_spec(name) is None:
            raise UnusableInput(f"{form.value} needs the package {name}: {_INSTALL}")
