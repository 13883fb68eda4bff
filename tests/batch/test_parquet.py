"""Parquet: in, by row groups, and out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.batch.conftest import RunJob

pytestmark = pytest.mark.batch

ROWS = 1000
DOUBLED = """
def run(frame):
    assert list(frame.columns) == ["number", "text"]
    assert list(frame.index) == list(range(len(frame)))
    return frame.assign(number=frame["number"] * 2)
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A file of ROWS rows, in row groups of 300."""
    import pyarrow
    import pyarrow.parquet

    path = tmp_path / "rows.parquet"
    columns = {"number": range(ROWS), "text": [f"a b {number}" for number in range(ROWS)]}
    rows = pyarrow.table({name: list(values) for name, values in columns.items()})
    pyarrow.parquet.write_table(rows, path, row_group_size=300)
    return path


def read(path: Path) -> Any:
    import pyarrow.parquet

    return pyarrow.parquet.read_table(path).to_pydict()


def test_each_row_is_in_one_mini_batch(run_job: RunJob, table: Path) -> None:
    flags = ("--input-format", "parquet", "--mini-batch-size", "128rows")
    done = run_job(DOUBLED, *flags, "--output-format", "parquet", "--ordered", over=table)
    assert done.code == 0, done.shown
    assert done.summary["mini_batches"] == 3 * 3 + 1  # none crosses a row group
    found = read(done.output / "predictions.parquet")
    assert found["number"] == [2 * number for number in range(ROWS)]
    assert found["text"][7] == "a b 7"


@pytest.mark.parametrize(
    ("form", "first"),
    [
        ("text", '0 "a b 0"'),
        ("csv", "number,text"),
        ("jsonl", '{"number":0,"text":"a b 0"}'),
    ],
)
def test_frames_are_written_as_is_asked_for(
    form: str, first: str, run_job: RunJob, table: Path
) -> None:
    flags = ("--input-format", "parquet", "--output-format", form, "--ordered")
    done = run_job(DOUBLED, *flags, "--mini-batch-size", "400rows", over=table)
    (path,) = done.output.glob("predictions.*")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == first
    assert len(lines) == ROWS + (form == "csv")


def test_bytes_are_those_of_the_rows(run_job: RunJob, table: Path) -> None:
    flags = ("--input-format", "parquet", "--mini-batch-size", "2KB")
    done = run_job(DOUBLED, *flags, over=table)
    assert 3 < done.summary["mini_batches"] < ROWS / 10


def test_an_online_script_gets_rows(run_job: RunJob, table: Path) -> None:
    done = run_job(
        """
        import json
        def init(): pass
        def run(raw_data): return [row[0] for row in json.loads(raw_data)["data"]]
        """,
        *("--mini-batch-size", "100rows"),
        over=table,
    )
    found = sorted((json.loads(line) for line in done.lines), key=lambda line: line["index"])
    assert [line["result"] for line in found] == list(range(ROWS))


def test_a_file_that_is_no_parquet_is_told(run_job: RunJob, inputs: Path) -> None:
    done = run_job(DOUBLED, "--input-format", "parquet", over=inputs)
    assert done.code == 2
    assert "00.txt: it is no parquet file" in done.shown
