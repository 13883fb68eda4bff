"""A queue whose thread exports: nobody who puts waits, and what is lost is counted."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence

import pytest

from scoreserve.telemetry.export_queue import EXPORT_FAILED, QUEUE_FULL, ExportQueue

DEADLINE_SECONDS = 30.0


class Place:
    """Where batches go. It may stand still. It meets each with one of `answers`, and takes more."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = threading.Event()
        self.open.set()
        self.answers: deque[bool | Exception] = deque()
        self.asked = threading.Semaphore(0)

    def export(self, batch: Sequence[int]) -> bool:
        self.asked.release()
        assert self.open.wait(DEADLINE_SECONDS)
        answer = self.answers.popleft() if self.answers else True
        if isinstance(answer, Exception):
            raise answer
        self.batches.append(list(batch))
        return answer

    def wait_asked(self) -> None:
        assert self.asked.acquire(timeout=DEADLINE_SECONDS)


@pytest.fixture
def place() -> Place:
    return Place()


def queue_to(
    place: Place, *, most_waiting: int = 100, batch_items: int = 10, delay_seconds: float = 600.0
) -> ExportQueue[int]:
    return ExportQueue(
        "a place",
        place.export,
        most_waiting=most_waiting,
        batch_items=batch_items,
        delay_seconds=delay_seconds,
    )


def deadline() -> float:
    return time.monotonic() + DEADLINE_SECONDS


def test_a_full_batch_goes_at_once(place: Place) -> None:
    queue = queue_to(place, batch_items=3)
    for number in range(3):
        queue.put(number)
    place.wait_asked()
    queue.close(deadline())
    assert place.batches == [[0, 1, 2]]


def test_what_is_there_goes_after_the_delay(place: Place) -> None:
    queue = queue_to(place, delay_seconds=0.0)
    queue.put(1)
    place.wait_asked()
    queue.close(deadline())
    assert place.batches == [[1]]


def test_what_is_left_goes_when_it_is_closed(place: Place) -> None:
    queue = queue_to(place, batch_items=2)
    for number in range(5):
        queue.put(number)
    queue.close(deadline())
    assert place.batches == [[0, 1], [2, 3], [4]]
    assert not queue.take_dropped()


def test_a_place_that_stands_still_holds_up_nobody(place: Place) -> None:
    place.open.clear()
    queue = queue_to(place, most_waiting=5, batch_items=1)
    queue.put(0)
    place.wait_asked()  # it is on its way, and the queue is empty again
    for number in range(1, 9):
        queue.put(number)
    assert queue.take_dropped() == {QUEUE_FULL: 3}
    assert not queue.take_dropped()
    queue.close(time.monotonic())  # nor whoever closes
    place.open.set()


def test_what_is_not_taken_is_counted_and_said_once(
    place: Place, server_log: pytest.LogCaptureFixture
) -> None:
    queue = queue_to(place, batch_items=1)
    place.answers.extend([False, False, ConnectionError("no route")])
    for number in range(4):
        queue.put(number)
    queue.close(deadline())
    assert queue.take_dropped() == {EXPORT_FAILED: 3}
    said = [(record.levelname, record.message) for record in server_log.records]
    assert said == [
        ("WARNING", "a place: telemetry is not taken; it is dropped meanwhile"),
        ("INFO", "a place: telemetry is sent again"),
    ]
