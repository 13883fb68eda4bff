"""Both paths to /score, from the client's bytes to the bytes it gets back: they promise the same.

fast   the parser's callbacks go straight to the scoring handler
long    uvicorn's own cycle runs the ASGI application
"""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from scoreserve import heads
from scoreserve.errors import Stopping
from scoreserve.front.api import client_watch
from scoreserve.front.http.connection_limits import ClientTimeouts
from tests.front.conftest import MAX_BODY_BYTES, FakeFront
from tests.front.connections import Connection, Response, chunked, request
from tests.front.fakes import Client, turns
from tests.garbage import no_collections

# What uvicorn's own cycle does not promise.
short_only = pytest.mark.parametrize("fast_path", ["fast"], indirect=True)

Play = Callable[[Callable[[Connection], Coroutine[Any, Any, None]]], None]


@pytest.fixture(params=["fast", "long"])
def fast_path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(client_watch, "_SWEEP_SECONDS", 0)
    return str(request.param)


@pytest.fixture
def play(front: FakeFront, fast_path: str) -> Play:
    """Runs a scenario with a connection on this path to a front with a ready worker."""

    def play(scenario: Callable[[Connection], Coroutine[Any, Any, None]]) -> None:
        async def run() -> None:
            connection = Connection(front, fast=fast_path == "fast")
            try:
                await scenario(connection)
            finally:
                if not connection.transport.closed:
                    await connection.leave()
                for _ in range(3):
                    await connection.work()
                assert front.dispatcher.bodies.held == 0, "memory of a body is never given back"

        asyncio.run(run())

    front.attach()
    return play


class TestRequests:
    def test_are_scored(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"12", b"X-Request-Id: mine"))
            connection.front.hand_over()
            (job,) = connection.front.worker.in_flight
            head = heads.decode_head(job.head)
            assert (head.method, head.path, head.query) == (b"POST", b"/score", b"")
            assert (head.http_version, head.scheme) == (b"1.1", b"http")
            assert head.client == b"192.0.2.1:50000"
            assert head.header(b"x-request-id") == b"mine"
            await connection.work()
            response = connection.response
            assert (response.status, response.body) == (200, job.head)
            assert response.headers["x-request-id"] == "mine"
            assert "connection" not in response.headers
            assert not connection.transport.closed

        play(scenario)

    def test_may_be_a_query(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(b"GET /score?a=%20b HTTP/1.1\r\nHost: test\r\n\r\n")
            connection.front.hand_over()
            (job,) = connection.front.worker.in_flight
            head = heads.decode_head(job.head)
            assert (head.method, head.path, head.query) == (b"GET", b"/score", b"a=%20b")

        play(scenario)

    @pytest.mark.parametrize(
        "data", [request(b"12345"), chunked(b"12", b"345")], ids=["length", "chunked"]
    )
    def test_may_be_split_anywhere(self, front: FakeFront, fast_path: str, data: bytes) -> None:
        async def scenario(cut: int) -> None:
            connection = Connection(front, fast=fast_path == "fast")
            await connection.send(data[:cut], data[cut:])
            front.hand_over()
            assert connection.bodies == [b"12345"], cut
            await connection.work()
            assert connection.response.status == 200
            await connection.leave()

        front.attach()
        for cut in range(len(data) + 1):
            asyncio.run(scenario(cut))

    def test_leave_nothing_to_the_garbage_collector(self, play: Play) -> None:
        """Which comes seldom: until then their bodies would stay."""

        async def scenario(connection: Connection) -> None:
            async def score(times: int) -> None:
                for _ in range(times):
                    await connection.send(request(b"12345"))
                    connection.front.hand_over()
                    await connection.work()

            await score(2)
            with no_collections():
                await score(20)
                assert gc.collect() < 20

        play(scenario)

    def test_on_one_connection_follow_each_other(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            for number in range(3):
                await connection.send(request(b"%d" % number))
                connection.front.hand_over()
                assert connection.bodies == [b"%d" % number]
                await connection.work()
            assert len(connection.responses) == 3

        play(scenario)

    def test_that_are_refused_by_the_handler_are_answered_at_once(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"1", b"X-Request-Id: " + b"i" * 101))
            assert connection.response.status == 431
            await connection.send(request(b"2"))
            await connection.work()
            assert [response.status for response in connection.responses] == [431, 200]

        play(scenario)

    def test_on_other_paths_are_not_scored(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"1", target=b"/scores"), request(b"2", target=b"//x"))
            await connection.work()
            assert [response.status for response in connection.responses] == [404, 404]

        play(scenario)


