"""The output file, made of its parts when all is done, and the summary beside it.

Each is written under another name, and gets its own when it is whole.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

from scoreserve.batch.csv_records import header_of
from scoreserve.batch.work import OutputFormat, UnusableInput

SUMMARY = "summary.json"
_LONGEST_NAME = 255  # bytes, on Linux


def require_file_name(name: str, folder: str, taken: Container[str]) -> None:
    """Raises UnusableInput where the results cannot be a file of this name in the folder."""
    unfinished = os.fsencode(_unfinished(name))
    if "/" in name or "\0" in name or name in (".", ".."):
        problem = f"it is the name of a file in --output {folder}, and no path"
    elif name in taken:
        problem = "the job has something else of this name in the same folder"
    elif len(unfinished) > _LONGEST_NAME:
        problem = f"the name is too long: {len(unfinished) - _LONGEST_NAME} bytes less will do"
    else:
        return
    raise UnusableInput(f"--output-file {name}: {problem}")


def write_results(path: Path, parts: Iterator[bytes], form: OutputFormat) -> None:
    """The file of all parts, see `rendering`. Raises UnusableInput where their columns differ."""
    unfinished = path.with_name(_unfinished(path.name))
    if form is OutputFormat.PARQUET:
        _write_parquet(unfinished, parts)
    else:
        with open(unfinished, "wb") as file:
            file.writelines(_with_one_header(parts) if form is OutputFormat.CSV else parts)
            file.flush()
            os.fsync(file.fileno())
    unfinished.replace(path)


def write_summary(output: Path, summary: dict[str, Any]) -> None:
    unfinished = output / _unfinished(SUMMARY)
    unfinished.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(output / SUMMARY)


def _unfinished(name: str) -> str:
    return f".{name}.unfinished"


def _with_one_header(parts: Iterator[bytes]) -> Iterator[bytes]:
    header = b""
    for part in parts:
        own = header_of(io.BytesIO(part))
        if not header:
            header = own
            yield own
        elif own != header:
            raise UnusableInput(
                f"--output-format csv: mini-batches have different columns: {_shown(header)} and"
                f" {_shown(own)}; write them with --output-format jsonl"
            )
        yield part[len(own) :]


def _write_parquet(path: Path, parts: Iterator[bytes]) -> None:
    import pyarrow
    import pyarrow.parquet

    writer = None
    try:
        for part in parts:
            table = pyarrow.ipc.open_stream(part).read_all()
            if writer is None:
                writer = pyarrow.parquet.ParquetWriter(path, table.schema)
            try:
                writer.write_table(table.cast(writer.schema))
            except ValueError as error:  # as Arrow's own are
                raise UnusableInput(
                    f"--output-format parquet: mini-batches have different columns: {error}; write"
                    " them with --output-format jsonl"
                ) from None
        if writer is None:
            pyarrow.parquet.write_table(pyarrow.table({}), path)
    finally:
        if writer is not None:
            writer.close()


def _shown(header: bytes) -> str:
    return header.decode("utf-8", "replace").strip()
