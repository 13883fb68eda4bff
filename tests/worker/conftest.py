"""What tests of scoring share."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from scoreserve import logs


@pytest.fixture
def json_logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Log lines name the request they are about."""
    monkeypatch.setattr(logs.JsonFormatter, "wanted", True)
    yield
    logs.scored_requests.set(())


@pytest.fixture
def own_alarm() -> Iterator[None]:
    """Takes back what a test does to SIGALRM and its timer.

    The signal that a ScriptRunner rings by keeps its handler: without, it would end the tests.
    """
    before = signal.getsignal(signal.SIGALRM)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
