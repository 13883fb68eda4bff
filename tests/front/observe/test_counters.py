"""What is counted while serving, and the page that is made of it."""

from __future__ import annotations

import asyncio
import random
import string
from dataclasses import replace
from itertools import pairwise

import pytest

from scoreserve import wire
from scoreserve.errors import Stopping, TooManyConnections, WorkerLost
from scoreserve.front.api import client_watch
from scoreserve.front.messages.replies import Reply
from scoreserve.front.observe.counters import (
    SECONDS,
    SIZES,
    Histogram,
    Metrics,
    Phases,
    RouteCounters,
)
from scoreserve.tracing import server_span_id
from scoreserve.wire import Outcome
from tests.front.conftest import FakeFront
from tests.front.connections import Connection, request
from tests.front.fakes import Exchange, outcome_of, turns
from tests.scrapes import Page, parse_open_metrics


async def scrape(front: FakeFront) -> Page:
    response = await front.ask(Exchange("GET", "/metrics"))
    assert response.status == 200
    return Page.parse(response.body)


class TestHistogram:
    @pytest.mark.parametrize("value", [*SECONDS, 0.0, 0.0007, 0.7, 299.9, 301.0])
    def test_counts_in_the_first_bucket_whose_bound_is_not_passed(self, value: float) -> None:
        histogram = Histogram(SECONDS)
        histogram.observe(value)
        (bucket,) = [index for index, count in enumerate(histogram.counts) if count]
        assert bucket == len(SECONDS) or value <= SECONDS[bucket]
        assert bucket == 0 or value > SECONDS[bucket - 1]
        assert (sum(histogram.counts), histogram.sum) == (1, value)

    @pytest.mark.parametrize("bounds", [SECONDS, SIZES])
    def test_bounds_rise(self, bounds: tuple[float, ...]) -> None:
        assert all(low < high for low, high in pairwise(bounds))

    def test_seconds_reach_from_a_millisecond_to_five_minutes(self) -> None:
        assert (SECONDS[0], SECONDS[-1]) == (0.001, 300)


class TestPhases:
    def test_queue_is_what_is_not_run(self) -> None:
        phases = Phases()
        phases.observe(0.75, 0.25)
        sums = {name: histogram.sum for name, histogram in phases.histograms().items()}
        assert sums == {"total": 0.75, "run": 0.25, "queue": 0.5}

    @pytest.mark.parametrize("value", [0.0002, 0.25, 0.3, 1000.0])
    def test_each_counts_as_a_histogram_does(self, value: float) -> None:
        phases, once, twice = Phases(), Histogram(SECONDS), Histogram(SECONDS)
        once.observe(value)
        twice.observe(2 * value)
        phases.observe(2 * value, value)  # queue takes as long as run
        counts = {name: histogram.counts for name, histogram in phases.histograms().items()}
        assert counts == {"total": twice.counts, "run": once.counts, "queue": once.counts}

    def test_without_run_there_is_only_a_total(self) -> None:
        phases = Phases()
        phases.observe(0.75, 0.0)
        counts = {name: sum(each.counts) for name, each in phases.histograms().items()}
        assert counts == {"total": 1, "run": 0, "queue": 0}

    def test_no_phase_is_less_than_nothing(self) -> None:
        """The two processes do not measure with one clock."""
        phases = Phases()
        phases.observe(0.25, 0.5)
        queue = phases.histograms()["queue"]
        assert (queue.sum, queue.counts[0]) == (0.0, 1)


class TestRouteCounters:
    def test_answers_are_told_apart_by_method_and_status(self) -> None:
        counters = RouteCounters(Phases())
        answers = [(b"POST", 200), (b"GET", 200), (b"POST", 200), (b"POST", 500)]
        for given, (method, status) in enumerate(answers, 1):
            counters.answered(method, Reply(status, b""), 0)
            assert sum(counters.answers.values()) == given  # whenever it is asked
        assert counters.answers == {(b"POST", 200): 2, (b"GET", 200): 1, (b"POST", 500): 1}

    def test_methods_that_clients_invent_are_one(self) -> None:
        counters = RouteCounters(Phases())
        for number in range(1000):
            counters.answered(b"M%d" % number, Reply(405, b""), 0)
        assert counters.answers == {(b"other", 405): 1000}

    def test_the_body_of_an_answer_to_head_is_not_sent(self) -> None:
        counters = RouteCounters(Phases())
        counters.answered(b"HEAD", Reply(200, b"", b"body"), 3)
        counters.answered(b"GET", Reply(200, b"", b"body"), 4)
        assert (counters.received_bytes, counters.sent_bytes) == (7, 4)


