"""Traces: the client's where it brings one, else one that the request's id gives."""

from __future__ import annotations

import random
from uuid import UUID as UUID4

import pytest

from scoreserve import tracing
from scoreserve.heads import RequestHead, encode_head
from scoreserve.tracing import Sampler, ScoredRequest, Trace, trace_of

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


RECORDED, NOT_RECORDED = f"00-{TRACE}-{SPAN}-01".encode(), f"00-{TRACE}-{SPAN}-00".encode()


@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0])
def test_a_client_that_has_decided_decides(ratio: float) -> None:
    sampler = Sampler(ratio, parent_based=True)
    assert sampler.samples(RECORDED, UUID)
    assert not sampler.samples(NOT_RECORDED, UUID)


@pytest.mark.parametrize("sent", [b"", RECORDED, NOT_RECORDED, b"nonsense"])
def test_all_or_none_whatever_the_client_has_decided(sent: bytes) -> None:
    assert Sampler(1.0, parent_based=False).samples(sent, UUID)
    assert not Sampler(0.0, parent_based=False).samples(sent, UUID)


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("parent_based", [False, True])
def test_of_traces_that_begin_here_so_many_are_recorded(ratio: float, parent_based: bool) -> None:
    """Of UUIDs too, which have the same digits in some places, and of any other ids."""
    sampler = Sampler(ratio, parent_based=parent_based)
    numbers = random.Random(1)  # the same ones each time
    uuids = [str(UUID4(int=numbers.getrandbits(128), version=4)).encode() for _ in range(2000)]
    for ids in (uuids, [b"order %d" % number for number in range(2000)]):
        recorded = sum(sampler.samples(b"", request_id) for request_id in ids)
        assert abs(recorded / len(ids) - ratio) < 0.05


def test_the_same_trace_is_recorded_wherever_it_comes() -> None:
    sampler = Sampler(0.5, parent_based=False)
    traces = [f"{number:032x}" for number in range(1, 1 << 56, 1 << 50)]
    decided = {trace: sampler.samples(f"00-{trace}-{SPAN}-00".encode(), b"a") for trace in traces}
    assert set(decided.values()) == {True, False}
    for trace, recorded in decided.items():
        assert sampler.samples(f"00-{trace}-{SPAN}-01".encode(), b"another") is recorded


def test_the_head_of_a_job_tells_of_its_trace() -> None:
    headers = [(b"host", b"here"), (b"traceparent", RECORDED), (b"tracestate", b"a=b")]
    head = RequestHead(b"POST", b"/score", b"", b"1.1", b"http", b"", headers)
    block = encode_head(head, UUID)
    assert tracing.scored_request(block, 7) == ScoredRequest(UUID, 7, RECORDED, b"a=b")


def test_a_run_for_one_request_is_in_its_trace() -> None:
    request = ScoredRequest(UUID, 7, RECORDED, b"")
    assert tracing.run_ids([request]) == (TRACE, tracing.run_span_id(UUID, 7))


def test_a_run_for_several_is_in_a_trace_of_its_own_whatever_their_order() -> None:
    requests = [ScoredRequest(b"b", 8, RECORDED, b""), ScoredRequest(b"a", 7, RECORDED, b"")]
    ids = tracing.run_ids(requests)
    assert ids == tracing.run_ids(requests[::-1])
    assert ids == (tracing.batch_trace_id(b"a", 7), tracing.batch_span_id(b"a", 7))
    assert ids[0] not in {TRACE, tracing.batch_trace_id(b"b", 8)}
    assert (len(ids[0]), len(ids[1])) == (32, 16)
