"""The scoring timeout: what a call is told, and when.

Time passes only where a test lets it, but for the tests of the watching thread.
"""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from scoreserve.worker.script import alarm
from scoreserve.worker.script.alarm import Alarm, OutOfTime

LIMIT_SECONDS = 10.0
DEADLINE_SECONDS = 30.0

pytestmark = pytest.mark.usefixtures("own_alarm")


class Script:
    """Calls of run() under one Alarm, with a clock of its own, and a signal every second."""

    def __init__(self, limit_seconds: float = LIMIT_SECONDS) -> None:
        self.now = 1000.0
        self._alarm = Alarm(limit_seconds, lambda: self.now)
        self.cleaned_up = False

    def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now = min(math.floor(self.now) + 1, until)
            signal.raise_signal(alarm.SIGNAL)

    def call(self, seconds: float, *, clean_up_seconds: float = 0, spent: float = 0) -> None:
        """One that takes so long, and perhaps longer to clean up."""
        with self._alarm.after(spent) if spent else self._alarm:
            try:
                self.sleep(seconds)
            finally:
                self.sleep(clean_up_seconds)
                self.cleaned_up = True

    def fail(self) -> None:
        """One that fails at once."""
        with self._alarm:
            raise KeyError

    def catch(self) -> None:
        """One that takes its interruption for its own business."""
        with self._alarm, contextlib.suppress(TimeoutError):
            self.sleep(LIMIT_SECONDS)


@pytest.fixture
def script() -> Script:
    return Script()


class TestCall:
    def test_that_takes_too_long_is_interrupted(self, script: Script) -> None:
        began = script.now
        with pytest.raises(OutOfTime):
            script.call(LIMIT_SECONDS + 5)
        assert script.now == began + LIMIT_SECONDS

    def test_that_ends_in_time_is_not(self, script: Script) -> None:
        script.call(LIMIT_SECONDS - 1)
        script.sleep(100)

    def test_that_fails_ends_too(self, script: Script) -> None:
        with pytest.raises(KeyError):
            script.fail()
        script.sleep(100)

    def test_is_interrupted_once(self, script: Script) -> None:
        """What the script does to clean up may take its time."""
        with pytest.raises(OutOfTime):
            script.call(LIMIT_SECONDS, clean_up_seconds=100)
        assert script.cleaned_up

    def test_may_catch_its_interruption(self, script: Script) -> None:
        script.catch()
        script.sleep(100)

    @pytest.mark.parametrize("before", [0, 3, 9, 100])
    def test_has_its_full_time_and_no_more(self, script: Script, before: float) -> None:
        script.call(min(before, LIMIT_SECONDS - 1))
        script.sleep(before)
        began = script.now
        with pytest.raises(OutOfTime):
            script.call(LIMIT_SECONDS + 5)
        assert script.now == began + LIMIT_SECONDS

    def test_has_no_limit_where_there_is_none(self) -> None:
        Script(0).call(100_000)

    @pytest.mark.parametrize("spent", [1, 6, 9])
    def test_whose_time_is_partly_spent_has_what_is_left(
        self, script: Script, spent: float
    ) -> None:
        script.call(LIMIT_SECONDS - spent - 0.001, spent=spent)
        script.now = began = math.ceil(script.now)
        with pytest.raises(OutOfTime):
            script.call(LIMIT_SECONDS, spent=spent)
        assert script.now == began + LIMIT_SECONDS - spent
        script.call(LIMIT_SECONDS - 1)


@pytest.fixture
def own_timer() -> Iterator[list[int]]:
    """A script's own handler of SIGALRM: what it has heard."""
    heard: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _: heard.append(number))
    yield heard
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


class TestSigalrm:
    """Handler and timer are the script's."""

    def test_is_left_alone(self, own_timer: list[int]) -> None:
        handler = signal.getsignal(signal.SIGALRM)
        script = Script()
        with pytest.raises(OutOfTime):
            script.call(LIMIT_SECONDS)
        assert signal.getsignal(signal.SIGALRM) is handler
        assert own_timer == []

    @pytest.mark.parametrize(
        ("set_before", "interval", "goes_on"),
        [(False, 0, False), (False, 50, True), (True, 0, True)],
        ids=["a forgotten limit", "a heartbeat", "one of init()"],
    )
    def test_what_it_has_set_when_run_ends(
        self, own_timer: list[int], set_before: bool, interval: float, goes_on: bool
    ) -> None:
        if set_before:
            signal.setitimer(signal.ITIMER_REAL, 50)
        with Alarm(LIMIT_SECONDS):
            signal.setitimer(signal.ITIMER_REAL, 50, interval)
        assert (signal.getitimer(signal.ITIMER_REAL)[0] > 0) == goes_on


def test_only_the_main_thread_can_have_one() -> None:
    refused: list[ValueError] = []

    def make() -> None:
        try:
            Alarm(LIMIT_SECONDS)
        except ValueError as error:
            refused.append(error)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    assert len(refused) == 1


class TestWatchingThread:
    def call(self, limit: Alarm, seconds: float) -> None:
        with limit:
            time.sleep(seconds)

    def test_interrupts_a_call_that_blocks(self) -> None:
        limit = Alarm(0.02).watch()
        for _ in range(3):
            self.call(limit, 0)
            with pytest.raises(OutOfTime):
                self.call(limit, DEADLINE_SECONDS)

    def test_hears_of_a_call_after_a_pause(self) -> None:
        """It sleeps for long when it has found no call."""
        limit = Alarm(0.02).watch()
        deadline = time.monotonic() + DEADLINE_SECONDS
        while limit.watched_at < deadline:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        with pytest.raises(OutOfTime):
            self.call(limit, DEADLINE_SECONDS)

    def test_hears_of_a_call_whose_time_is_partly_spent(self) -> None:
        limit = Alarm(100).watch()
        self.call(limit, 0)
        with pytest.raises(OutOfTime):
            self.call(limit.after(99.98), DEADLINE_SECONDS)

    def test_hears_of_a_call_that_goes_on_and_has_less_time(self) -> None:
        limit = Alarm(100).watch()
        with pytest.raises(OutOfTime), limit:
            limit.resume(time.monotonic() + 0.02)
            time.sleep(DEADLINE_SECONDS)

    def test_watches_the_newest(self) -> None:
        old = Alarm(0.02).watch()
        new = Alarm(DEADLINE_SECONDS).watch()
        self.call(old, 0.1)
        self.call(new, 0.1)

    def test_knows_no_limit_that_is_too_long(self) -> None:
        self.call(Alarm(1e12).watch(), 0)
        with pytest.raises(OutOfTime):
            self.call(Alarm(0.02).watch(), DEADLINE_SECONDS)
