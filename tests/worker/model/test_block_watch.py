"""When the main thread is said to wait for something else than a CPU."""

from __future__ import annotations

import pytest

from scoreserve.worker.model.block_watch import is_idle


@pytest.mark.parametrize(
    ("busy_seconds", "state", "idle"),
    [
        (0.0, "S", True),
        (0.005, "D", True),
        (0.04, "S", False),  # it has used a CPU, or has waited for one
        (0.0, "R", False),  # it waits for one right now
    ],
)
def test_who_waits_for_a_cpu_does_not_block(busy_seconds: float, state: str, idle: bool) -> None:
    assert is_idle(busy_seconds, 0.05, lambda: state) is idle
