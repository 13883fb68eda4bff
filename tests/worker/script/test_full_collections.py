"""Which collections look at every object."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from scoreserve.worker.script.full_collections import FullCollections


class Clock:
    """Each look at it takes a second."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 1.0
        return self.seconds


class Node:
    """An object in a reference cycle, which only a collection frees."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def collections(clock: Clock) -> Iterator[FullCollections]:
    collections = FullCollections(clock)
    yield collections
    collections.stop()


def test_what_was_there_stays_until_a_full_one_is_due(
    clock: Clock, collections: FullCollections
) -> None:
    node = Node()
    found = weakref.ref(node)
    collections.start()
    del node
    gc.collect()
    assert found() is not None
    clock.seconds += 1000  # times the second that the first one took
    gc.collect()
    assert found() is None


def test_what_came_later_is_collected_as_ever(collections: FullCollections) -> None:
    collections.start()
    found = weakref.ref(Node())
    gc.collect()
    assert found() is None


def test_collections_of_young_objects_are_let_be(
    clock: Clock, collections: FullCollections
) -> None:
    collections.start()
    seconds = clock.seconds
    gc.collect(0)
    gc.collect(1)
    assert clock.seconds == seconds


def test_after_a_full_one_what_stays_is_kept_again(
    clock: Clock, collections: FullCollections
) -> None:
    collections.start()
    node = Node()
    clock.seconds += 1000
    gc.collect()
    found = weakref.ref(node)
    del node
    gc.collect()
    assert found() is not None


@pytest.fixture
def script_switches_it_off() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def script_freezes() -> Iterator[None]:
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize("way", ["script_switches_it_off", "script_freezes"])
def test_a_script_that_has_its_own_way_is_let_be(way: str, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(way)
    frozen, callbacks = gc.get_freeze_count(), list(gc.callbacks)
    FullCollections().start()
    assert gc.get_freeze_count() == frozen
    assert gc.callbacks == callbacks
