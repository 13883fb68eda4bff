"""Traces: the client's where it brings one, else one that the request's id gives."""

from __future__ import annotations

import pytest

from scoreserve import tracing
from scoreserve.tracing import Trace, trace_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
UUID = b"8ad41a3e-9a3c-4f38-9c3e-0123456789ab"


@pytest.mark.parametrize(
    ("sent", "sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-03", True),
        (f"00-{TRACE}-{SPAN}-02", False),
        (f"cc-{TRACE}-{SPAN}-01-what-is-to-come", True),
        (f"01-{TRACE}-{SPAN}-01", True),
    ],
)
def test_the_clients_trace_goes_on(sent: str, sampled: bool) -> None:
    assert trace_of(sent.encode(), UUID) == Trace(TRACE, SPAN, sampled)


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "00",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01, 00-{TRACE}-{SPAN}-01",
        f"00_{TRACE}_{SPAN}_01",
        f" 00-{TRACE}-{SPAN}-01",
    ],
)
def test_what_is_no_traceparent_is_as_if_absent(sent: str) -> None:
    assert trace_of(sent.encode(), UUID) == Trace(UUID.replace(b"-", b"").decode(), "", None)


@pytest.mark.parametrize("request_id", [b"", b"mine", b"0" * 32, bytes(range(256)), b"-"])
def test_any_request_id_gives_a_trace(request_id: bytes) -> None:
    found = trace_of(b"", request_id)
    assert len(found.id) == 32
    assert int(found.id, 16)
    assert found == trace_of(b"", request_id)


def test_a_uuid_of_zeros_is_no_trace_id() -> None:
    assert int(trace_of(b"", b"00000000-0000-0000-0000-000000000000").id, 16)


def test_spans_of_a_request_have_ids_of_their_own() -> None:
    names = [tracing.server_span_id, tracing.queue_span_id, tracing.run_span_id]
    requests = [(b"a", 1), (b"a", 2), (b"b", 1), (b"a ", 1), (b"", -1)]
    found = [name(*request) for name in names for request in requests]
    assert len(set(found)) == len(found)
    assert all(len(span) == 16 and int(span, 16) for span in found)