class TestPipelining:
    def test_answers_come_in_order(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            ids = [b"X-Request-Id: %d" % number for number in range(5)]
            await connection.send(b"".join(request(b"1", each) for each in ids))
            for _ in ids:
                await connection.work()
            found = [response.headers["x-request-id"] for response in connection.responses]
            assert found == ["0", "1", "2", "3", "4"]

        play(scenario)

    def test_requests_for_other_paths_keep_their_place(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            targets = (b"/", b"/score", b"/other", b"/score")
            probe = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
            data = b"".join(request(b"1", target=target) for target in targets[1:])
            await connection.send(probe + data)
            for _ in targets:
                await connection.work()
            assert [response.status for response in connection.responses] == [200, 200, 404, 200]

        play(scenario)

    @short_only
    def test_reading_pauses_while_requests_wait_in_line(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"1") * 3)
            assert not connection.transport.reading
            for _ in range(3):
                await connection.work()
            assert connection.transport.reading

        play(scenario)

    @short_only
    def test_a_client_that_leaves_cancels_them_all(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"1") * 3)
            await connection.leave()
            await connection.work()
            assert connection.front.dispatcher.queued == 0
            assert connection.front.worker.batches == []

        play(scenario)

    def test_nothing_follows_a_request_that_ends_the_connection(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"1", b"Connection: close") + request(b"2"))
            await connection.work()
            await connection.work()
            assert connection.response.headers["connection"] == "close"
            assert [[job.body for job in b] for b in connection.front.worker.batches] == [[b"1"]]

        play(scenario)


class TestEndOfTheConnection:
    @pytest.mark.parametrize(
        "data",
        [request(b"1", b"Connection: close"), request(b"1", version=b"1.0")],
        ids=["asked for", "HTTP/1.0"],
    )
    def test_follows_the_answer(self, play: Play, data: bytes) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(data)
            assert not connection.transport.closed
            await connection.work()
            assert connection.response.headers["connection"] == "close"
            assert connection.transport.closed

        play(scenario)

    def test_follows_the_answer_of_a_server_that_stops(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"1"))
            connection.drain()
            await connection.work()
            assert connection.response.status == 200
            assert connection.response.headers["connection"] == "close"
            assert connection.transport.closed

        play(scenario)

    def test_follows_the_last_of_several_answers_of_a_server_that_stops(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"1") + request(b"2"))
            connection.drain()
            await connection.work()
            await connection.work()
            first, last = connection.responses
            assert "connection" not in first.headers
            assert last.headers["connection"] == "close"
            assert connection.transport.closed

        play(scenario)

    def test_follows_the_answer_to_what_comes_to_a_server_that_stops(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            connection.drain()
            await connection.send(request(b"1"))
            await connection.work()
            assert connection.response.status == 200
            assert connection.response.headers["connection"] == "close"
            assert connection.transport.closed

        play(scenario)


class TestMalformedRequests:
    BAD = b"POST /score HTTP/1.1\r\nContent-Length: x\r\n\r\n"
    BAD_CHUNK = b"POST /score HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyz"

    @pytest.mark.parametrize("bad", [BAD, BAD_CHUNK], ids=["head", "chunk"])
    def test_are_answered_400_and_the_last_that_is_read(self, play: Play, bad: bytes) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(bad + request(b"1"), request(b"2"))
            assert connection.response.status == 400
            assert connection.response.headers["connection"] == "close"
            assert connection.transport.ended
            assert connection.front.dispatcher.queued == 0

        play(scenario)

    @pytest.mark.parametrize("bad", [BAD, BAD_CHUNK], ids=["head", "chunk"])
    def test_come_after_the_answers_before_them(self, play: Play, bad: bytes) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"1") + request(b"2") + bad)
            for _ in range(3):
                await connection.work()
            assert [response.status for response in connection.responses] == [200, 200]
            assert connection.responses[1].headers["connection"] == "close"
            assert connection.transport.closed

        play(scenario)


