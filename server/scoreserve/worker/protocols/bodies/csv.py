"""CSV bodies: tables whose first line names the columns. pandas reads and writes them."""

from __future__ import annotations

import io
from collections.abc import Collection
from typing import Any

from scoreserve.errors import BadInput
from scoreserve.wire import Buffer
from scoreserve.worker.protocols.bodies.packages import needed_for_input

TYPE = b"text/csv"


def text_of(body: Buffer) -> str:
    """The text that a body is. Raises BadInput."""
    try:
        return bytes(body).decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"The body is no text in UTF-8: {error}") from None


def frame_of(body: Buffer, texts: Collection[str] = ()) -> Any:
    """The table as a frame, in which `texts` are columns that have no numbers, whatever they look
    like. Raises BadInput, or UnsupportedInput without pandas.
    """
    pandas = needed_for_input("pandas", TYPE)
    try:
        return pandas.read_csv(io.StringIO(text_of(body)), dtype=dict.fromkeys(texts, str))
    except (ValueError, LookupError) as error:  # among them pandas' own for CSV
        raise BadInput(f"The body is no CSV: {error}") from None


def written(frame: Any, *, named: bool) -> bytes:
    """A frame as CSV, with the names of its columns if they are `named`."""
    text: str = frame.to_csv(index=False, header=named)
    return text.encode()
