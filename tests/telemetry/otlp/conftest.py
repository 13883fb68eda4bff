"""Records of requests, and a collector of the tests' own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from scoreserve.telemetry.records import NO_BATCH, HeadFields, RequestRecord
from tests.telemetry.otlp.otlp_sink import OtlpSink, otlp_sink

ENDED = 1_700_000_000.25

_HEAD = HeadFields(
    method=b"POST",
    path=b"/score",
    query=b"key=secret",
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
    job_seconds=0.1875,
    run_seconds=0.125,
    api=True,
    answer=b"",
    answer_bytes=3,
    traced=True,
    batch=NO_BATCH,
)

Record = Callable[..., RequestRecord]


@pytest.fixture
def record() -> Record:
    """Makes a record of a request, but for these fields of it or of its head."""

    def record(**changes: object) -> RequestRecord:
        head = {name: value for name, value in changes.items() if name in HeadFields._fields}
        rest = {name: value for name, value in changes.items() if name not in head}
        return _RECORD._replace(head=_HEAD._replace(**head), **rest)  # type: ignore[arg-type]

    return record


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
