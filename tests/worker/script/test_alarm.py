"""The scoring timeout on its timer, which runs on from one call into the next.

Time passes only where a test lets it, but for the last test, which uses the real timer.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time

import pytest

from scoreserve.worker.script.alarm import Alarm

LIMIT_SECONDS = 10.0
DEADLINE_SECONDS = 30.0

pytestmark = pytest.mark.usefixtures("own_alarm")


class FakeTimer:
    """The process's timer and clock. `settings` are the seconds it was set to, one by one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.settings: list[float] = []
        self._rings_at: float | None = None
        monkeypatch.setattr(signal, "setitimer", self._set)
        monkeypatch.setattr(signal, "getitimer", self._get)

    def _set(self, which: int, seconds: float) -> None:
        assert which == signal.ITIMER_REAL
        self.settings.append(seconds)
        self._rings_at = self.now + seconds if seconds else None

    def _get(self, which: int) -> tuple[float, float]:
        return (0.0 if self._rings_at is None else max(self._rings_at - self.now, 1e-6), 0.0)

    def sleep(self, seconds: float) -> None:
        """Time passes, and the timer rings when its time comes."""
        until = self.now + seconds
        while self._rings_at is not None and self._rings_at <= until:
            self.now, self._rings_at = self._rings_at, None
            signal.raise_signal(signal.SIGALRM)
        self.now = until


@pytest.fixture
def timer(monkeypatch: pytest.MonkeyPatch) -> FakeTimer:
    return FakeTimer(monkeypatch)


class Script:
    """Calls of run() under one Alarm."""

    def __init__(self, timer: FakeTimer) -> None:
        self._timer = timer
        self._alarm = Alarm(LIMIT_SECONDS, lambda: timer.now)
        self.cleaned_up = False

    def call(self, seconds: float, *, clean_up_seconds: float = 0, spent: float = 0) -> None:
        """One that takes so long, and perhaps longer to clean up."""
        with self._alarm.after(spent) if spent else self._alarm:
            try:
                self._timer.sleep(seconds)
            finally:
                self._timer.sleep(clean_up_seconds)
                self.cleaned_up = True

    def fail(self) -> None:
        """One that fails at once."""
        with self._alarm:
            raise KeyError

    def catch(self) -> None:
        """One that takes its interruption for its own business."""
        with self._alarm, contextlib.suppress(TimeoutError):
            self._timer.sleep(LIMIT_SECONDS)


@pytest.fixture
def script(timer: FakeTimer) -> Script:
    return Script(timer)


class TestCall:
    def test_that_takes_too_long_is_interrupted(self, timer: FakeTimer, script: Script) -> None:
        began = timer.now
        with pytest.raises(TimeoutError):
            script.call(LIMIT_SECONDS + 5)
        assert timer.now == began + LIMIT_SECONDS

    def test_that_ends_in_time_is_not(self, timer: FakeTimer, script: Script) -> None:
        script.call(LIMIT_SECONDS - 1)
        timer.sleep(100)

    def test_that_fails_ends_too(self, timer: FakeTimer, script: Script) -> None:
        with pytest.raises(KeyError):
            script.fail()
        timer.sleep(100)

    def test_is_interrupted_once(self, script: Script) -> None:
        """What the script does to clean up may take its time."""
        with pytest.raises(TimeoutError):
            script.call(LIMIT_SECONDS, clean_up_seconds=100)
        assert script.cleaned_up

    def test_may_catch_its_interruption(self, timer: FakeTimer, script: Script) -> None:
        script.catch()
        timer.sleep(100)


