"""Results of a batch script as a part of the output file.

text      Azure's append_row: "{}\\n".format(element); a frame is
          to_csv(header=None, index=None, sep=" "), blanks between and no header
jsonl     a line of JSON for each element, or row of a frame
csv       rows of a frame; other elements are a column `result`. The first line is the header,
          which the whole file then has once
parquet   the same, as an Arrow stream
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from scoreserve.batch.work import OutputFormat
from scoreserve.worker.script import json_text

_COLUMN = "result"


def render(result: Any, form: OutputFormat) -> bytes:
    """What `run()` returned, a list or a frame, as bytes. Raises what the values raise."""
    if not len(result):
        return b""
    return _RENDERERS[form](result)


def is_frame(result: Any) -> bool:
    """Whether it is a DataFrame of pandas, without importing pandas."""
    kind = type(result)
    return any(
        base.__name__ == "DataFrame" and base.__module__.startswith("pandas.")
        for base in kind.mro()
    ) or (kind.__name__ == "DataFrame" and kind.__module__ == "pandas")


def encoded(text: str) -> bytes:
    """As UTF-8. Names of files that are none come out as they are on the disk."""
    return text.encode("utf-8", "surrogateescape")


def _text(result: Any) -> bytes:
    if is_frame(result):
        return encoded(result.to_csv(header=None, index=None, sep=" "))
    return encoded("".join(f"{element}\n" for element in result))


def _jsonl(result: Any) -> bytes:
    if is_frame(result):
        text = result.to_json(orient="records", lines=True, date_format="iso")
        return bytes(text.encode() if text.endswith("\n") else f"{text}\n".encode())
    return b"".join(json_text.dumps(element) + b"\n" for element in result)


def _csv(result: Any) -> bytes:
    return encoded(_frame(result).to_csv(index=None))


def _parquet(result: Any) -> bytes:
    import pyarrow

    table = pyarrow.Table.from_pandas(_frame(result), preserve_index=False)
    sink = io.BytesIO()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _frame(result: Any) -> Any:
    if is_frame(result):
        return result
    import pandas

    if all(isinstance(element, dict) for element in result):
        return pandas.DataFrame(list(result))
    return pandas.DataFrame({_COLUMN: list(result)})


_RENDERERS: dict[OutputFormat, Callable[[Any], bytes]] = {
    OutputFormat.TEXT: _text,
    OutputFormat.JSONL: _jsonl,
    OutputFormat.CSV: _csv,
    OutputFormat.PARQUET: _parquet,
}
