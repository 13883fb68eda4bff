"""States, as Azure's documentation names them."""

from __future__ import annotations

import pytest

from scoreserve.deploy.deployment import Resources
from scoreserve.deploy.running.states import Machine, Seen, State, Verdict, judge, shortage

PATIENCE = 340.0
GIB = 1024**3
MACHINE = Machine(cpus=2, memory_bytes=8 * GIB)


@pytest.mark.parametrize(
    ("seen", "state", "reason"),
    [
        (Seen("created"), State.TRANSITIONING, "being created"),
        (Seen("running", seconds=5), State.TRANSITIONING, "nobody answers"),
        (Seen("running", seconds=5, http_status=502), State.TRANSITIONING, "it answers 502"),
        (Seen("running", seconds=5, http_status=200), State.HEALTHY, ""),
        (Seen("running", seconds=400, http_status=200), State.HEALTHY, ""),
        (Seen("running", seconds=400, http_status=502), State.UNHEALTHY, "within 340 s"),
        (Seen("running", seconds=5, http_status=502, been_healthy=True), State.UNHEALTHY, "before"),
        (Seen("running", seconds=5, been_healthy=True), State.UNHEALTHY, "nobody answers"),
        (Seen("paused", seconds=5), State.UNHEALTHY, "paused"),
        (
            Seen("exited", ended=True, exit_code=3, last_words="no weights"),
            State.FAILED,
            "3: no weights",
        ),
        (Seen("exited", ended=True, exit_code=0), State.FAILED, "exit code 0"),
        (Seen("exited", ended=True, exit_code=137, out_of_memory=True), State.FAILED, "memory"),
        (
            Seen("exited", ended=True, exit_code=137, last_words="Error: of a minute ago"),
            State.FAILED,
            "it was killed with SIGKILL, as happens where memory runs out",
        ),
        (Seen("created", error="no such GPU"), State.UNSCHEDULABLE, "no such GPU"),
    ],
)
def test_a_state_is_told_with_its_reason(seen: Seen, state: State, reason: str) -> None:
    verdict = judge(seen, PATIENCE)
    assert verdict.state is state
    assert reason in verdict.reason


def test_a_healthy_service_needs_no_reason() -> None:
    assert judge(Seen("running", http_status=200), PATIENCE) == Verdict(State.HEALTHY)


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        (Resources(), ""),
        (Resources(cpus=2, memory_bytes=8 * GIB), ""),
        (Resources(memory_bytes=9 * GIB), "not enough memory: 9.0 GiB are asked for"),
        (Resources(cpus=2.5), "not enough CPUs: 2.5 are asked for"),
    ],
)
def test_what_the_machine_does_not_have_is_told(wanted: Resources, problem: str) -> None:
    found = shortage(wanted, MACHINE)
    assert found.startswith(problem)
    assert bool(found) is bool(problem)
