"""The service and the records of these tests, and the exporters before a sink of their own."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from typing import Protocol

import pytest

from scoreserve.settings import Settings
from scoreserve.telemetry.azure import exporting
from scoreserve.telemetry.azure.output import AzureOutput
from scoreserve.telemetry.azure.service import Service, service_of
from scoreserve.telemetry.records import NO_BATCH, HeadFields, RequestRecord
from tests.telemetry.azure.track_sink import KEY, TrackSink, track_sink

ENDED = 1_700_000_000.25  # 2023-11-14 22:13:20.25 UTC

_HEAD = HeadFields(
    method=b"POST",
    path=b"/score",
    query=b"",
    http_version=b"1.1",
    scheme=b"http",
    host=b"example.com:5001",
    user_agent=b"curl/8",
    traceparent=b"",
    tracestate=b"",
    route=b"/score",
)
_RECORD = RequestRecord(
    head=_HEAD,
    client=b"192.0.2.1",
    request_id=b"an id",
    client_request_id=b"",
    job_id=7,
    status=200,
    ended=ENDED,
    seconds=0.25,
    job_seconds=0.2,
    run_seconds=0.1,
    api=True,
    answer=b"[1]",
    answer_bytes=3,
    traced=False,
    batch=NO_BATCH,
)


def record(**changes: object) -> RequestRecord:
    """A request that was answered `[1]`, but for these fields of it or of its head."""
    head = {name: value for name, value in changes.items() if name in HeadFields._fields}
    rest = {name: value for name, value in changes.items() if name not in head}
    return _RECORD._replace(head=_HEAD._replace(**head), **rest)  # type: ignore[arg-type]


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
    for output in outputs:
        output.close(0.0)


@pytest.fixture
def library() -> Iterator[logging.Logger]:
    """The library's logger."""
    logger = logging.getLogger("azure")
    before = logger.handlers, logger.propagate
    yield logger
    logger.handlers, logger.propagate = before
