"""What is scored: images of digits, as many small files, as JSON lines and as a table."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.servers import ROOT

SCRIPTS = ROOT / "benchmarks/scripts"
MODEL_DIR = ROOT / "examples/digits/model"
FILES, FILE_ROWS, FILES_AT_ONCE = 6_000, 20, 10
LINES, LINES_AT_ONCE = 100_000, 500
ROWS, ROW_GROUP, ROWS_AT_ONCE = 3_000_000, 65_536, 4_096


@dataclass(frozen=True)
class Task:
    """`flags` are those of `scoreserve batch`, and `make` writes so many items to the input."""

    name: str
    items: int
    script: Path
    flags: tuple[str, ...]
    make: Callable[[Path, int], None]


def _make_files(path: Path, count: int) -> None:
    pixels = _pixels()
    path.mkdir()
    for number in range(count):
        rows = [pixels[(number + row) % len(pixels)] for row in range(FILE_ROWS)]
        text = "".join(",".join(map(str, row)) + "\n" for row in rows)
        (path / f"{number:05}.csv").write_text(text, encoding="ascii")


def _make_lines(path: Path, count: int) -> None:
    pixels = _pixels()
    with open(path, "w", encoding="ascii") as file:
        file.writelines(
            json.dumps({"data": [pixels[number % len(pixels)]]}) + "\n" for number in range(count)
        )


def _make_rows(path: Path, count: int) -> None:
    import numpy
    import pandas

    pixels = numpy.array(_pixels(), dtype="float32")
    frame = pandas.DataFrame(pixels[numpy.arange(count) % len(pixels)])
    frame.columns = [f"p{column}" for column in range(pixels.shape[1])]
    frame.to_parquet(path, index=False, row_group_size=ROW_GROUP)


def _pixels() -> list[list[float]]:
    from sklearn.datasets import load_digits

    found: list[list[float]] = (load_digits().data / 16).round(4).tolist()
    return found


def _task(name: str, items: int, make: Callable[[Path, int], None], *flags: str) -> Task:
    return Task(name, items, SCRIPTS / f"batch_{name}.py", flags, make)


TASKS = {
    task.name: task
    for task in (
        _task("files", FILES, _make_files, "--mini-batch-size", str(FILES_AT_ONCE)),
        _task("lines", LINES, _make_lines, *("--input-format", "jsonl")),
        _task(
            *("rows", ROWS, _make_rows, "--input-format", "parquet"),
            *("--mini-batch-size", f"{ROWS_AT_ONCE}rows"),
        ),
    )
}