class TestNextCall:
    def test_finds_the_timer_still_set(self, timer: FakeTimer, script: Script) -> None:
        """Setting it each time would cost more than a fast call."""
        for _ in range(100):
            script.call(LIMIT_SECONDS / 1000)
        assert timer.settings == [LIMIT_SECONDS]

    def test_is_not_hit_by_the_alarm_of_the_one_before(
        self, timer: FakeTimer, script: Script
    ) -> None:
        script.call(8)
        script.call(9)
        assert timer.settings == [LIMIT_SECONDS, 8]

    @pytest.mark.parametrize("before", [[8], [9, 9, 9], [1] * 15, [0], [5, 5]])
    def test_has_its_full_time_and_no_more(
        self, timer: FakeTimer, script: Script, before: list[float]
    ) -> None:
        for seconds in before:
            script.call(seconds)
        script.call(LIMIT_SECONDS - 0.001)
        began = timer.now
        with pytest.raises(TimeoutError):
            script.call(LIMIT_SECONDS + 5)
        assert timer.now == pytest.approx(began + LIMIT_SECONDS)

    def test_sets_a_timer_that_rang_between_calls(self, timer: FakeTimer, script: Script) -> None:
        script.call(1)
        timer.sleep(100)
        assert timer.settings == [LIMIT_SECONDS]  # an idle worker is left in peace
        with pytest.raises(TimeoutError):
            script.call(LIMIT_SECONDS)

    def test_sets_a_timer_that_the_script_stopped(self, timer: FakeTimer, script: Script) -> None:
        script.call(1)
        signal.setitimer(signal.ITIMER_REAL, 0)
        script.call(0.002)
        began = timer.now
        with pytest.raises(TimeoutError):
            script.call(LIMIT_SECONDS)
        assert timer.now == began + LIMIT_SECONDS

    def test_at_once_does_not_ask_for_the_timer(
        self, timer: FakeTimer, script: Script, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Which costs as much as a fast call."""
        script.call(0)
        with monkeypatch.context() as patched:
            patched.delattr(signal, "getitimer")
            script.call(0)
        script.call(1)
        with pytest.raises(TimeoutError):
            script.call(LIMIT_SECONDS)

    def test_after_one_that_was_interrupted_has_its_full_time(
        self, timer: FakeTimer, script: Script
    ) -> None:
        for _ in range(3):
            began = timer.now
            with pytest.raises(TimeoutError):
                script.call(LIMIT_SECONDS + 5)
            assert timer.now == began + LIMIT_SECONDS
        script.call(LIMIT_SECONDS - 1)


class TestCallWhoseTimeIsPartlySpent:
    """Its requests have been in a run() before, which was of no use."""

    @pytest.mark.parametrize("before", [[], [0], [3], [9], [5, 5], [8, 9]])
    @pytest.mark.parametrize("spent", [1, 6, 9.5])
    def test_has_what_is_left(
        self, timer: FakeTimer, script: Script, before: list[float], spent: float
    ) -> None:
        for seconds in before:
            script.call(seconds)
        script.call(LIMIT_SECONDS - spent - 0.001, spent=spent)
        began = timer.now
        with pytest.raises(TimeoutError):
            script.call(LIMIT_SECONDS, spent=spent)
        assert timer.now == pytest.approx(began + LIMIT_SECONDS - spent)

    @pytest.mark.parametrize("before", [[], [3]])
    def test_has_hardly_begun_when_nothing_is_left(
        self, timer: FakeTimer, script: Script, before: list[float]
    ) -> None:
        for seconds in before:
            script.call(seconds)
        began = timer.now
        with pytest.raises(TimeoutError):
            script.call(LIMIT_SECONDS, spent=LIMIT_SECONDS + 5)
        assert timer.now == pytest.approx(began, abs=0.001)

    def test_leaves_the_next_its_full_time(self, timer: FakeTimer, script: Script) -> None:
        script.call(0.5, spent=9)
        script.call(LIMIT_SECONDS - 1)


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
    """By the real timer, which was set for an earlier call."""
    limit = Alarm(0.02)

    def call(seconds: float) -> None:
        with limit:
            time.sleep(seconds)

    for _ in range(50):
        call(0)
    with pytest.raises(TimeoutError):
        call(DEADLINE_SECONDS)
