"""/status without a browser: its files, what it is told of failures, and who is told."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from scoreserve.front.api import status
from scoreserve.settings import Settings
from tests.front.conftest import FakeFront
from tests.front.fakes import Exchange, Response

KEY = [(b"authorization", b"Bearer secret")]


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=status.routes()))


def ask(front: FakeFront, path: str, headers: list[tuple[bytes, bytes]] | None = None) -> Response:
    return asyncio.run(front.ask(Exchange("GET", path, headers=headers or [])))


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/status", "text/html; charset=utf-8"),
        ("/status/status.js", "text/javascript; charset=utf-8"),
        *(
            (f"/status/{name}.js", "text/javascript; charset=utf-8")
            for name in ("charts", "elements", "metrics", "sections", "state", "words")
        ),
        ("/status/status.css", "text/css; charset=utf-8"),
        ("/status/api_key.js", "text/javascript; charset=utf-8"),
        ("/status/page.css", "text/css; charset=utf-8"),
        ("/status/icon.svg", "image/svg+xml"),
    ],
)
def test_each_file(client: TestClient, path: str, content_type: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == content_type
    assert "script-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/status/", "/status/docs.js", "/status/..%2fstatus.py"])
def test_nothing_else_is_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_page_loads_only_our_routes(client: TestClient) -> None:
    page = client.get("/status").text
    addresses = set(re.findall(r'(?:src|href)="([^"]*)"', page))
    assert addresses == {
        *("docs", "status", "metrics"),
        *(f"status/{name}" for name in ("icon.svg", "page.css", "status.css", "status.js")),
    }
    assert "<script>" not in page


def test_the_details_are_the_failures_and_whose_they_are() -> None:
    front = FakeFront(entry_script="code/score.py")
    front.parts.failures.add(b"id", 500, "ValueError: <b>")
    response = ask(front, "/status/details.json")
    details = json.loads(response.body)
    assert response.header(b"cache-control") == b"no-store"
    assert details["title"] == "score.py"
    assert details["uptime_seconds"] >= 0
    (failure,) = details["failures"]
    assert failure.pop("time") > 1.7e9
    assert failure == {"request_id": "id", "status": 500, "error": "ValueError: <b>"}


class TestWithKeys:
    @pytest.fixture
    def front(self) -> FakeFront:
        return FakeFront(api_keys=("secret",))

    @pytest.mark.parametrize(
        "path", ["/status", "/status/status.js", "/docs", "/docs/docs.js", "/health/ready"]
    )
    def test_the_pages_are_for_everybody(self, front: FakeFront, path: str) -> None:
        assert ask(front, path).status == 200

    @pytest.mark.parametrize("path", ["/status/details.json", "/docs/openapi.json"])
    def test_what_they_show_is_not(self, front: FakeFront, path: str) -> None:
        assert ask(front, path).status == 401
        assert ask(front, path, KEY).status in {200, 404}  # the script has no document


@pytest.mark.parametrize(
    "path", ["/status", "/status/status.js", "/status/details.json", "/docs", "/docs/openapi.json"]
)
def test_pages_can_be_switched_off(path: str) -> None:
    assert ask(FakeFront(pages=False), path).status == 404
    assert Settings().pages
