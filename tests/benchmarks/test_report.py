"""The tables: of the terminal and of the page of results."""

import json
from pathlib import Path

import pytest

from benchmarks.journal import Failure, Journal
from benchmarks.plan import Cell
from benchmarks.render import figure_table, headline, lines_of, ratio_table, render, run_section
from benchmarks.report import MEASURES, Readings, point_tables, summary_table
from benchmarks.scenarios import CLOSED, noop

CONDITIONS = {"machine": "here", "cpus": 2, "workers": 1, "seconds": 3, "environment": {}}


@pytest.fixture
def journal() -> Journal:
    """Two rounds of two servers, and one that failed under load."""
    journal = Journal(CONDITIONS)
    for server, rates in {"floor": (100, 300), "scoreserve": (400, 600)}.items():
        for number, rate in enumerate(rates, start=1):
            figures = {"requests_per_second": rate, "p50_ms": 1000 / rate, "p99_ms": 5.0}
            journal.add(Cell("noop", server, 64, number), figures)
    journal.fail(Failure("noop", "bentoml", 64), "of 9 replies not all were good\nits log")
    journal.fail(Failure("noop", "mosec"), "no wheel | for this Python")
    return journal


@pytest.fixture
def readings(journal: Journal) -> Readings:
    return Readings(journal, noop())


def test_ours_comes_first_and_failures_are_not_dropped(readings: Readings) -> None:
    assert readings.servers == ["scoreserve", "floor", "bentoml", "mosec"]


def test_a_ratio_is_taken_within_each_round(readings: Readings) -> None:
    assert readings.ratios("scoreserve", "floor", 64, "requests_per_second") == [4.0, 2.0]


def test_a_round_that_one_of_them_lacks_has_no_ratio(journal: Journal) -> None:
    del journal.readings[Cell("noop", "floor", 64, 1)]
    readings = Readings(journal, noop())
    assert readings.ratios("scoreserve", "floor", 64, "requests_per_second") == [2.0]


def test_the_terminal_shows_ratios_before_figures_and_why_one_is_missing(
    readings: Readings,
) -> None:
    text = "\n".join(point_tables(readings, 64))
    assert text.index("scoreserve / floor") < text.index("median (min-max)")
    assert "3.00x (2.00-4.00)" in text
    assert "(of 9 replies not all were good)" in text
    assert "its log" not in text


def test_the_summary_names_what_failed(readings: Readings) -> None:
    lines = summary_table(readings)
    assert [line.split() for line in lines[1:]] == [
        ["scoreserve", "500"],
        ["floor", "200"],
        ["bentoml", "failed"],
        ["mosec", "failed"],
    ]


def test_a_line_of_a_chart_has_median_and_range(readings: Readings) -> None:
    ours, floor = lines_of(readings, "requests_per_second")
    assert (ours.name, floor.name) == ("scoreserve", "floor")
    (point,) = ours.points
    assert (point.x, point.y, point.low, point.high) == (64, 500, 400, 600)


def test_the_page_compares_ours_with_each_other(readings: Readings) -> None:
    rate = MEASURES[CLOSED][0]
    assert ratio_table(readings, rate)[2:] == ["| floor | 3.00x (2.00-4.00) |"]


def test_the_page_has_every_server_and_no_broken_row(readings: Readings) -> None:
    rows = figure_table(readings)
    assert len({row.count("|") for row in rows}) == 1
    assert any("mosec" in row and "no wheel / for this Python" in row for row in rows)


def test_the_headline_is_at_64_connections(journal: Journal) -> None:
    assert "| noop | 64 | floor | 3.00x |" in headline(journal)


def test_charts_of_more_cpus_have_names_of_their_own(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("charts")
    monkeypatch.setattr("benchmarks.render.CHARTS", directory)
    page = run_section(journal)
    assert [file.name for file in directory.iterdir()] == ["noop_2cpus_1workers.svg"]
    assert any("(noop_2cpus_1workers.svg)" in line for line in page)


def test_a_page_of_its_own_has_charts_of_its_own(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("benchmarks.render.CHARTS", tmp_path)
    results = tmp_path / "results.json"
    results.write_text(json.dumps(journal.as_document()))
    page = render([results], "batching")
    assert page == tmp_path / "batching.md"
    assert "(batching_noop_2cpus_1workers.svg)" in page.read_text()
    assert (tmp_path / "batching_noop_2cpus_1workers.svg").exists()
