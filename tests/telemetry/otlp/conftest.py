"""A collector of the tests' own."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.telemetry.otlp.otlp_sink import OtlpSink, otlp_sink


@pytest.fixture
def sink() -> Iterator[OtlpSink]:
    with otlp_sink() as sink:
        yield sink


@pytest.fixture
def library() -> Iterator[None]:
    """Takes back what is done to the library's logger."""
    logger = logging.getLogger("opentelemetry")
    before = logger.handlers, logger.propagate
    yield
    logger.handlers, logger.propagate = before
