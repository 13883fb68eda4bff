"""A process pool as one writes it by hand: python -m benchmarks.batch.by_hand TASK INPUT OUTPUT N

The same scripts, mini-batches and forms of results as `scoreserve batch` has, and none of what has
it go on after a failure: no tries, time limits, records on disk, counts or progress.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.batch.tasks import (
    FILES_AT_ONCE,
    LINES_AT_ONCE,
    MODEL_DIR,
    ROWS_AT_ONCE,
    SCRIPTS,
    TASKS,
)
from scoreserve.compute_budget import thread_limits

Part = tuple[str, int, int, int]  # path, row group, first row, rows

_script: Any = None
_group: tuple[str, int] | None = None
_table: Any = None


def start(name: str) -> None:
    """Called once in each process."""
    global _script  # noqa: PLW0603 - it is what the functions below score with
    os.setsid()  # as ours: a busy Linux shares its CPUs between sessions
    sys.path.insert(0, str(SCRIPTS))
    _script = importlib.import_module(name)
    _script.init()


def score_files(paths: list[str]) -> str:
    return "".join(f"{result}\n" for result in _script.run(paths))


def score_lines(lines: list[tuple[int, str]]) -> str:
    return "".join(
        json.dumps({"index": index, "result": _script.run(line)}) + "\n" for index, line in lines
    )


def score_rows(part: Part) -> str:
    global _group, _table
    from pyarrow import parquet

    path, group, first, rows = part
    if _group != (path, group):
        _table, _group = parquet.ParquetFile(path).read_row_group(group), (path, group)
    frame = _script.run(_table.slice(first, rows).to_pandas())
    return str(frame.to_csv(header=None, index=None, sep=" "))


def parts_of_files(path: Path) -> Iterator[list[str]]:
    paths = sorted(map(str, path.iterdir()))
    for first in range(0, len(paths), FILES_AT_ONCE):
        yield paths[first : first + FILES_AT_ONCE]


def parts_of_lines(path: Path) -> Iterator[list[tuple[int, str]]]:
    held: list[tuple[int, str]] = []
    with open(path, encoding="utf-8") as file:
        for numbered in enumerate(file):
            held.append(numbered)
            if len(held) == LINES_AT_ONCE:
                yield held
                held = []
    if held:
        yield held


def parts_of_rows(path: Path) -> Iterator[Part]:
    from pyarrow import parquet

    about = parquet.ParquetFile(path).metadata
    for group in range(about.num_row_groups):
        rows = about.row_group(group).num_rows
        for first in range(0, rows, ROWS_AT_ONCE):
            yield str(path), group, first, min(ROWS_AT_ONCE, rows - first)


WAYS: dict[str, tuple[Callable[[Any], str], Callable[[Path], Iterator[Any]]]] = {
    "files": (score_files, parts_of_files),
    "lines": (score_lines, parts_of_lines),
    "rows": (score_rows, parts_of_rows),
}


def main(name: str, path: Path, output: Path, workers: int) -> None:
    os.environ.update(thread_limits(workers, workers, os.environ))
    os.environ["AZUREML_MODEL_DIR"] = str(MODEL_DIR)
    score, parts = WAYS[name]
    spawn = multiprocessing.get_context("spawn")
    with (
        spawn.Pool(workers, start, (TASKS[name].script.stem,)) as pool,
        open(output, "w", encoding="utf-8") as file,
    ):
        file.writelines(pool.imap_unordered(score, parts(path)))
        pool.close()
        pool.join()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
