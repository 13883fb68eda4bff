"""What is counted until it is taken."""

from __future__ import annotations

from scoreserve.worker.rows.batch_counts import BatchCounts


def test_counts_until_it_is_taken() -> None:
    counts = BatchCounts()
    assert counts.take() is None
    counts.merged(2, 5)
    counts.merged(3, 3)
    counts.fell_back("raised")
    counts.fell_back("raised", 4)
    counts.fell_back("length")
    assert counts.take() == {
        "merged": [(2, 5), (3, 3)],
        "fallbacks": {"raised": 5, "length": 1},
    }
    assert counts.take() is None


def test_what_was_taken_does_not_change() -> None:
    counts = BatchCounts()
    counts.fell_back("raised")
    taken = counts.take()
    counts.fell_back("raised")
    counts.merged(2, 2)
    assert taken == {"merged": [], "fallbacks": {"raised": 1}}
