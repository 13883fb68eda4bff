"""The ASGI application: which path is answered by what."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Sequence
from contextlib import closing

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from scoreserve.errors import NotReady, ReplyError
from scoreserve.front.api.health import Health
from scoreserve.front.api.routes import Endpoints, create_app
from scoreserve.front.api.score import ScoreEndpoint
from scoreserve.front.api.score_handler import ReplyTo
from scoreserve.front.api.swagger import Swagger
from scoreserve.front.messages.replies import JSON, Reply, bare_error, lines_of
from scoreserve.front.queue.job import QueuedJob
from scoreserve.heads import RequestHead
from scoreserve.wire import Chunk
from tests.front import fakes
from tests.front.conftest import FakeFront
from tests.front.fakes import Exchange


def ask(front: FakeFront, method: str, path: str) -> fakes.Response:
    """The response to a request that needs no worker."""
    return asyncio.run(front.ask(Exchange(method, path)))


class TestRoutes:
    @pytest.mark.parametrize("path", ["/scores", "/score/", "/health", "/SCORE", "*"])
    def test_other_paths_are_404_without_our_headers(self, front: FakeFront, path: str) -> None:
        response = ask(front, "GET", path)
        assert response.status == 404
        assert "not found" in json.loads(response.body)["message"]
        assert response.header(b"x-request-id") is None

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/"),
            ("DELETE", "/"),
            ("PUT", "/score"),
            ("PATCH", "/score"),
            ("TRACE", "/score"),
            ("POST", "/swagger.json"),
        ],
    )
    def test_other_methods_are_405(self, front: FakeFront, method: str, path: str) -> None:
        response = ask(front, method, path)
        assert response.status == 405
        assert json.loads(response.body) == {
            "message": "The method is not allowed for the requested URL."
        }

    def test_slashes_in_front_are_one(self, front: FakeFront) -> None:
        """As they are for the reference."""
        assert ask(front, "GET", "//").body == b"Healthy"

    @pytest.mark.parametrize("path", ["/", "/swagger.json", "/metrics", "/health/ready"])
    def test_that_are_read_say_so(self, front: FakeFront, path: str) -> None:
        response = ask(front, "OPTIONS", path)
        assert (response.status, response.body) == (200, b"")
        assert response.header(b"allow") == b"OPTIONS, HEAD, GET"


class TestHealth:
    def test_is_200_healthy_while_a_worker_can_score(self, front: FakeFront) -> None:
        response = ask(front, "GET", "/")
        assert (response.status, response.body) == (200, b"Healthy")
        assert response.header(b"content-type") == b"text/html; charset=utf-8"

    def test_is_502_with_the_reason_while_none_can(self, front: FakeFront) -> None:
        front.workers.error = NotReady("The scoring worker is running init() (0.5 s so far).")
        response = ask(front, "GET", "/")
        assert response.status == 502
        assert json.loads(response.body) == {"message": front.workers.error.message}


class FakeHandler:
    """Scores without a worker: answers a request with its own body."""

    def hold(self, size: int) -> None: ...

    def release(self, size: int) -> None: ...

    def can_begin(self, job: QueuedJob) -> bool:
        raise AssertionError("there are no jobs")

    def submit(
        self, head: RequestHead, chunks: Sequence[Chunk], reply_to: ReplyTo
    ) -> QueuedJob | None:
        body = b"".join(chunks)
        length = (b"content-length", b"%d" % len(body))
        reply_to.answer(Reply(200, lines_of([(b"content-type", JSON), length]), body))
        return None

    def cancel(self, job: QueuedJob) -> None:
        raise AssertionError("there are no jobs")

    def refuse(self, head: RequestHead, error: ReplyError) -> Reply:
        return bare_error(error)


@pytest.fixture
def app(front: FakeFront) -> Starlette:
    """The application over a score handler that is none."""
    parts = front.parts
    health = Health(parts.replies, front.workers, front.dispatcher, parts.shutdown)
    swagger = Swagger(parts.replies, front.workers.not_ready, lambda: {"2": {"swagger": "2.0"}})

    async def metrics(request: Request) -> Response:
        return Response("# EOF")

    endpoints = Endpoints(
        ScoreEndpoint(FakeHandler(), 100).score,
        swagger.document,
        health.healthy,
        health.live,
        health.ready,
        metrics,
        docs_document=metrics,
        status_details=metrics,
    )
    return create_app(endpoints, parts.replies, front.access_log, parts.metrics)


def check(client: httpx.Client | TestClient) -> None:
    """The application's routes, asked for as any client does."""
    scored = client.post("/score", content=b'{"data": [1]}')
    assert (scored.status_code, scored.content) == (200, b'{"data": [1]}')
    assert scored.headers["content-type"] == "application/json"
    assert client.get("/").text == "Healthy"
    assert client.get("/swagger.json").json() == {"swagger": "2.0"}
    assert client.get("/swagger.json?version=3").status_code == 404
    assert client.get("/health/ready").json()["status"] == "ready"
    assert "swagger-ui" in client.get("/docs").text
    assert client.get("/docs/docs.js").status_code == 200
    assert "status.js" in client.get("/status").text
    assert client.get("/status/status.js").status_code == 200
    assert client.put("/score").status_code == 405
    assert client.get("/nowhere").status_code == 404
    assert client.post("/score", content=b"1" * 101).status_code == 413


class TestWithoutOurServer:
    def test_in_starlettes_test_client(self, app: Starlette) -> None:
        check(TestClient(app))

    def test_under_plain_uvicorn(self, app: Starlette) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as listener:
            # Not uvloop: older uvicorns would make it that of the tests that follow, too.
            server = uvicorn.Server(uvicorn.Config(app, log_config=None, loop="asyncio"))
            thread = threading.Thread(target=server.run, args=([listener],))
            thread.start()
            try:
                with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}") as it:
                    check(it)
            finally:
                server.should_exit = True
                thread.join()

    def test_a_fault_of_ours_is_a_500_in_our_form(self, app: Starlette) -> None:
        async def fails(request: Request) -> Response:
            raise ZeroDivisionError

        app.router.routes.insert(0, Route("/fails", fails))
        response = TestClient(app, raise_server_exceptions=False).get("/fails")
        assert response.status_code == 500
        assert "internal error" in response.json()["message"]
