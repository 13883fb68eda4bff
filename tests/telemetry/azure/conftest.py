"""The service of these tests, and the exporters before a sink of their own."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from typing import Protocol

import pytest

from scoreserve.settings import Settings
from scoreserve.telemetry.azure import exporting
from scoreserve.telemetry.azure.output import AzureOutput
from scoreserve.telemetry.azure.service import Service, service_of
from tests.telemetry.azure.track_sink import KEY, TrackSink, track_sink
from tests.telemetry.http_sink import TAKES

_LEAVE_SECONDS = 1.0  # for threads that send: one that was asked for a pause of an hour takes that


@pytest.fixture
def service() -> Service:
    settings = Settings(service_name="digits")
    return service_of(settings, {"WORKSPACE_NAME": "team", "HOSTNAME": "pod-1"})


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[TrackSink]:
    """Where the exporters of this process send."""
    with track_sink() as sink:
        monkeypatch.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", sink.connection_string)
        yield sink


class Open(Protocol):
    """Opens an output that is closed in the end; see AzureOutput for what can be changed of it."""

    def __call__(self, *, delay_seconds: float = ..., most_waiting: int = ...) -> AzureOutput: ...


@pytest.fixture
def opened(sink: TrackSink, service: Service, clean_environ: None) -> Iterator[Open]:
    """Outputs that send to the sink."""
    outputs: list[AzureOutput] = []

    def opened(*, delay_seconds: float = 0.05, most_waiting: int = 1000) -> AzureOutput:
        exporting.keep_quiet(os.environ)
        traces, logs = exporting.exporters(KEY, service.resource, backoff_seconds=0.01)
        outputs.append(
            AzureOutput(
                traces,
                logs,
                service,
                with_answers=True,
                scored=["/v2/models/digits/infer"],
                delay_seconds=delay_seconds,
                most_waiting=most_waiting,
            )
        )
        return outputs[-1]

    yield opened
    sink.answer = TAKES
    for output in outputs:
        output.close(time.monotonic() + _LEAVE_SECONDS)


@pytest.fixture
def library() -> Iterator[logging.Logger]:
    """The library's logger."""
    logger = logging.getLogger("azure")
    before = logger.handlers, logger.propagate
    yield logger
    logger.handlers, logger.propagate = before
