"""The last failures, as the page at /status shows them."""

from __future__ import annotations

from scoreserve.front.observe.failures import KEPT, Failure, Failures


def test_the_latest_comes_first() -> None:
    times = iter([10.0, 20.0])
    failures = Failures(clock=lambda: next(times))
    failures.add(b"first", 500, "ValueError: no")
    failures.add(b"second", 502, "The scoring worker died.")
    assert failures.latest() == [
        Failure(20.0, "second", 502, "The scoring worker died."),
        Failure(10.0, "first", 500, "ValueError: no"),
    ]


def test_only_so_many_are_kept() -> None:
    failures = Failures()
    for number in range(KEPT + 5):
        failures.add(b"%d" % number, 500, "no")
    assert [each.request_id for each in failures.latest()] == [
        str(number) for number in reversed(range(5, KEPT + 5))
    ]


def test_one_of_which_nobody_said_why() -> None:
    failures = Failures()
    failures.add(b"\x9bid", 503, "")
    (failure,) = failures.latest()
    assert failure.error == "The script answered with this status itself."
    assert failure.request_id == "\\x9bid"
