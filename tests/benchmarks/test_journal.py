"""What a run leaves behind, and how the next one takes it up."""

from pathlib import Path

import pytest

from benchmarks.journal import Failure, Journal, from_document
from benchmarks.plan import Cell
from scoreserve.bench.failure import BenchmarkError

HERE = {"machine": "this one", "cpus": 1}
CELL = Cell("noop", "scoreserve", 64, 1)
OTHER = Cell("noop", "floor", 64, 1)


def filled(path: Path) -> Journal:
    journal = Journal(HERE, path)
    journal.installed("scoreserve", {"scoreserve": "1.0"})
    journal.add(CELL, {"p50_ms": 1.5})
    journal.fail(Failure("noop", "mosec"), "not for this Python")
    journal.fail(Failure("noop", "bentoml", 256), "503")
    return journal


def test_the_next_run_finds_all_that_was_written(tmp_path: Path) -> None:
    first = filled(tmp_path / "journal.jsonl")
    second = Journal(HERE, tmp_path / "journal.jsonl")
    assert second.readings == first.readings == {CELL: {"p50_ms": 1.5}}
    assert second.failures == first.failures
    assert second.versions == first.versions


def test_what_the_next_run_adds_is_there_for_the_one_after(tmp_path: Path) -> None:
    filled(tmp_path / "journal.jsonl")
    Journal(HERE, tmp_path / "journal.jsonl").add(OTHER, {"p50_ms": 2.0})
    assert set(Journal(HERE, tmp_path / "journal.jsonl").readings) == {CELL, OTHER}


def test_what_is_measured_after_all_has_not_failed(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = filled(path)
    journal.add(Cell("noop", "bentoml", 256, 1), {"p50_ms": 2.0})
    assert list(journal.failures) == [Failure("noop", "mosec")]
    assert Journal(HERE, path).failures == journal.failures


def test_a_line_cut_short_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    filled(path)
    with path.open("a") as file:
        file.write('{"cell": {"scenario": "noop", "ser')
    Journal(HERE, path).add(OTHER, {"p50_ms": 2.0})
    assert set(Journal(HERE, path).readings) == {CELL, OTHER}


def test_readings_under_other_conditions_are_refused(tmp_path: Path) -> None:
    filled(tmp_path / "journal.jsonl")
    with pytest.raises(BenchmarkError, match="choose another --out"):
        Journal({**HERE, "cpus": 2}, tmp_path / "journal.jsonl")


def test_another_version_of_a_server_is_refused(tmp_path: Path) -> None:
    journal = filled(tmp_path / "journal.jsonl")
    journal.installed("scoreserve", {"scoreserve": "1.0"})
    with pytest.raises(BenchmarkError, match=r"1\.0.*1\.1"):
        journal.installed("scoreserve", {"scoreserve": "1.1"})


def test_a_journal_without_a_path_writes_nothing(tmp_path: Path) -> None:
    Journal(HERE).add(CELL, {"p50_ms": 1.5})
    assert list(tmp_path.iterdir()) == []


def test_the_results_hold_all_that_the_journal_does(tmp_path: Path) -> None:
    first = filled(tmp_path / "journal.jsonl")
    second = from_document(first.as_document())
    assert second.as_document() == first.as_document()
    assert second.readings == first.readings
