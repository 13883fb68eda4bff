"""The ASGI application: which path is answered by what."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from scoreserve.errors import NotReady
from tests.front.conftest import FakeFront
from tests.front.fakes import Exchange, Response


def ask(front: FakeFront, method: str, path: str) -> Response:
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

    def test_only_http_is_served(self, front: FakeFront) -> None:
        exchange = Exchange()
        exchange.scope["type"] = "websocket"
        with pytest.raises(ValueError, match="websocket"):
            asyncio.run(exchange.run(front.app))


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


def test_it_runs_under_any_asgi_server(front: FakeFront) -> None:
    """Here httpx's, which asks for what the ASGI specification promises and no more."""
    front.attach()

    async def scenario() -> httpx.Response:
        transport = httpx.ASGITransport(front.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            request = asyncio.ensure_future(client.post("/score", content=b"[1]"))
            while not front.dispatcher.queued:
                await asyncio.sleep(0)
            front.hand_over()
            assert [job.body for job in front.worker.in_flight] == [b"[1]"]
            front.answer()
            return await request

    response = asyncio.run(scenario())
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
