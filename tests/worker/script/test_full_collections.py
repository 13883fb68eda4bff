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
    collections.install()
    yield collections
    collections.stop()
    gc.enable()


def python_collects(generation: int = 2) -> None:
    """Makes objects until Python looks at those of this generation, by itself."""
    before = gc.get_stats()[generation]["collections"]
    made: list[list[int]] = []
    while gc.get_stats()[generation]["collections"] == before:
        made.append([])
        assert len(made) < 10_000_000


def test_what_was_there_stays_until_a_full_one_is_due(
    clock: Clock, collections: FullCollections
) -> None:
    node = Node()
    found = weakref.ref(node)
    collections.start()
    del node
    python_collects()
    collections.collect_if_due()
    assert found() is not None
    clock.seconds += 1000  # times the second that the first one took
    collections.collect_if_due()
    assert found() is None
    assert gc.get_freeze_count()


def test_there_is_none_where_python_has_found_nothing_to_do(
    clock: Clock, collections: FullCollections
) -> None:
    collections.start()
    clock.seconds += 1000
    python_collects(1)
    collections.collect_if_due()
    clock.seconds += 1000
    node = Node()
    found = weakref.ref(node)
    del node
    collections.collect_if_due()
    assert found() is not None


def test_what_python_keeps_at_its_own_start_is_no_choice_of_the_script(clock: Clock) -> None:
    """Some 400 objects in Python 3.12."""
    gc.freeze()
    collections = FullCollections(clock)
    node = Node()
    found = weakref.ref(node)
    collections.start()
    try:
        del node
        python_collects()
        assert found() is not None
    finally:
        collections.stop()


def test_after_a_full_one_what_stays_is_kept_again(
    clock: Clock, collections: FullCollections
) -> None:
    collections.start()
    node = Node()
    clock.seconds += 1000
    python_collects()
    collections.collect_if_due()
    found = weakref.ref(node)
    del node
    python_collects()
    collections.collect_if_due()
    assert found() is not None


@pytest.mark.parametrize("python_makes_some", [True, False])
def test_one_that_the_script_asks_for_looks_at_everything(
    python_makes_some: bool, collections: FullCollections
) -> None:
    node = Node()
    found = weakref.ref(node)
    collections.start()
    if not python_makes_some:
        gc.disable()
    del node
    assert gc.collect() >= 1
    assert found() is None
    assert gc.get_freeze_count()


@pytest.mark.parametrize("generation", [0, 1])
def test_one_of_younger_objects_does_not(generation: int, collections: FullCollections) -> None:
    node = Node()
    found = weakref.ref(node)
    collections.start()
    del node
    gc.collect(generation)
    gc.collect(generation=generation)
    assert found() is not None


def test_what_came_later_is_collected_as_ever(collections: FullCollections) -> None:
    collections.start()
    found = weakref.ref(Node())
    python_collects()
    assert found() is None


def test_no_function_of_ours_runs_in_a_collection(collections: FullCollections) -> None:
    """The handler of a signal may be run in it, and what that raises would have no caller."""
    callbacks = list(gc.callbacks)
    collections.start()
    assert gc.callbacks == callbacks


@pytest.fixture
def script_switches_it_off() -> None:
    gc.disable()


@pytest.fixture
def script_sets_no_threshold() -> Iterator[None]:
    thresholds = gc.get_threshold()
    gc.set_threshold(0)
    yield
    gc.set_threshold(*thresholds)


@pytest.fixture
def script_freezes() -> None:
    gc.freeze()


@pytest.mark.parametrize(
    "way", ["script_switches_it_off", "script_sets_no_threshold", "script_freezes"]
)
def test_a_script_that_has_its_own_way_is_let_be(
    way: str, request: pytest.FixtureRequest, collections: FullCollections
) -> None:
    request.getfixturevalue(way)
    frozen = gc.get_freeze_count()
    collections.start()
    assert gc.get_freeze_count() == frozen
