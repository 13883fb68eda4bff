"""The pool by hand cuts its inputs as `scoreserve batch` does."""

from __future__ import annotations

from pathlib import Path

from benchmarks.batch.by_hand import parts_of_files, parts_of_lines
from benchmarks.batch.tasks import FILES_AT_ONCE, LINES_AT_ONCE
from scoreserve.batch import inputs
from scoreserve.batch.sizes import size_for
from scoreserve.batch.work import Form


def test_files(tmp_path: Path) -> None:
    for number in range(2 * FILES_AT_ONCE + 1):
        (tmp_path / f"{number:02}").touch()
    size = size_for((FILES_AT_ONCE, ""), Form.FILES)
    ours = inputs.mini_batches(inputs.find([str(tmp_path)]), Form.FILES, size)
    assert list(parts_of_files(tmp_path)) == [list(batch.paths) for batch in ours]


def test_lines(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_text("1\n" * (2 * LINES_AT_ONCE + 1), encoding="ascii")
    ours = inputs.mini_batches(inputs.find([str(path)]), Form.JSONL, size_for(None, Form.JSONL))
    assert [len(part) for part in parts_of_lines(path)] == [batch.items for batch in ours]