class TestSlowClients:
    """The connection is looked at: what its client is waited for has a time each."""

    PATIENCE = ClientTimeouts(idle_seconds=100, head_seconds=10, slow_seconds=20)
    LENGTH = b"POST /score HTTP/1.1\r\nContent-Length: 3\r\n\r\n"

    def look(self, connection: Connection, *seconds: float) -> None:
        for each in seconds:
            connection.protocol.look(connection.started + each, self.PATIENCE)

    def test_may_be_idle_for_a_time(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            self.look(connection, 1, 99)
            early = connection.transport.closed
            self.look(connection, 101)
            assert (early, connection.transport.closed) == (False, True)
            assert connection.transport.written == b""

        play(scenario)

    def test_may_be_idle_for_as_long_again_after_an_answer(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            self.look(connection, 1, 99)
            await connection.send(request(b"1"))
            await connection.work()
            self.look(connection, 100, 199)
            assert not connection.transport.closed
            self.look(connection, 201)
            assert connection.transport.closed

        play(scenario)

    def test_have_a_time_for_the_whole_head(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(self.LENGTH[:20])
            self.look(connection, 1, 10)
            await connection.send(self.LENGTH[20:30])
            self.look(connection, 11)
            assert not connection.transport.ended
            self.look(connection, 12)
            assert connection.response.status == 408

        play(scenario)

    def test_have_a_time_from_one_part_of_the_body_to_the_next(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(self.LENGTH)
            self.look(connection, 1, 20)
            await connection.send(b"1")
            self.look(connection, 21, 40)
            assert connection.transport.written == b""
            self.look(connection, 42)
            await turns()
            assert connection.response.status == 408
            assert connection.transport.ended

        play(scenario)

    def test_are_not_those_that_wait_for_run(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"1") + self.LENGTH[:10])
            connection.transport.reading = True
            self.look(connection, 1, 500, 1000)
            assert not connection.transport.closed
            await connection.work()
            assert connection.response.status == 200

        play(scenario)

    def test_have_a_time_to_take_some_of_their_answer(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"1"))
            await connection.work()
            connection.transport.unsent = 500
            self.look(connection, 1, 20)
            connection.transport.unsent = 400
            self.look(connection, 30, 50)
            assert not connection.transport.closed
            self.look(connection, 51)
            assert connection.transport.closed

        play(scenario)


class TestLimits:
    BODY = b"x" * MAX_BODY_BYTES

    def test_a_body_of_just_the_limit_is_scored(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(self.BODY), chunked(self.BODY[:4], self.BODY[4:]))
            await connection.work()
            await connection.work()
            assert [response.status for response in connection.responses] == [200, 200]

        play(scenario)

    @pytest.mark.parametrize(
        "data",
        [
            request(BODY + b"x")[: -len(BODY)],
            request(BODY + b"x"),
            chunked(BODY, b"x"),
            chunked(BODY, b"x")[:-7],
        ],
        ids=["declared", "declared and sent", "chunked", "chunked, not to its end"],
    )
    def test_one_over_it_is_413_and_the_last_on_its_connection(
        self, play: Play, data: bytes
    ) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(data)
            await connection.work()
            response = connection.response
            assert response.status == 413
            assert response.headers["connection"] == "close"
            assert str(MAX_BODY_BYTES) in json.loads(response.body)["message"]
            assert connection.front.worker.batches == []

        play(scenario)

    def test_nothing_after_one_over_it_is_scored(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(self.BODY + b"x") + request(b"next"))
            await connection.work()
            assert connection.response.status == 413
            assert connection.front.worker.batches == []

        play(scenario)

    def test_one_over_it_waits_for_its_turn(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"first") + request(self.BODY + b"x"))
            assert connection.responses == []
            await connection.work()
            assert [response.status for response in connection.responses] == [200, 413]

        play(scenario)


class TestContinue:
    EXPECT = b"Expect: 100-continue"

    def test_is_said_before_the_body_comes(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            data = request(b"12", self.EXPECT)
            await connection.send(data[:-2])
            assert connection.transport.written == b"HTTP/1.1 100 Continue\r\n\r\n"
            await connection.send(data[-2:])
            await connection.work()
            assert [response.status for response in connection.responses] == [100, 200]

        play(scenario)

    def test_is_not_said_to_a_client_that_stops_there(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"12", self.EXPECT)[:-10])
            assert connection.transport.written == b""

        play(scenario)

    def test_is_not_said_to_a_body_over_the_limit(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            body = b"x" * (MAX_BODY_BYTES + 1)
            await connection.send(request(body, self.EXPECT)[: -len(body)])
            assert connection.response.status == 413

        play(scenario)

    def test_waits_for_its_turn(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"1") + request(b"12", self.EXPECT)[:-2])
            assert connection.transport.written == b""
            await connection.work()
            assert [response.status for response in connection.responses] == [200, 100]

        play(scenario)


class TestClientsThatLeave:
    def test_from_the_queue_cost_no_run(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"1"))
            await connection.leave()
            assert connection.front.dispatcher.queued == 0

        play(scenario)

    def test_while_run_works_for_them_are_sent_nothing(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"1"))
            connection.front.hand_over()
            await connection.leave()
            await connection.work()
            assert connection.transport.written == b""

        play(scenario)

    def test_in_the_middle_of_a_body_cost_no_run(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"12")[:-1])
            await connection.leave()
            assert connection.front.dispatcher.queued == 0

        play(scenario)

    def test_just_after_they_were_answered_do_no_harm(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"1"))
            connection.front.dispatcher.fail_all(Stopping())
            connection.lose()
            await turns()

        play(scenario)


