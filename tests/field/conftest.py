"""Factories of live servers, as for the other live tests."""

from __future__ import annotations

from tests.live.conftest import launch, serve

__all__ = ["launch", "serve"]
