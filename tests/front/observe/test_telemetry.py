"""What the front does about telemetry: which requests are told, and when the metrics are sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest

from scoreserve.front.observe.metrics_page import MetricsPage
from scoreserve.front.observe.telemetry import Telemetry
from scoreserve.front.observe.telemetry_feed import TelemetryFeed
from scoreserve.settings import Settings
from scoreserve.telemetry import records
from scoreserve.telemetry.records import FrameSplitter
from scoreserve.telemetry.switches import Switches
from tests.front.conftest import FakeFront
from tests.front.fakes import request_head
from tests.front.observe.test_telemetry_log import Beside, reply
from tests.scrapes import parse_open_metrics
from tests.servers import DEADLINE_SECONDS, POLL_SECONDS


class Pipe:
    """What goes to the process."""

    def __init__(self, feed: TelemetryFeed) -> None:
        self._written: list[bytes] = []
        feed.connect(self, b"")

    def write(self, data: bytes) -> None:
        self._written.append(data)

    def get_write_buffer_size(self) -> int:
        return 0

    def payloads(self, kind: int) -> list[bytes]:
        """Of all frames of this kind."""
        frames = FrameSplitter().feed(b"".join(self._written))
        return [payload for each, payload in frames if each == kind]


@pytest.fixture(autouse=True)
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a pipe, and nobody behind it."""

    async def nothing(process: object) -> None:
        pass

    path = "scoreserve.front.observe.telemetry.TelemetryProcess"
    monkeypatch.setattr(f"{path}.start", nothing)
    monkeypatch.setattr(f"{path}.stop", nothing)


def made(on: Switches, environ: Mapping[str, str] | None = None, **settings: str) -> Telemetry:
    routes = ["/score", "/metrics"]
    return Telemetry(Settings(**settings), on, environ or {}, routes, lambda send: None)  # type: ignore[arg-type]


def told(telemetry: Telemetry, *paths: str) -> list[str]:
    """The routes of those of the requests to these paths that are told."""
    pipe, log = Pipe(telemetry.feed), telemetry.beside(Beside())
    for path in paths:
        answer = reply()
        answer.job_id = records.NO_JOB
        log.record(request_head(path=path), answer, 0.5, api=True)
    telemetry.feed.flush()
    requests = [
        each
        for payload in pipe.payloads(records.REQUESTS)
        for each in records.read_requests(payload)
    ]
    return [request.head.route.decode() for request in requests]


async def seen(condition: Callable[[], bool]) -> None:
    """Waits for it."""

    async def look() -> None:
        while not condition():  # noqa: ASYNC110 - of what is written, nobody tells
            await asyncio.sleep(POLL_SECONDS)

    await asyncio.wait_for(look(), DEADLINE_SECONDS)


def test_traces_are_of_what_is_scored() -> None:
    assert told(made(Switches(traces=True)), "/score", "/metrics", "/") == ["/score"]


def test_the_paths_of_other_protocols_are_scored_too() -> None:
    telemetry = made(Switches(traces=True), protocols="v2", model_name="digits")
    path = "/v2/models/digits/infer"
    assert told(telemetry, path, "/v2/models/digits") == [path]


def test_application_insights_is_told_of_all() -> None:
    assert told(made(Switches(azure=True)), "/score", "/metrics", "/nope") == [
        "/score",
        "/metrics",
        "",
    ]


def test_the_sampler_is_that_of_the_environment() -> None:
    environ = {"OTEL_TRACES_SAMPLER": "always_off"}
    assert not told(made(Switches(traces=True), environ), "/score")


def test_metrics_are_sent_time_and_again_and_in_the_end(
    server_log: pytest.LogCaptureFixture,
) -> None:
    telemetry = made(Switches(metrics=True), {"OTEL_METRIC_EXPORT_INTERVAL": "10"})
    pipe = Pipe(telemetry.feed)
    page = FakeFront().parts.metrics_page

    async def live() -> int:
        await telemetry.start(page)
        await seen(lambda: len(pipe.payloads(records.METRICS)) > 1)
        before = len(pipe.payloads(records.METRICS))
        await telemetry.stop(page)
        return before

    before = asyncio.run(live())
    pages = pipe.payloads(records.METRICS)
    assert len(pages) > before
    moments = {records.read_metrics(each)[0] for each in pages}
    assert len(moments) == 1  # counting began once
    families = parse_open_metrics(records.read_metrics(pages[0])[1].decode())
    names = {family.name for family in families}
    assert {"scoreserve_requests", "http_server_request_duration_seconds"} <= names


def test_a_page_that_cannot_be_made_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, server_log: pytest.LogCaptureFixture
) -> None:
    async def broken(page: MetricsPage) -> None:
        raise OSError("no memory")

    monkeypatch.setattr(MetricsPage, "made", broken)
    telemetry = made(Switches(metrics=True), {"OTEL_METRIC_EXPORT_INTERVAL": "10"})
    page = FakeFront().parts.metrics_page

    async def live() -> None:
        await telemetry.start(page)
        await seen(lambda: server_log.text.count("The metrics could not be sent") > 1)
        await telemetry.stop(page)

    asyncio.run(live())


def test_variables_that_say_nothing_are_told_where_they_matter(
    server_log: pytest.LogCaptureFixture,
) -> None:
    environ = {
        "OTEL_TRACES_SAMPLER": "some",
        "OTEL_METRIC_EXPORT_INTERVAL": "often",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
    }
    made(Switches(azure=True), environ)
    assert not server_log.text
    made(Switches(traces=True, metrics=True), environ)
    assert all(f"{name}={value}" in server_log.text for name, value in environ.items())


def test_reasons_for_drops_are_there_before_anything_is_dropped() -> None:
    telemetry = made(Switches(traces=True))
    assert set(telemetry.dropped.values()) == {0}
    telemetry.feed.lost({"queue_full": 2})
    assert telemetry.dropped["queue_full"] == 2