class TestStreams:
    @staticmethod
    async def begun(connection: Connection, data: bytes) -> Any:
        await connection.send(data)
        await connection.begin_stream()
        (stream,) = connection.front.worker.streams.values()
        return stream

    @staticmethod
    def body(connection: Connection) -> bytes:
        """What is written after the head."""
        return connection.transport.written.partition(b"\r\n\r\n")[2]

    def test_are_sent_chunk_by_chunk(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            stream = await self.begun(connection, request(b"1"))
            head = connection.transport.written.lower()
            assert b"transfer-encoding: chunked" in head
            assert b"content-length" not in head
            stream.feed(b"abc")
            await turns()
            assert self.body(connection) == b"3\r\nabc\r\n"
            stream.feed(b"d" * 20)
            stream.end(complete=True)
            await turns()
            assert self.body(connection) == b"3\r\nabc\r\n14\r\n" + b"d" * 20 + b"\r\n0\r\n\r\n"
            assert not connection.transport.closed

        play(scenario)

    @short_only
    def test_to_http_1_0_end_with_the_connection(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            stream = await self.begun(connection, request(b"1", version=b"1.0"))
            stream.feed(b"abc")
            stream.end(complete=True)
            await turns()
            assert self.body(connection) == b"abc"
            assert connection.transport.closed

        play(scenario)

    def test_that_break_off_end_the_connection_without_the_last_chunk(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            stream = await self.begun(connection, request(b"1"))
            stream.feed(b"abc")
            stream.end(complete=False)
            await turns()
            assert self.body(connection) == b"3\r\nabc\r\n"
            assert connection.transport.closed

        play(scenario)

    def test_let_the_next_request_wait_for_their_end(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            stream = await self.begun(connection, request(b"1") + request(b"2"))
            assert connection.front.dispatcher.queued == 0
            stream.end(complete=True)
            await turns()
            assert connection.front.dispatcher.queued == 1

        play(scenario)

    def test_are_stopped_when_the_client_leaves(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await self.begun(connection, request(b"1"))
            await connection.leave()
            assert connection.front.worker.asked[-1:] == ["stop 1"]

        play(scenario)

    def test_are_stopped_when_the_client_leaves_just_as_they_begin(self, play: Play) -> None:
        """Else their worker would wait for ever to be asked for more."""

        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"1"))
            connection.front.hand_over()
            connection.begin_stream_now()
            connection.lose()
            await turns()
            assert connection.front.worker.asked[-1:] == ["stop 1"]

        play(scenario)

    def test_wait_for_a_client_that_reads_slowly(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            stream = await self.begun(connection, request(b"1"))
            connection.protocol.pause_writing()
            stream.feed(b"a")
            await turns()
            assert connection.front.worker.asked == []
            connection.protocol.resume_writing()
            await turns()
            assert connection.front.worker.asked == ["more 1"]

        play(scenario)


def test_both_roads_write_the_same(front: FakeFront) -> None:
    """But for the times in it."""

    async def written(*, fast: bool) -> list[Response]:
        connection = Connection(front, fast=fast)
        await connection.send(request(b"1", b"X-Request-Id: a", b"TraceId: t"))
        await connection.work()
        await connection.send(request(b"1", b"X-Request-Id: " + b"i" * 101))
        await connection.send(request(b"x" * (MAX_BODY_BYTES + 1), b"X-Request-Id: a"))
        responses = connection.responses
        await connection.leave()
        for response in responses:
            response.headers.pop("server-timing", None)
        return responses

    front.attach()
    fast, long = asyncio.run(written(fast=True)), asyncio.run(written(fast=False))
    assert [(each.status, each.headers, each.body) for each in fast] == [
        (each.status, each.headers, each.body) for each in long
    ]


class TestClientsThatSendNoMore:
    """They may go on reading, which nobody can see."""

    def test_are_answered_when_a_worker_has_their_request(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"12"))
            connection.front.hand_over()
            assert connection.send_no_more()
            await connection.work()
            assert connection.response.status == 200
            assert connection.response.headers["connection"] == "close"
            assert connection.transport.closed

        play(scenario)

    def test_are_answered_when_a_worker_can_have_it_at_once(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"12"))
            assert connection.send_no_more()
            await connection.work()
            assert connection.response.status == 200

        play(scenario)

    def test_are_not_waited_for_by_a_busy_worker(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            front = connection.front
            others = [Client(f"other {number}") for number in range(2)]
            for other in others:
                front.dispatcher.submit(other.job)
                front.hand_over()
            await connection.send(request(b"12"))
            assert not connection.send_no_more()
            await connection.leave()
            await connection.work()
            await connection.work()
            assert all(other.got_its_own() for other in others)
            assert connection.transport.written == b""

        play(scenario)

    def test_get_the_answers_to_all_that_they_have_sent(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"1") + request(b"2") + request(b"3"))
            connection.front.hand_over()
            assert connection.send_no_more()
            for _ in range(3):
                assert not connection.transport.closed
                await connection.work()
            assert [response.status for response in connection.responses] == [200] * 3
            assert connection.transport.closed

        play(scenario)

    def test_get_the_whole_of_a_stream(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"12"))
            await connection.begin_stream()
            assert connection.send_no_more()
            (stream,) = connection.front.worker.streams.values()
            stream.feed(b"chunk")
            stream.end(complete=True)
            await turns()
            assert b"chunk" in connection.transport.written
            assert connection.transport.closed

        play(scenario)

    @pytest.mark.parametrize("half", [b"POST /sc", request(b"123")[:-1]])
    def test_in_the_middle_of_a_request_have_left(self, play: Play, half: bytes) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(half)
            assert not connection.send_no_more()

        play(scenario)

    def test_in_the_middle_of_a_second_request_get_the_answer_to_the_first(
        self, play: Play
    ) -> None:
        async def scenario(connection: Connection) -> None:
            await connection.send(request(b"1") + request(b"23")[:-1])
            connection.front.hand_over()
            assert connection.send_no_more()
            await connection.work()
            assert connection.response.status == 200
            assert connection.transport.closed

        play(scenario)

    def test_between_requests_have_left(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            assert not connection.send_no_more()

        play(scenario)


class TestMemory:
    def test_of_a_body_that_does_not_fit_is_refused_before_it_is_read(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            bodies = connection.front.dispatcher.bodies
            bodies.limit = 5
            assert bodies.take(3)
            await connection.send(request(b"123")[:-3])
            assert connection.response.status == 503
            assert connection.response.headers["retry-after"] == "1"
            assert connection.response.headers["connection"] == "close"
            bodies.give_back(3)

        play(scenario)

    def test_of_a_chunked_one_as_soon_as_it_does_not_fit(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            connection.front.dispatcher.bodies.limit = 5
            await connection.send(chunked(b"123", b"456")[:-5])
            assert connection.response.status == 503

        play(scenario)

    def test_of_one_that_waits_in_line_too(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            connection.front.dispatcher.bodies.limit = 5
            await connection.send(request(b"123") + request(b"456"))
            connection.front.hand_over()
            connection.front.dispatcher.bodies.limit = 2
            await connection.work()
            await turns()
            assert [response.status for response in connection.responses] == [200, 503]

        play(scenario)

    def test_is_given_back_once_the_worker_has_the_body(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            bodies = connection.front.dispatcher.bodies
            await connection.send(request(b"123"))
            assert bodies.held == 3
            connection.front.hand_over()
            assert bodies.held == 0

        play(scenario)

    def test_is_given_back_when_the_client_leaves(self, play: Play) -> None:
        async def scenario(connection: Connection) -> None:
            bodies = connection.front.dispatcher.bodies
            await connection.send(request(b"123")[:-1])
            assert bodies.held == 3
            await connection.leave()
            assert bodies.held == 0

        play(scenario)
