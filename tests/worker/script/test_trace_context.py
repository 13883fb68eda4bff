"""What a script records with OpenTelemetry's API goes on with the trace of its request."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from scoreserve import heads, tracing, wire
from scoreserve.settings import Settings
from scoreserve.worker.main_loop import WorkerLoop
from scoreserve.worker.model.meeting import ModelRunner
from scoreserve.worker.rows.list_runner import ListRunner
from scoreserve.worker.script import after_import
from scoreserve.worker.script.calling import convention_of
from scoreserve.worker.script.script_runner import ScriptRunner
from scoreserve.worker.script.trace_context import TraceContext
from tests.worker.fakes import head_of
from tests.worker.test_main_loop import MORE, FakeChannel

trace = pytest.importorskip("opentelemetry.trace")

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
RECORDED, NOT_RECORDED = f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00"
NO_TRACE, NO_SPAN = "0" * 32, "0" * 16

Parent = tuple[str, str, bool]  # trace, span, whether it is recorded


def parent() -> Parent:
    """What a span that begins now is a child of."""
    context = trace.get_current_span().get_span_context()
    ids = trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)
    return (*ids, context.trace_flags.sampled)


def jobs(*requests: tuple[str, dict[str, str]]) -> bytes:
    """A frame of jobs with these ids and headers, numbered from 1; the body is the number."""
    records = []
    for number, (request_id, headers) in enumerate(requests, start=1):
        head = heads.encode_head(head_of(headers=list(headers.items())), request_id.encode())
        records.append(wire.Job(number, head, [b"%d" % number]))
    return b"".join(wire.encode_jobs(records))


@pytest.fixture
def follow(monkeypatch: pytest.MonkeyPatch, own_alarm: None) -> Callable[..., None]:
    """Begins to follow, in an environment with these variables."""

    def follow(**environ: str) -> None:
        for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_EXPORTER", "OTEL_TRACES_SAMPLER"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(TraceContext, "wanted", False)
        monkeypatch.setattr(TraceContext, "_sampler", None)
        monkeypatch.setattr(TraceContext, "_attached", False)
        TraceContext.follow()

    return follow


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The script's event loop."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    loop.close()
    asyncio.set_event_loop(None)


def serve(run: Callable[..., Any], *frames: bytes, together: Any = None) -> None:
    """Has a worker with this run() serve these frames, in a context that is gone afterwards."""
    runner = ScriptRunner(run, convention_of(run), Settings())
    loop = WorkerLoop(FakeChannel(list(frames)), runner, together and together(runner))
    contextvars.copy_context().run(loop.run)


class TestWithTraces:
    """The server records traces."""

    @pytest.fixture(autouse=True)
    def on(self, follow: Callable[..., None]) -> None:
        follow(OTEL_TRACES_EXPORTER="otlp")

    @pytest.mark.parametrize(("sent", "sampled"), [(RECORDED, True), (NOT_RECORDED, False)])
    def test_the_parent_is_the_span_of_run(self, sent: str, sampled: bool) -> None:
        seen: list[Parent] = []
        serve(lambda data: seen.append(parent()), jobs(("an id", {"traceparent": sent})))
        assert seen == [(TRACE, tracing.run_span_id(b"an id", 1), sampled)]

    def test_without_a_client_that_traces_it_is_too(self) -> None:
        seen: list[Parent] = []
        serve(lambda data: seen.append(parent()), jobs(("a", {}), ("b", {})))
        assert seen == [
            (tracing.trace_of(b"", name).id, tracing.run_span_id(name, number), True)
            for number, name in ((1, b"a"), (2, b"b"))
        ]

    def test_what_the_client_says_to_vendors_goes_with_it(self) -> None:
        seen: list[str] = []

        def run(data: str) -> None:
            seen.append(trace.get_current_span().get_span_context().trace_state.to_header())

        serve(run, jobs(("a", {"traceparent": RECORDED, "tracestate": "mine=1,theirs=2"})))
        assert seen == ["mine=1,theirs=2"]

    def test_nothing_is_left_of_the_request_before(self) -> None:
        from opentelemetry import baggage, context

        seen: list[object] = []

        def run(data: str) -> None:
            seen.append(baggage.get_baggage("left"))
            context.attach(baggage.set_baggage("left", data))

        serve(run, jobs(("a", {}), ("b", {})))
        assert seen == [None, None]

    def test_each_of_the_calls_that_meet_has_its_own(self) -> None:
        linear_model = pytest.importorskip("sklearn.linear_model")
        model = linear_model.LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
        seen: list[tuple[str, Parent]] = []
        meeting: list[ModelRunner] = []

        def run(data: str) -> None:
            seen.append((data, parent()))
            model.predict([[float(data)]])
            seen.append((data, parent()))

        def together(runner: ScriptRunner) -> ModelRunner:
            meeting.append(ModelRunner(runner, 4))
            meeting[0].start()
            return meeting[0]

        try:
            serve(run, jobs(("a", {}), ("b", {}), ("c", {})), together=together)
        finally:
            meeting[0].close()
        assert [data for data, _ in seen[:3]] == ["1", "2", "3"]
        for number, name in enumerate((b"a", b"b", b"c"), start=1):
            own = (tracing.trace_of(b"", name).id, tracing.run_span_id(name, number), True)
            assert [found for data, found in seen if data == str(number)] == [own, own]

    def test_a_run_for_several_is_the_span_of_the_batch(self) -> None:
        seen: list[Parent] = []

        def run(data: list[str]) -> list[str]:
            seen.append(parent())
            return data

        requests = jobs(("a", {"traceparent": NOT_RECORDED}), ("b", {"traceparent": RECORDED}))
        serve(run, requests, together=lambda runner: ListRunner(runner, "data", 8))
        assert seen == [(tracing.batch_trace_id(b"a", 1), tracing.batch_span_id(b"a", 1), True)]

    def test_a_stream_goes_on_with_its_own(self) -> None:
        seen: list[Parent] = []

        def run(data: str) -> Iterator[str]:
            for _ in range(2):
                seen.append(parent())
                yield "chunk"

        serve(run, jobs(("a", {"traceparent": RECORDED})), MORE, MORE)
        assert seen == 2 * [(TRACE, tracing.run_span_id(b"a", 1), True)]

    def test_coroutines_and_their_tasks_have_that_of_their_request(
        self, loop: asyncio.AbstractEventLoop
    ) -> None:
        seen: list[Parent] = []

        async def note() -> None:
            await asyncio.sleep(0)
            seen.append(parent())

        async def run(data: str) -> None:
            await note()
            await asyncio.create_task(note())

        async def streams(data: str) -> AsyncIterator[str]:
            await note()
            yield "chunk"

        serve(run, jobs(("a", {"traceparent": RECORDED})))
        serve(streams, jobs(("a", {"traceparent": RECORDED})), MORE)
        assert seen == 3 * [(TRACE, tracing.run_span_id(b"a", 1), True)]

    def test_what_is_about_no_request_has_no_parent(self) -> None:
        def seen(*scored: tuple[bytes, int]) -> Parent:
            TraceContext.attach(scored)
            return parent()

        head = heads.encode_head(head_of(), b"an id")
        assert contextvars.copy_context().run(seen, (head, 7))[2]
        assert contextvars.copy_context().run(seen) == (NO_TRACE, NO_SPAN, False)
        assert TraceContext.wanted

    def test_an_api_that_nobody_knows_fails_no_request(
        self, monkeypatch: pytest.MonkeyPatch, server_log: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setitem(sys.modules, "opentelemetry.context", object())
        seen: list[str] = []
        serve(lambda data: seen.append(data), jobs(("a", {}), ("b", {})))  # noqa: PLW0108 - by keyword
        assert seen == ["1", "2"]
        assert server_log.text.count("cannot continue the traces") == 1


class TestWithoutTraces:
    """The server records none: the script may still."""

    @pytest.fixture(autouse=True)
    def off(self, follow: Callable[..., None]) -> None:
        follow()

    def test_the_parent_is_the_clients_span(self) -> None:
        seen: list[Parent] = []
        requests = jobs(("a", {"traceparent": RECORDED}), ("b", {}))
        serve(lambda data: seen.append(parent()), requests)
        assert seen == [(TRACE, SPAN, True), (NO_TRACE, NO_SPAN, False)]

    def test_without_a_client_that_traces_nothing_is_done(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[object] = []
        monkeypatch.setattr(TraceContext, "_parent", asked.append)
        serve(lambda data: data, jobs(("a", {}), ("b", {})))
        assert not asked


_LATE = """
import sys
from scoreserve.worker.script.trace_context import TraceContext

TraceContext.follow()
assert not TraceContext.wanted
assert not any(name.startswith("opentelemetry") for name in sys.modules)
import opentelemetry.trace
assert TraceContext.wanted
"""


def test_it_is_not_imported_for_that_and_found_when_the_script_does() -> None:
    subprocess.run([sys.executable, "-c", _LATE], check=True, timeout=60)


def test_another_module_of_that_name_is_none(follow: Callable[..., None]) -> None:
    follow()
    TraceContext.wanted = False
    TraceContext._imported(after_import)
    assert not TraceContext.wanted
