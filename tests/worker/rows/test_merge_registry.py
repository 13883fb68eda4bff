"""What a kind of requests must show before it is merged, and how it loses its trust."""

from __future__ import annotations

from typing import Any

import pytest

from scoreserve.worker.rows import merging, splitting
from scoreserve.worker.rows.merge_registry import (
    _MOST_KINDS,
    _REST_BATCHES,
    Control,
    MergeRegistry,
    PayloadKind,
    Step,
)
from scoreserve.worker.rows.reasons import NotSplit
from scoreserve.worker.rows.splitting import Split

ROWS = splitting.learn([[1.0], [2.0]], [1, 1], [1.0, 2.0])
MEMBERS = splitting.learn([{"a": [1.0]}, {"a": [2.0]}], [1, 1], {"a": [1.0, 2.0]})


def control(value: float) -> Control:
    """A payload of one row whose result is itself."""
    return Control(merging.take_apart([value]), [value])


CONTROLS = (control(1.0), control(2.0))


def record(x: float, k: str) -> Control:
    """A payload of one record whose result is its x."""
    return Control(merging.take_apart([{"x": x, "k": k}]), [x])


def prove(kind: PayloadKind, *rows: Control, split: Split = ROWS) -> None:
    """The first two differ."""
    kind.proved(split, rows, (rows[0], rows[1]))


def proven(times: int = 2) -> PayloadKind:
    """A kind with so many proofs."""
    kind = PayloadKind()
    for _ in range(times):
        prove(kind, *CONTROLS)
    return kind


def steps(kind: PayloadKind, batches: int, repeated: Any = None) -> list[Step]:
    """What is done with the next batches."""
    return [kind.next_step(repeated) for _ in range(batches)]


class TestProofs:
    @pytest.mark.parametrize("proofs", [0, 1])
    def test_one_is_not_enough(self, proofs: int) -> None:
        kind = proven(proofs)
        assert kind.step is Step.PROVE
        assert set(steps(kind, 100)) == {Step.PROVE}

    def test_two_are(self) -> None:
        kind = proven()
        assert kind.step is Step.MERGE
        assert set(steps(kind, 15)) == {Step.MERGE}

    def test_are_asked_for_again_at_growing_intervals_that_do_not_grow_for_ever(self) -> None:
        done = steps(proven(), 20_000)
        checks = [place for place, step in enumerate(done) if step is Step.PROVE]
        gaps = [after - before for before, after in zip([-1, *checks], checks, strict=False)]
        assert gaps[:5] == [16, 64, 256, 1024, 4096]
        assert set(gaps[5:]) == {4096}

    def test_that_contradict_each_other_are_none(self) -> None:
        kind = proven(1)
        with pytest.raises(NotSplit):
            prove(kind, *CONTROLS, split=MEMBERS)
        assert kind.split == ROWS

    def test_leave_their_controls_and_what_all_rows_had_alike(self) -> None:
        kind = PayloadKind()
        rows = [record(1.0, "a"), record(2.0, "a")]
        prove(kind, *rows)
        assert kind.controls == tuple(rows)
        assert kind.fixed == {(0, "k"): "a"}

    def test_have_nothing_alike_that_differed_in_one_of_them(self) -> None:
        kind = PayloadKind()
        prove(kind, record(1.0, "a"), record(2.0, "b"))
        prove(kind, record(1.0, "a"), record(2.0, "a"))
        assert kind.fixed == {}

    def test_know_a_row_even_if_nothing_differed_from_it_yet(self) -> None:
        kind = PayloadKind()
        assert not kind.known_rows
        kind.proved_nothing(CONTROLS[1])
        assert list(kind.known_rows) == [CONTROLS[1]]
        prove(kind, *CONTROLS)
        assert list(kind.known_rows) == list(CONTROLS)

    def test_that_prove_nothing_are_tried_ever_more_seldom_but_not_given_up(self) -> None:
        kind = PayloadKind()
        pauses = []
        for _ in range(20):
            kind.proved_nothing(CONTROLS[0])
            pauses.append(next(n for n in range(1000) if kind.next_step(None) is Step.PROVE))
        assert pauses[:8] == [0, 1, 3, 7, 15, 31, 63, 64]
        assert set(pauses[8:]) == {64}

    def test_of_something_end_the_pauses(self) -> None:
        kind = PayloadKind()
        for _ in range(10):
            kind.proved_nothing(CONTROLS[0])
        prove(kind, *CONTROLS)
        kind.proved_nothing(CONTROLS[0])
        assert kind.next_step(None) is Step.PROVE


