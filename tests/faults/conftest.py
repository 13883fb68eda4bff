"""Factories of live servers, each in a directory of its own."""

from __future__ import annotations

from tests.live.conftest import launch, serve

__all__ = ["launch", "serve"]
