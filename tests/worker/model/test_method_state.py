"""What is known of a method, step by step."""

from __future__ import annotations

import pytest

from scoreserve.worker.model.method_state import MEETING, OFF, PROVING, MethodState


@pytest.fixture
def state() -> MethodState:
    return MethodState("Model", "predict")


def test_two_proofs_are_needed(state: MethodState) -> None:
    assert (state.step, state.may_use_alike) == (PROVING, False)
    state.proven(alike=False)
    assert state.step == PROVING
    state.proven(alike=False)
    assert (state.step, state.may_use) == (MEETING, True)


def test_proofs_of_equal_results_are_good_for_equal_results(state: MethodState) -> None:
    state.proven(alike=True)
    state.proven(alike=True)
    assert state.may_use_alike
    assert not state.may_use
    state.proven(alike=False)
    state.proven(alike=False)
    assert state.may_use


def test_shared_calls_have_to_be_faster(state: MethodState) -> None:
    state.took_alone(0.001)
    for _ in range(100):
        state.took_met(0.004, 8)
    assert state.off == ""
    for _ in range(100):
        state.took_alone(0.001)
        state.took_met(0.016, 8)
    assert (state.step, state.off) == (OFF, "no_gain")


def test_single_calls_are_timed_again_before_there_is_said_to_be_no_gain(
    state: MethodState,
) -> None:
    state.took_alone(0.001)
    for _ in range(2):
        state.proven(alike=False)
    while state.step == MEETING:
        state.took_met(0.016, 8)
    assert (state.step, state.off) == (PROVING, "")
    state.took_alone(0.01)  # for the machine is busy
    for _ in range(100):
        state.took_met(0.016, 8)
    assert state.off == ""


def test_what_two_gain_says_nothing_of_many(state: MethodState) -> None:
    state.took_alone(0.001)
    for _ in range(100):
        state.took_met(0.004, 2)
    assert state.off == ""


def test_one_slow_call_says_nothing(state: MethodState) -> None:
    state.took_alone(0.001)
    for _ in range(100):
        state.took_met(0.001, 8)
    state.took_met(5, 8)
    for _ in range(100):
        state.took_met(0.001, 8)
    assert state.off == ""


def test_a_slow_call_at_the_beginning_says_nothing(state: MethodState) -> None:
    state.took_alone(0.001)
    for seconds in (5, *[0.001] * 100):
        state.took_met(seconds, 8)
    assert state.off == ""


def test_calls_that_raise_only_together_do_not_meet(state: MethodState) -> None:
    for _ in range(100):
        state.took_alone(0.001, raised_together=True)
    assert (state.step, state.off) == (OFF, "raised")


def test_a_shared_call_that_raised_for_a_reason_says_nothing(state: MethodState) -> None:
    for _ in range(100):
        for _ in range(20):
            state.took_alone(0.001, raised_together=True)
        state.raised_alone()
    for _ in range(100):
        for _ in range(20):
            state.took_alone(0.001, raised_together=True)
        state.took_met(0.001, 8)
    assert state.off == ""


def test_one_odd_call_is_alone(state: MethodState) -> None:
    for _ in range(100):
        assert state.refused("return_std")
        assert not state.refused("")
    assert state.off == ""
    for _ in range(100):
        assert state.refused("gradients are on")
    assert (state.step, state.off) == (OFF, "gradients are on")
