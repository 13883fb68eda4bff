"""The proof before trust: what a kind of requests must show, and how it loses its trust."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreserve.worker.merging import Split
from scoreserve.worker.trust import _MOST_KINDS, Kind, Trust

ROWS = Split(None, frozenset(), text=False)
MEMBERS = Split(frozenset({"a"}), frozenset(), text=False)


def proven(*distinct: bool) -> Kind:
    """A kind with these proofs."""
    kind = Kind()
    for each in distinct:
        kind.proved(ROWS, distinct=each)
    return kind


@pytest.mark.parametrize(
    ("proofs", "for_distinct", "for_equal"),
    [
        ((), False, False),
        ((True,), False, False),
        ((True, True), True, True),
        ((False, False), False, True),
        ((False, True), False, False),
        ((False, False, True), False, True),
        ((False, True, True), True, True),
        ((False,) * 100, False, True),
    ],
)
def test_two_proofs_are_trusted_and_equal_requests_prove_nothing_for_distinct_ones(
    proofs: tuple[bool, ...], for_distinct: bool, for_equal: bool
) -> None:
    kind = proven(*proofs)
    assert kind.trusted(distinct=True) is for_distinct
    assert kind.trusted(distinct=False) is for_equal
    assert not kind.off


@pytest.mark.parametrize("proofs", [(), (True,), (True, True, True)])
def test_one_refutation_is_the_end(proofs: tuple[bool, ...]) -> None:
    kind = proven(*proofs)
    kind.refuted("rows_differ")
    assert kind.off == "rows_differ"
    for distinct in (True, False):
        kind.proved(ROWS, distinct=distinct)
        kind.proved(ROWS, distinct=distinct)
        kind.worked()
        assert not kind.trusted(distinct=distinct)
    assert kind.off == "rows_differ"


def test_results_that_are_split_in_two_ways_are_not_trusted() -> None:
    kind = proven(True, True)
    kind.proved(MEMBERS, distinct=True)
    assert kind.off == "split_varies"
    assert not kind.trusted(distinct=True)


def test_three_strikes_in_a_row_are_the_end() -> None:
    kind = proven(True, True)
    kind.strike("length")
    kind.strike("length")
    assert kind.trusted(distinct=True)
    kind.strike("type")
    assert kind.off == "type"
    assert not kind.trusted(distinct=True)
    kind.worked()
    assert kind.off


@given(st.lists(st.sampled_from(["strike", "worked", "proved"]), max_size=20))
def test_it_is_off_once_three_strikes_came_in_a_row(events: list[str]) -> None:
    kind = Kind()
    row = 0
    ended = False
    for event in events:
        if event == "strike":
            kind.strike("length")
            row += 1
        else:
            row = 0
            kind.worked() if event == "worked" else kind.proved(ROWS, distinct=True)
        ended = ended or row == 3
        assert bool(kind.off) is ended


def test_kinds_are_told_apart_and_remembered() -> None:
    trust = Trust()
    trust.kind("a").refuted("rows_differ")
    assert trust.kind("a").off
    assert not trust.kind("b").off
    assert trust.kind("b") is trust.kind("b")


def test_of_too_many_kinds_those_unseen_for_longest_are_forgotten() -> None:
    trust = Trust()
    favourite = trust.kind("favourite")
    old = trust.kind("old")
    for number in range(10 * _MOST_KINDS):
        trust.kind(number)
        assert trust.kind("favourite") is favourite
        assert len(trust._kinds) <= _MOST_KINDS
    assert trust.kind("old") is not old
