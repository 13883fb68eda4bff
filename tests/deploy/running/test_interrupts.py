"""What ends a program, in the middle of what it does."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from scoreserve.deploy.running.interrupts import deferred, undone_when_ended

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def plain() -> Iterator[None]:
    """Handlers as a program has them that a terminal has started."""
    before = {each: signal.signal(each, signal.SIG_DFL) for each in ENDING}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.parametrize("number", ENDING)
def test_each_is_an_interrupt_after_what_was_begun(number: signal.Signals) -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), undone_when_ended():
        with deferred():
            with deferred():
                signal.raise_signal(number)
                done.append("inner")
            done.append("outer")
        done.append("after")
    assert done == ["inner", "outer"]


@pytest.mark.parametrize("number", ENDING)
def test_what_is_ignored_stays_so(number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_IGN)
    with undone_when_ended(), deferred():
        signal.raise_signal(number)
    assert signal.getsignal(number) is signal.SIG_IGN


def test_handlers_are_as_before() -> None:
    before = [signal.getsignal(each) for each in ENDING]
    with undone_when_ended(), deferred():
        pass
    assert [signal.getsignal(each) for each in ENDING] == before
