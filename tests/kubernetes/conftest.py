"""What is collected, and in which order."""

from __future__ import annotations

import importlib.util

import pytest

# What cannot be imported where `make test-kubernetes` has not installed it.
collect_ignore = (
    [] if importlib.util.find_spec("kubernetes_validate") is not None else ["test_manifests.py"]
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that the others run beside it."""
    items.sort(key=lambda item: item.path.name != "test_rolling_updates.py")
