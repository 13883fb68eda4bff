"""What a request costs our Python."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.costs.timing import Clock, Cost

ROOT = Path(__file__).resolve().parents[2]


def test_all_parts_are_measured() -> None:
    """In a process of its own: it changes how this one logs and reads JSON."""
    command = [sys.executable, "-m", "benchmarks.costs", "--clients", "4", "--seconds", "0.01"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "front, 4 clients" in shown
    assert "worker, 4 jobs merged" in shown
    figures = [float(line.split()[-1]) for line in shown.splitlines() if line.startswith("  ")]
    assert len(figures) > 12
    assert all(figures)


def test_the_rest_is_what_the_parts_leave() -> None:
    *_, rest = Cost("title", 10.0, {"one": 2.5, "another": 4.0}).lines()
    assert rest.split() == ["the", "rest", "3.50"]


@pytest.mark.parametrize("requests", [1, 10])
def test_costs_are_more_than_nothing(requests: int) -> None:
    assert Clock(0.001).microseconds(lambda: sum(range(1000)), requests) > 0
