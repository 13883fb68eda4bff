"""What is known of requests that may share a run()."""

from __future__ import annotations

from scoreserve.worker.rows.kinds import Kind, Kinds


def test_rows_are_judged_by_what_they_cost_lately() -> None:
    kind = Kind()
    assert kind.rows_within(1.0) == float("inf")
    kind.took(0.5, 5)
    assert kind.rows_within(1.0) == 10
    kind.took(4.0, 2)
    assert kind.rows_within(1.0) == 0.5


def test_what_cannot_be_merged_rests_and_is_tried_again() -> None:
    kind = Kind()
    assert [kind.strike("length") for _ in range(3)] == [False, False, True]
    rests = 0
    while kind.batch_rests():
        assert kind.resting == "length"
        rests += 1
    assert rests == 100
    assert not kind.resting


def test_strikes_that_are_not_in_a_row_are_forgiven() -> None:
    kind = Kind()
    for _ in range(5):
        assert not kind.strike("raised")
        assert not kind.strike("raised")
        kind.worked()
    assert not kind.batch_rests()


def test_the_longest_unseen_kinds_are_forgotten() -> None:
    kinds = Kinds()
    first = kinds.kind("first")
    for number in range(63):
        kinds.kind(number)
    assert kinds.kind("first") is first
    kinds.kind("one more")
    assert kinds.kind("first") is first
    for number in range(64):
        kinds.kind(number)
    assert kinds.kind("first") is not first
