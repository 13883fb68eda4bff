"""How many bytes of bodies may wait."""

from __future__ import annotations

import pytest

from scoreserve.front.queue.body_budget import BodyBudget, sensible_limit

GIBIBYTE = 1 << 30


def test_what_does_not_fit_is_not_taken() -> None:
    budget = BodyBudget(10)
    assert budget.take(6)
    assert not budget.take(5)
    assert budget.take(4)
    budget.give_back(6)
    assert budget.take(5)
    assert budget.held == 9


@pytest.mark.parametrize(
    ("asked", "largest", "memory", "limit"),
    [
        (0, 100, None, GIBIBYTE),
        (0, 100, 4 * GIBIBYTE, GIBIBYTE),
        (0, 100, 1000, 250),
        (0, 1000, 2000, 1000),
        (50, 10, None, 50),
        (50, 100, None, 100),
    ],
)
def test_the_limit_has_room_for_one_body(
    asked: int, largest: int, memory: int | None, limit: int
) -> None:
    assert sensible_limit(asked, largest, memory) == limit
