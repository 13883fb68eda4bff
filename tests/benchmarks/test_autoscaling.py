"""The autoscaler's rules, and that the simulated cluster does what a real one would."""

from __future__ import annotations

import pytest

from benchmarks.autoscaling.hpa import Autoscaler, proposal
from benchmarks.autoscaling.profile import Profile
from benchmarks.autoscaling.simulation import Pod, Policy, Shape, simulate

PROFILE = Profile("computes", 10.0, (0.1,), cpu_seconds=0.1, init_seconds=1.0, ready_seconds=2.0)


class TestProposal:
    @pytest.mark.parametrize(
        ("values", "unready", "proposed"),
        [
            ([1.0, 1.0], 0, 4),  # twice the target: twice the pods
            ([0.5, 0.58], 0, 2),  # within the tolerance of a tenth
            ([0.1, 0.1], 0, 1),
            ([1.0, 1.0], 2, 4),  # those that start are counted on
            ([1.0, 1.0], 1, 4),
            ([], 2, 2),  # nothing is known
        ],
    )
    def test_is_in_proportion(self, values: list[float], unready: int, proposed: int) -> None:
        assert proposal(values, unready, target=0.5) == proposed


class TestAutoscaler:
    def test_doubles_at_most(self) -> None:
        scaler = Autoscaler(least=1, most=100)
        assert scaler.decide(0, 10, [50]) == 20
        assert scaler.decide(15, 20, [50]) == 20  # 15 s ago there were ten
        assert scaler.decide(30, 20, [50]) == 40

    def test_may_always_add_four(self) -> None:
        assert Autoscaler(least=1, most=100).decide(0, 1, [50]) == 5

    def test_follows_the_largest_metric(self) -> None:
        assert Autoscaler(least=1, most=100).decide(0, 4, [2, 6]) == 6

    def test_keeps_to_its_bounds(self) -> None:
        assert Autoscaler(least=2, most=3).decide(0, 2, [50]) == 3
        assert Autoscaler(least=2, most=3).decide(0, 2, [1]) == 2

    def test_waits_before_it_goes_down(self) -> None:
        scaler = Autoscaler(least=1, most=100)
        assert scaler.decide(0, 8, [8]) == 8
        assert scaler.decide(300, 8, [2]) == 8
        assert scaler.decide(315, 8, [2]) == 2


class TestPod:
    def test_runs_one_after_the_other(self) -> None:
        pod = Pod(ready_at=0, queue=2)
        assert [pod.take(now, 1.0) for now in (0.0, 0.1, 0.2, 0.3)] == [True, True, True, False]
        assert pod.in_hand(0.3) == 3
        assert pod.take(1.0, 1.0)  # the second has begun
        assert pod.started_by(1.0) == 2
        assert pod.started_by(4.0) == 2
        assert pod.in_hand(4.0) == 0


class TestSimulation:
    def test_enough_pods_lose_nothing(self) -> None:
        quiet = simulate(PROFILE, Policy("cpu", cpu=0.6), Shape("slow", rise_seconds=590), 1, 0)
        assert quiet.lost == 0

    def test_no_autoscaler_is_in_time_for_a_spike(self) -> None:
        spike = Shape("spike", seconds=30)
        for policy in (Policy("cpu", cpu=0.5), Policy("in hand", in_hand=1)):
            assert simulate(PROFILE, policy, spike, 30, 0).lost > 0

    def test_cpu_says_nothing_of_a_script_that_waits(self) -> None:
        waits = Profile(
            "waits", 10.0, (0.1,), cpu_seconds=0.001, init_seconds=1.0, ready_seconds=2.0
        )
        by_cpu = simulate(waits, Policy("cpu", cpu=0.6), Shape("step"), 30, 0)
        by_requests = simulate(waits, Policy("in hand", in_hand=2), Shape("step"), 30, 0)
        assert by_cpu.lost > 0.5 > by_requests.lost

    def test_a_seed_is_a_run(self) -> None:
        run = (PROFILE, Policy("cpu", cpu=0.6), Shape("step"), 30)
        assert simulate(*run, 1) == simulate(*run, 1)
        assert simulate(*run, 1) != simulate(*run, 2)
