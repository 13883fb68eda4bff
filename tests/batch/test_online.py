"""Online scripts over lines, files and tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.batch.conftest import RunBatch, RunJob

SUMS = """
import json
def init(): pass
def run(raw_data):
    rows = json.loads(raw_data)["data"]
    return [sum(row) for row in rows]
"""


def parsed(lines: list[str]) -> list[Any]:
    return sorted((json.loads(line) for line in lines), key=lambda line: line["index"])


def test_each_line_is_a_request(run_job: RunJob, tmp_path: Path) -> None:
    over = tmp_path / "requests.jsonl"
    bodies = ['{"data": [[1, 2]]}', "", '{"data": [["x"]]}', "no json", '{"data": [[3], [4]]}']
    over.write_text("\n".join(bodies), encoding="utf-8")
    done = run_job(SUMS, "--mini-batch-size", "2", over=over)
    assert done.code == 0
    first, wrong_type, no_json, last = parsed(done.lines)
    assert first == {"index": 0, "result": [3]}
    assert wrong_type["index"] == 1
    assert wrong_type["error"].startswith("TypeError: unsupported operand")
    assert no_json["error"].startswith("JSONDecodeError: ")
    assert last == {"index": 3, "result": [3, 4]}
    assert done.summary["failed_items"] == 2


def test_rows_of_a_table_have_a_line_each(run_job: RunJob, tmp_path: Path) -> None:
    over = tmp_path / "rows.csv"
    over.write_text("a,b\n1,2\n3,4\n5,6\n", encoding="utf-8")
    done = run_job(SUMS, "--mini-batch-size", "2rows", "--ordered", over=over)
    assert [line["result"] for line in parsed(done.lines)] == [3, 7, 11]


def test_a_result_for_the_whole_mini_batch_is_one_line(run_job: RunJob, tmp_path: Path) -> None:
    over = tmp_path / "rows.csv"
    over.write_text("a\n1\n2\n3\n", encoding="utf-8")
    script = "def init(): pass\ndef run(raw_data): return {'answer': raw_data}"
    done = run_job(script, "--mini-batch-size", "2rows", over=over)
    assert parsed(done.lines) == [
        {"index": 0, "rows": 2, "result": {"answer": '{"data": [[1],[2]]}'}},
        {"index": 2, "rows": 1, "result": {"answer": '{"data": [[3]]}'}},
    ]


def test_a_model_without_a_script_has_a_line_for_each_row(
    run_batch: RunBatch, tmp_path: Path
) -> None:
    over = tmp_path / "rows.csv"
    over.write_text("a,b,c,d\n5.1,3.5,1.4,0.2\n6.2,3.4,5.4,2.3\n", encoding="utf-8")
    model = Path(__file__).parent.parent.parent / "examples/onnx/iris.onnx"
    done = run_batch(str(model), over=over)
    assert done.code == 0, done.shown
    first, second = parsed(done.lines)
    assert (first["result"]["label"], second["result"]["label"]) == ("setosa", "virginica")
    assert len(first["result"]["probabilities"]) == 3


def test_a_table_that_fails_is_told_with_what_was_raised(run_job: RunJob, tmp_path: Path) -> None:
    over = tmp_path / "rows.csv"
    over.write_text("a\nx\n", encoding="utf-8")
    done = run_job(SUMS, over=over)
    assert done.code == 1
    assert "The first failure: TypeError: unsupported operand" in done.shown


def test_a_schema_of_a_frame_gets_the_rows(run_job: RunJob, tmp_path: Path) -> None:
    over = tmp_path / "rows.csv"
    over.write_text("age,name\n41,Ada\n36,Bob\n", encoding="utf-8")
    done = run_job(
        """
        import pandas as pd
        from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
        from inference_schema.schema_decorators import input_schema
        def init(): pass
        @input_schema("people", PandasParameterType(pd.DataFrame({"age": [1], "name": ["x"]})))
        def run(people):
            return (people["name"] + people["age"].astype(str)).tolist()
        """,
        over=over,
    )
    assert done.code == 0, done.shown
    assert [line["result"] for line in parsed(done.lines)] == ["Ada41", "Bob36"]


def test_a_run_that_takes_too_long_fails_its_line_alone(run_job: RunJob, tmp_path: Path) -> None:
    over = tmp_path / "requests.jsonl"
    over.write_text("1\n2\n3\n", encoding="utf-8")
    script = """
        import time
        def init(): pass
        def run(raw_data):
            while raw_data == "2":
                time.sleep(0.1)
            return raw_data
        """
    done = run_job(script, *("--run-timeout", "1", "--max-tries", "1"), over=over)
    assert [line.get("result") for line in parsed(done.lines)] == ["1", None, "3"]


@pytest.mark.parametrize("form", ["csv", "text", "parquet"])
def test_results_of_an_online_script_are_json(form: str, run_job: RunJob) -> None:
    done = run_job(SUMS, "--output-format", form)
    assert done.code == 2
    assert "written as jsonl" in done.shown.replace("\n", " ")


def test_files_are_found_from_where_the_command_is_started(run_job: RunJob, tmp_path: Path) -> None:
    """As `scoreserve serve` has it. The fixture starts it in tmp_path."""
    (tmp_path / "labels.txt").write_text("seven", encoding="utf-8")
    over = tmp_path / "requests.jsonl"
    over.write_text("1\n", encoding="utf-8")
    script = """
        def init():
            global label
            with open("labels.txt") as file:
                label = file.read()
        def run(raw_data):
            return label
        """
    assert parsed(run_job(script, over=over).lines) == [{"index": 0, "result": "seven"}]