@pytest.mark.parametrize("fast", [True, False], ids=["fast path", "ASGI path"])
class TestScoring:
    """The same is counted on both paths."""

    def test_a_request_is_counted_with_its_bytes_and_phases(
        self, front: FakeFront, fast: bool
    ) -> None:
        front.attach()

        async def scenario() -> Page:
            connection = Connection(front, fast=fast)
            await connection.send(request(b"12345"))
            front.hand_over()
            outcome = replace(outcome_of(front.worker.in_flight[0]), body=b"abc", run_seconds=1e-9)
            front.dispatcher.complete(front.worker, [outcome])
            await turns()
            return await scrape(front)

        page = asyncio.run(scenario())
        labels = {"route": "/score", "method": "POST", "status": "200"}
        assert page.value("requests_total", **labels) == 1
        assert page.value("request_bytes_total", route="/score") == 5
        assert page.value("response_bytes_total", route="/score") == 3
        for phase in ("queue", "run", "total"):
            assert page.value("request_seconds_count", phase=phase) == 1
            assert page.value("request_seconds_bucket", phase=phase, le="+Inf") == 1
        assert page.value("request_seconds_bucket", phase="run", le="0.001") == 1

    def test_a_streamed_body_is_counted_as_it_goes(self, front: FakeFront, fast: bool) -> None:
        front.attach()

        async def scenario() -> Page:
            connection = Connection(front, fast=fast)
            await connection.send(request(b""))
            front.hand_over()
            (job,) = front.worker.in_flight
            streamed = replace(outcome_of(job, flags=wire.RAN | wire.STREAMED), body=b"")
            front.dispatcher.complete(front.worker, [streamed])
            stream = front.worker.streams[job.id]
            for chunk in (b"ab", b"cde"):
                stream.feed(chunk)
                await turns()
            stream.end(complete=True)
            await turns()
            return await scrape(front)

        page = asyncio.run(scenario())
        assert page.value("response_bytes_total", route="/score") == 5

    def test_a_worker_that_died_is_a_502_with_a_total(self, front: FakeFront, fast: bool) -> None:
        front.attach()

        async def scenario() -> Page:
            connection = Connection(front, fast=fast)
            await connection.send(request(b""))
            front.hand_over()
            front.dispatcher.detach(front.worker, WorkerLost("gone"))
            await turns()
            return await scrape(front)

        page = asyncio.run(scenario())
        labels = {"route": "/score", "method": "POST", "status": "502"}
        assert page.value("requests_total", **labels) == 1
        assert page.value("request_seconds_count", phase="total") == 1
        assert page.value("request_seconds_count", phase="run") == 0

    def test_what_is_shed_is_counted_by_its_reason_and_has_no_time(
        self, front: FakeFront, fast: bool
    ) -> None:
        async def scenario() -> Page:
            connection = Connection(front, fast=fast)
            await connection.send(request(b""))
            front.dispatcher.fail_all(Stopping())
            await turns()
            return await scrape(front)

        page = asyncio.run(scenario())
        labels = {"route": "/score", "method": "POST", "status": "503"}
        assert page.value("requests_total", **labels) == 1
        assert page.value("requests_shed_total", reason="stopping") == 1
        assert page.value("request_seconds_count", phase="total") == 0

    @pytest.mark.parametrize("running", [True, False])
    def test_a_client_that_leaves_is_counted(
        self,
        front: FakeFront,
        fast: bool,
        running: bool,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(client_watch, "_SWEEP_SECONDS", 0)
        if running:
            front.attach()

        async def scenario() -> Page:
            connection = Connection(front, fast=fast)
            await connection.send(request(b""))
            front.hand_over()
            await connection.leave()
            return await scrape(front)

        page = asyncio.run(scenario())
        assert page.value("requests_abandoned_total") == 1
        assert page.value("requests_shed_total", reason="client_gone") == (0 if running else 1)
        assert page.value("requests_total", route="/score", method="POST", status="200") is None

    def test_too_large_a_body_is_counted_too(self, front: FakeFront, fast: bool) -> None:
        async def scenario() -> Page:
            connection = Connection(front, fast=fast)
            await connection.send(request(b"x" * 11))
            return await scrape(front)

        page = asyncio.run(scenario())
        assert page.value("requests_total", route="/score", method="POST", status="413") == 1
        assert page.value("request_seconds_count", phase="total") == 0

    def test_requests_in_flight_are_those_not_answered(self, front: FakeFront, fast: bool) -> None:
        front.attach()

        async def scenario() -> None:
            connection = Connection(front, fast=fast)
            assert connection.protocol.in_flight == 0
            await connection.send(request(b"1") * 3)
            assert connection.protocol.in_flight == 3
            for left in (2, 1, 0):
                front.hand_over()
                front.answer()
                await turns()
                assert connection.protocol.in_flight == left

        asyncio.run(scenario())


class TestPage:
    def test_a_bucket_holds_all_below_its_bound(self, front: FakeFront) -> None:
        for rows in (1, 2, 3, 9, 5000):
            front.metrics.merged_call(jobs=1, rows=rows)
        page = asyncio.run(scrape(front))
        bounds = {"1.0": 1, "2.0": 2, "4.0": 3, "8.0": 3, "16.0": 4, "1024.0": 4, "+Inf": 5}
        for bound, count in bounds.items():
            assert page.value("batch_rows_bucket", le=bound) == count
        assert (page.value("batch_rows_count"), page.value("batch_rows_sum")) == (5, 5015)
        assert (page.value("batch_jobs_count"), page.value("batch_jobs_sum")) == (5, 5)

    def test_what_is_no_request_is_counted_as_other(self, front: FakeFront) -> None:
        front.metrics.refused(Reply(503, b""), TooManyConnections(3))
        assert front.metrics.route("other").answers == {(b"other", 503): 1}
        assert front.metrics.shed == {"connections": 1}

    def test_fallbacks_are_counted_by_reason(self, front: FakeFront) -> None:
        front.metrics.batch_fallback("raised", jobs=3)
        front.metrics.batch_fallback("raised", jobs=2)
        page = asyncio.run(scrape(front))
        assert page.value("batch_fallbacks_total", reason="raised") == 2
        assert page.value("batch_fallback_jobs_total", reason="raised") == 5

    def test_queue_and_hands_are_what_the_dispatcher_has(self, front: FakeFront) -> None:
        async def scenario() -> list[Page]:
            connections = [Connection(front, fast=True) for _ in range(3)]
            for connection in connections:
                await connection.send(request(b""))
            before = await scrape(front)
            front.attach()
            front.hand_over()
            return [before, await scrape(front)]

        before, after = asyncio.run(scenario())
        assert (before.value("queue_jobs"), before.value("jobs_in_hand")) == (3, 3)
        assert (after.value("queue_jobs"), after.value("jobs_in_hand")) == (2, 3)

    def test_workers_are_what_the_supervisor_reports(self, front: FakeFront) -> None:
        front.workers.at_present = front.workers.at_present._replace(
            states={"starting": 1, "ready": 2, "busy": 3, "stopping": 4},
            deaths={"signal": 5, "oom": 1},
            inits=4,
            init_seconds_total=8.5,
            init_seconds_last=1.5,
            reloads={"failed": 2},
        )
        page = asyncio.run(scrape(front))
        states = ("starting", "ready", "busy", "stopping")
        assert [page.value("workers", state=state) for state in states] == [1, 2, 3, 4]
        assert page.value("worker_deaths_total", reason="signal") == 5
        assert page.value("worker_deaths_total", reason="oom") == 1
        assert page.value("init_seconds_count") == 4
        assert page.value("init_seconds_sum") == 8.5
        assert page.value("init_last_seconds") == 1.5
        assert page.value("reloads_total", result="failed") == 2
        assert page.value("reloads_total", result="ok") == 0

    def test_ready_is_what_health_says(self, front: FakeFront) -> None:
        assert asyncio.run(scrape(front)).value("ready") == 1
        front.parts.shutdown.begin()
        assert asyncio.run(scrape(front)).value("ready") == 0

    def test_counters_that_alerts_watch_are_there_before_their_first_event(
        self, front: FakeFront
    ) -> None:
        page = asyncio.run(scrape(front))
        for reason in ("queue_full", "deadline", "connections", "stopping", "client_gone"):
            assert page.value("requests_shed_total", reason=reason) == 0
        assert page.value("worker_deaths_total", reason="signal") == 0

    def test_its_own_process_is_seen(self, front: FakeFront) -> None:
        page = asyncio.run(scrape(front))
        for name in ("cpu_seconds_total", "resident_memory_bytes", "open_fds"):
            assert page.value(f"process_{name}", process="front")
        assert page.value("process_open_fds", process="worker") == 0

    def test_head_is_answered_as_get(self, front: FakeFront) -> None:
        response = asyncio.run(front.ask(Exchange("HEAD", "/metrics")))
        assert response.status == 200
        assert response.header(b"cache-control") == b"no-store"

    def test_a_scraper_may_ask_for_open_metrics(self, front: FakeFront) -> None:
        accept = b"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2"
        exchange = Exchange("GET", "/metrics", headers=[(b"accept", accept)])
        response = asyncio.run(front.ask(exchange))
        content_type = response.header(b"content-type")
        assert content_type is not None
        assert content_type.startswith(b"application/openmetrics-text")
        names = {family.name for family in parse_open_metrics(response.body.decode())}
        assert {"scoreserve_requests", "scoreserve_build"} <= names

    @pytest.mark.parametrize(
        "accept", [b"", b"text/html", b"application/openmetrics", b"\xff;;=,,;version=x"]
    )
    def test_others_get_the_text_format(self, front: FakeFront, accept: bytes) -> None:
        exchange = Exchange("GET", "/metrics", headers=[(b"accept", accept)])
        response = asyncio.run(front.ask(exchange))
        assert response.header(b"content-type") == b"text/plain; version=0.0.4; charset=utf-8"
        assert Page.parse(response.body).families


def test_clients_cannot_make_series(front: FakeFront) -> None:
    """Whatever paths, methods, queries, headers and ids they send."""
    chosen = random.Random(5)

    def word() -> str:
        return "".join(chosen.choices(string.ascii_letters + "/.%", k=8))

    async def scenario() -> tuple[Page, Page]:
        await scrape(front)
        before = await scrape(front)
        for _ in range(10_000):
            method = chosen.choice(["GET", "POST", word()])
            headers = [(b"x-request-id", word().encode()), (b"host", word().encode())]
            await front.ask(Exchange(method, f"/{word()}", headers=headers))
        files = ("/docs/docs.js", "/status/status.js")
        for path in ("/", "/metrics", "/health/live", "/swagger.json", *files):
            for _ in range(100):
                await front.ask(Exchange(word(), path))
        return before, await scrape(front)

    before, after = asyncio.run(scenario())
    labels = {"route": "other", "status": "404"}
    found = [after.value("requests_total", method=method, **labels) for method in METHODS]
    assert all(found)
    assert sum(filter(None, found)) == 10_000
    new = len(after.series("requests_total")) - len(before.series("requests_total"))
    assert new == len(METHODS) + 6  # the 405s of the six routes
    assert {family.name for family in after.families} == {family.name for family in before.families}


METHODS = ("GET", "POST", "other")


def test_metrics_of_one_front_are_not_those_of_another() -> None:
    one, other = Metrics(), Metrics()
    one.route("/score").answered(b"POST", Reply(200, b""), 1)
    assert other.routes == {}


def test_an_outcome_that_run_did_not_make_has_no_run_time(front: FakeFront) -> None:
    """An input that the worker refuses never gets to run()."""
    front.attach()

    async def scenario() -> Page:
        connection = Connection(front, fast=True)
        await connection.send(request(b""))
        front.hand_over()
        (job,) = front.worker.in_flight
        refused = Outcome(job.id, 400, b"content-type: application/json\r\n", b"{}")
        front.dispatcher.complete(front.worker, [refused])
        return await scrape(front)

    page = asyncio.run(scenario())
    assert page.value("request_seconds_count", phase="run") == 0
    assert page.value("request_seconds_count", phase="total") == 1


class TestExemplars:
    """Of each bucket, the last request whose trace is recorded."""

    TRACED = (b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", b"mine", 7, 9.5)

    def test_are_the_last_that_were_traced(self) -> None:
        histogram = Histogram(SECONDS)
        histogram.observe(0.25, self.TRACED)
        histogram.observe(0.2, (b"", b"last", 8, 10.5))
        histogram.observe(0.22)
        histogram.observe(1000.0, self.TRACED)
        assert histogram.exemplars == {
            SECONDS.index(0.25): (0.2, (b"", b"last", 8, 10.5)),
            len(SECONDS): (1000.0, self.TRACED),
        }

    def test_of_a_reply_are_in_each_phase(self) -> None:
        phases = Phases()
        answer = Reply(200, b"", b"", None, False, 0.75, 0.25)
        answer.traced = self.TRACED
        RouteCounters(phases).answered(b"POST", answer, 0)
        assert [each.exemplars for each in (phases.queue, phases.run, phases.total)] == [
            {SECONDS.index(0.5): (0.5, self.TRACED)},
            {SECONDS.index(0.25): (0.25, self.TRACED)},
            {SECONDS.index(1.0): (0.75, self.TRACED)},
        ]

    def test_are_on_the_page_of_open_metrics_alone(self, front: FakeFront) -> None:
        front.metrics.phases.observe(0.75, 0.25, self.TRACED)
        page = asyncio.run(front.parts.metrics_page.made())
        _, text = page.render(b"application/openmetrics-text")
        (bucket,) = [
            line for line in text.decode().splitlines() if 'le="1.0",phase="total"' in line
        ]
        span_id = server_span_id(b"mine", 7)
        assert bucket.endswith(
            f'# {{span_id="{span_id}",trace_id="4bf92f3577b34da6a3ce929d0e0e4736"}} 0.75 9.5'
        )
        assert b"trace_id" not in page.render(b"")[1]