class TestRepeatedRequests:
    def test_are_proven_for_themselves_alone(self) -> None:
        kind = PayloadKind()
        for _ in range(2):
            assert kind.next_step("x") is Step.PROVE
            kind.proved_repeated(ROWS, "x", [1.0])
        assert kind.next_step("x") is Step.MERGE
        assert kind.next_step("y") is Step.PROVE
        assert kind.next_step(None) is Step.PROVE
        known = kind.known("x")
        assert known is not None
        assert known.result == [1.0]

    def test_of_two_inputs_in_turn_are_not(self) -> None:
        kind = PayloadKind()
        for number in range(10):
            kind.proved_repeated(ROWS, "xy"[number % 2], [1.0])
        assert kind.known("x") is kind.known("y") is None


class TestLosingTrust:
    @pytest.mark.parametrize("proofs", [0, 1, 2])
    def test_wrong_rows_are_the_end(self, proofs: int) -> None:
        kind = proven(proofs)
        kind.refuted("rows_differ")
        assert kind.off == "rows_differ"
        assert set(steps(kind, 3 * _REST_BATCHES)) == {Step.ALONE}

    def test_any_other_reason_is_forgotten_after_a_rest(self) -> None:
        kind = proven()
        kind.refuted("length")
        done = steps(kind, _REST_BATCHES + 2)
        assert done == [Step.ALONE] * _REST_BATCHES + [Step.PROVE] * 2

    def test_three_strikes_in_a_row_are_the_end(self) -> None:
        kind = proven()
        for _ in range(5):
            kind.strike("length")
            kind.strike("length")
            assert kind.step is Step.MERGE
            kind.worked()
        for _ in range(3):
            kind.strike("length")
        assert kind.off == "length"

    def test_what_was_learnt_is_forgotten(self) -> None:
        kind = PayloadKind()
        for _ in range(2):
            prove(kind, record(1.0, "a"), record(2.0, "a"))
            kind.proved_repeated(ROWS, "x", [1.0])
        kind.refuted("length")
        assert (kind.split, kind.controls, kind.known("x")) == (None, None, None)
        assert kind.fixed == {}
        steps(kind, _REST_BATCHES)
        prove(kind, *CONTROLS, split=MEMBERS)
        assert kind.split == MEMBERS
        assert kind.step is Step.PROVE


class TestTime:
    def test_says_how_many_rows_a_run_may_have(self) -> None:
        kind = PayloadKind()
        assert kind.rows_within(1.0) == float("inf")
        kind.took(0.5, rows=10)
        assert kind.rows_within(1.0) == 20
        kind.took(0.5, rows=100)
        assert kind.rows_within(1.0) == 200


def test_kinds_are_told_apart_and_remembered() -> None:
    registry = MergeRegistry()
    registry.kind("a").refuted("rows_differ")
    assert registry.kind("a").off
    assert not registry.kind("b").off
    assert registry.kind("b") is registry.kind("b")
    assert registry.summary() == {"off": 1, "proving": 1}


def test_of_too_many_kinds_those_unseen_for_longest_are_forgotten() -> None:
    registry = MergeRegistry()
    favourite = registry.kind("favourite")
    old = registry.kind("old")
    for number in range(10 * _MOST_KINDS):
        registry.kind(number)
        assert registry.kind("favourite") is favourite
    assert sum(registry.summary().values()) == _MOST_KINDS
    assert registry.kind("old") is not old
