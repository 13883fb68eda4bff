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


def python_collects() -> None:
    """Makes objects until Python looks at all that survived, by itself."""
    full: list[int] = []

    def look(phase: str, about: dict[str, int]) -> None:
        if phase == "stop" and about["generation"] == 2:
            full.append(about["collected"])

    gc.callbacks.append(look)
    try:
        made: list[list[int]] = []
        while not full:
            made.append([])
            assert len(made) < 10_000_000
    finally:
        gc.callbacks.remove(look)


def test_what_was_there_stays_until_a_full_one_is_due(
    clock: Clock, collections: FullCollections
) -> None:
    node = Node()
    found = weakref.ref(node)
    collections.start()
    del node
    python_collects()
    assert found() is not None
    clock.seconds += 1000  # times the second that the first one took
    python_collects()
    assert found() is None


def test_one_that_the_script_asks_for_looks_at_everything(collections: FullCollections) -> None:
    node = Node()
    found = weakref.ref(node)
    collections.start()
    del node
    gc.collect()
    assert found() is None
    assert gc.get_freeze_count()


@pytest.fixture
def script_collects_when_it_wants() -> Iterator[None]:
    yield
    gc.enable()


@pytest.mark.usefixtures("script_collects_when_it_wants")
def test_so_does_one_that_the_script_asks_for_while_python_makes_none(
    collections: FullCollections,
) -> None:
    node = Node()
    found = weakref.ref(node)
    collections.start()
    gc.disable()
    made: list[list[int]] = [[] for _ in range(gc.get_threshold()[0] + 1)]
    del node
    gc.collect()
    assert made
    assert found() is None


def test_what_came_later_is_collected_as_ever(collections: FullCollections) -> None:
    collections.start()
    found = weakref.ref(Node())
    python_collects()
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
    python_collects()
    found = weakref.ref(node)
    del node
    python_collects()
    assert found() is not None


@pytest.fixture
def script_switches_it_off() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def script_sets_no_threshold() -> Iterator[None]:
    thresholds = gc.get_threshold()
    gc.set_threshold(0)
    yield
    gc.set_threshold(*thresholds)


@pytest.fixture
def script_freezes() -> Iterator[None]:
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize(
    "way", ["script_switches_it_off", "script_sets_no_threshold", "script_freezes"]
)
def test_a_script_that_has_its_own_way_is_let_be(way: str, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(way)
    frozen, callbacks = gc.get_freeze_count(), list(gc.callbacks)
    FullCollections().start()
    assert gc.get_freeze_count() == frozen
    assert gc.callbacks == callbacks
