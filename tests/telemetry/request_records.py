"""What the front tells of a request."""

from __future__ import annotations

from scoreserve.telemetry.records import NO_BATCH, HeadFields, RequestRecord

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
    job_seconds=0.1875,
    run_seconds=0.125,
    api=True,
    answer=b"[1]",
    answer_bytes=3,
    traced=True,
    batch=NO_BATCH,
)


def record(**changes: object) -> RequestRecord:
    """A request that was answered `[1]`, but for these fields of it or of its head."""
    head = {name: value for name, value in changes.items() if name in HeadFields._fields}
    rest = {name: value for name, value in changes.items() if name not in head}
    return _RECORD._replace(head=_HEAD._replace(**head), **rest)  # type: ignore[arg-type]
