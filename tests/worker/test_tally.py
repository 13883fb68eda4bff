"""What is counted until it is taken."""

from __future__ import annotations

from scoreserve.worker.tally import Tally


def test_counts_until_it_is_taken() -> None:
    tally = Tally()
    assert tally.take() is None
    tally.merged(2, 5)
    tally.merged(3, 3)
    tally.fell_back("raised")
    tally.fell_back("raised", 4)
    tally.fell_back("length")
    assert tally.take() == {
        "merged": [(2, 5), (3, 3)],
        "fallbacks": {"raised": 5, "length": 1},
    }
    assert tally.take() is None


def test_what_was_taken_does_not_change() -> None:
    tally = Tally()
    tally.fell_back("raised")
    taken = tally.take()
    tally.fell_back("raised")
    tally.merged(2, 2)
    assert taken == {"merged": [], "fallbacks": {"raised": 1}}
