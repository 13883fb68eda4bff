"""The scoring timeout on its timer, which runs on from one call into the next.

Time stands still but where a test moves it, and the timer rings when a test lets it; the last test
uses the real ones.
"""

from __future__ import annotations

import signal
import threading
import time
from types import SimpleNamespace

import pytest

from scoreserve.worker import alarm
from scoreserve.worker.alarm import Alarm

LIMIT_SECONDS = 10.0

pytestmark = pytest.mark.usefixtures("own_alarm")


class FakeTimer:
    """The process's timer and clock. `settings` are the seconds it was set to, one by one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.settings: list[float] = []
        self._left = 0.0
        monkeypatch.setattr(alarm, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(signal, "setitimer", self._set)
        monkeypatch.setattr(signal, "getitimer", lambda which: (self._left, 0.0))

    def _set(self, which: int, seconds: float) -> None:
        assert which == signal.ITIMER_REAL
        self.settings.append(seconds)
        self._left = seconds

    def ring(self) -> None:
        self._left = 0.0
        signal.raise_signal(signal.SIGALRM)


@pytest.fixture
def timer(monkeypatch: pytest.MonkeyPatch) -> FakeTimer:
    return FakeTimer(monkeypatch)


@pytest.fixture
def limit(timer: FakeTimer) -> Alarm:
    return Alarm(LIMIT_SECONDS)


class TestCall:
    def test_that_takes_too_long_is_interrupted(self, timer: FakeTimer, limit: Alarm) -> None:
        with pytest.raises(TimeoutError), limit:
            timer.now += LIMIT_SECONDS
            timer.ring()
        assert timer.settings == [LIMIT_SECONDS]

    def test_that_ends_in_time_is_not(self, timer: FakeTimer, limit: Alarm) -> None:
        with limit:
            timer.now += LIMIT_SECONDS - 1
        timer.now += 1
        timer.ring()

    def test_that_fails_ends_too(self, timer: FakeTimer, limit: Alarm) -> None:
        with pytest.raises(KeyError), limit:
            raise KeyError
        timer.now += LIMIT_SECONDS
        timer.ring()

    def test_is_interrupted_once(self, timer: FakeTimer, limit: Alarm) -> None:
        """What the script does to clean up may take its time."""
        with pytest.raises(TimeoutError), limit:
            timer.now += LIMIT_SECONDS
            try:
                timer.ring()
            finally:
                timer.now += LIMIT_SECONDS
                timer.ring()

    def test_that_catches_the_interruption_goes_on(self, timer: FakeTimer, limit: Alarm) -> None:
        with limit:
            timer.now += LIMIT_SECONDS
            with pytest.raises(TimeoutError):
                timer.ring()


class TestNextCall:
    def test_finds_the_timer_still_set(self, timer: FakeTimer, limit: Alarm) -> None:
        for _ in range(100):
            with limit:
                timer.now += LIMIT_SECONDS / 1000
        assert timer.settings == [LIMIT_SECONDS]

    def test_is_not_hit_by_the_alarm_of_the_one_before(
        self, timer: FakeTimer, limit: Alarm
    ) -> None:
        with limit:
            timer.now += 8
        with limit:
            timer.now += 2
            timer.ring()
            assert timer.settings == [LIMIT_SECONDS, 8]
            timer.now += 7
        assert timer.settings == [LIMIT_SECONDS, 8]

    def test_has_its_full_time_and_no_more(self, timer: FakeTimer, limit: Alarm) -> None:
        with limit:
            timer.now += 8
        with pytest.raises(TimeoutError), limit:
            timer.now += 2
            timer.ring()  # the alarm of the first call
            timer.now += 8
            timer.ring()

    def test_may_be_many_calls_later(self, timer: FakeTimer, limit: Alarm) -> None:
        for _ in range(5):
            with limit:
                timer.now += 1
        with limit:
            timer.now += 5
            timer.ring()
        with pytest.raises(TimeoutError), limit:
            timer.now += LIMIT_SECONDS
            timer.ring()

    def test_sets_a_timer_that_rang_between_calls(self, timer: FakeTimer, limit: Alarm) -> None:
        with limit:
            pass
        timer.now += LIMIT_SECONDS
        timer.ring()
        assert timer.settings == [LIMIT_SECONDS]
        with pytest.raises(TimeoutError), limit:
            assert timer.settings == [LIMIT_SECONDS] * 2
            timer.now += LIMIT_SECONDS
            timer.ring()

    def test_of_one_that_was_interrupted_is_interrupted_in_its_turn(
        self, timer: FakeTimer, limit: Alarm
    ) -> None:
        for _ in range(3):
            with pytest.raises(TimeoutError), limit:
                timer.now += LIMIT_SECONDS
                timer.ring()
        assert timer.settings == [LIMIT_SECONDS] * 3


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


def test_a_blocking_call_is_interrupted() -> None:
    limit = Alarm(0.02)
    for _ in range(50):
        with limit:
            pass
    with pytest.raises(TimeoutError), limit:
        time.sleep(30)
