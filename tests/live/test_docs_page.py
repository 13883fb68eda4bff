"""The page at /docs in a real browser: the score request is there, ready to be sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scoreserve.errors import NotReady
from scoreserve.front.workers.worker_process import Script
from scoreserve.worker.script.swagger_document import openapi3, swagger2
from tests import servers
from tests.front.conftest import FakeFront
from tests.live.browser import VIEWS, Browser, View
from tests.live.pages import BehindProxy, serving
from tests.servers import Server

BODY, EXECUTE, RESULT = ".body-param__text", ".execute", ".live-responses-table"
TITLE = "#title"
KEY, OPEN = "#key-input", "#key button"

UNDECORATED = """
import json
def init(): pass
def run(text): return {"doubled": [2 * number for number in json.loads(text)["data"]]}
"""
DECORATED = """
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema
def init(): pass
@input_schema("data", StandardPythonParameterType([1, 2, 3]))
def run(data): return {"doubled": [2 * number for number in data]}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One whose script declares nothing, with two samples beside it."""
    samples = {"sample_request.json": '{"data": [1, 20]}', "_samples.json": '{"data": [3]}'}
    with servers.serve(UNDECORATED, tmp_path_factory.mktemp("server"), files=samples) as server:
        yield server


@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_a_sample_is_sent_with_one_click(browser: Browser, server: Server, view: View) -> None:
    origin = f"http://127.0.0.1:{server.port}"
    browser.open(f"{origin}/docs", view)
    browser.wait_for_text(TITLE, "score.py")
    assert json.loads(browser.value(BODY)) == {"data": [1, 20]}
    assert browser.wider_than_the_window() == []
    assert (browser.brightness() < 128) is view.dark
    browser.click(EXECUTE)
    browser.wait_for_text(RESULT, "40")
    assert browser.wider_than_the_window() == []
    assert browser.texts(".examples-select-element option") == [
        "sample_request.json",
        "_samples.json",
    ]
    requests = browser.requests()
    assert f"{origin}/score" in requests
    assert [address for address in requests if not address.startswith(f"{origin}/")] == []
    assert browser.console() == []


def test_without_a_sample_the_body_is_empty(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with servers.serve(UNDECORATED, tmp_path_factory.mktemp("server")) as server:
        browser.open(f"http://127.0.0.1:{server.port}/docs")
        browser.wait_for_text(".opblock-post", "sample_request.json")
        assert browser.value(BODY) == ""
        browser.write(BODY, '{"data": [21]}')
        browser.click(EXECUTE)
        browser.wait_for_text(RESULT, "42")
        assert browser.console() == []


def test_with_keys_one_is_asked_for_and_scores(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    env = {"SCORESERVE_API_KEYS": "secret", "SERVICE_NAME": "Doubles <b>of</b> numbers"}
    with servers.serve(DECORATED, tmp_path_factory.mktemp("server"), env=env) as server:
        browser.open(f"http://127.0.0.1:{server.port}/docs", View(400, dark=False))
        browser.wait_for_text("#message", "API key")
        assert browser.wider_than_the_window() == []
        browser.write(KEY, "wrong")
        browser.click(OPEN)
        browser.wait_for_text("#key .wrong", "does not know")
        browser.write(KEY, "secret")
        browser.click(OPEN)
        browser.wait_for_text(TITLE, "Doubles <b>of</b> numbers")
        refused = browser.console()
        assert len(refused) == 2
        assert all("401" in line for line in refused)
        assert json.loads(browser.value(BODY)) == {"data": [1, 2, 3]}
        browser.click(EXECUTE)
        browser.wait_for_text(RESULT, "doubled")
        browser.wait_for_text(".curl-command", "Authorization: Bearer secret")
        browser.open_again()
        browser.click(EXECUTE)
        browser.wait_for_text(RESULT, "doubled")
        assert browser.console() == []
        assert "secret" not in server.output


PREFIX = "/api/v1/ml"
DOCUMENTS = {"2": swagger2, "3": openapi3}


def documents(version: str, prefix: str = "") -> dict[str, Any]:
    """The documents of a script that takes `{"a": ...}`, in one version."""
    takes = {"type": "object", "example": {"a": 1}}
    return {version: DOCUMENTS[version]("ML service", "1.0", prefix, takes, {})}


@pytest.mark.parametrize("version", ["3", "2"])
@pytest.mark.parametrize("known", [True, False], ids=["prefix known", "prefix unknown"])
def test_behind_a_proxy_that_takes_a_prefix_off(
    browser: Browser, version: str, known: bool
) -> None:
    told = PREFIX if known else ""
    front = FakeFront(service_path_prefix=told)
    front.workers.script = Script(swagger=documents(version, told))
    bodies = []

    async def score(request: Request) -> Response:
        bodies.append(await request.body())
        return Response(b'{"scored": 7}', media_type="application/json")

    app = Starlette(routes=[Route("/score", score, methods=["POST"])])
    app.mount("", front.app)
    with serving(BehindProxy(app, PREFIX)) as origin:
        browser.open(f"{origin}{PREFIX}/docs")
        assert json.loads(browser.value(BODY)) == {"a": 1}
        browser.click(EXECUTE)
        browser.wait_for_text(RESULT, "scored")
        requests, console = browser.requests(), browser.console()
    assert [json.loads(body) for body in bodies] == [{"a": 1}]
    assert [address for address in requests if not address.startswith(f"{origin}{PREFIX}/")] == []
    assert console == []


BEARER = {"Bearer": {"type": "apiKey", "name": "Authorization", "in": "header"}}


@pytest.mark.parametrize("schemes", [{}, BEARER], ids=["says nothing of keys", "asks for one"])
def test_a_document_of_the_users_own_is_shown_and_the_key_sent(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, schemes: dict[str, Any]
) -> None:
    content = {"application/json": {"example": {"data": [4]}}}
    post = {"requestBody": {"content": content}, "responses": {"200": {"description": "scored"}}}
    own = {
        "openapi": "3.0.3",
        "info": {"title": "My own document", "version": "7"},
        "paths": {"/score": {"post": post | ({"security": [{"Bearer": []}]} if schemes else {})}},
        "components": {"securitySchemes": schemes} if schemes else {},
    }
    with servers.serve(
        UNDECORATED,
        tmp_path_factory.mktemp("server"),
        env={"SCORESERVE_API_KEYS": "secret"},
        files={"swagger3.json": json.dumps(own)},
    ) as server:
        browser.open(f"http://127.0.0.1:{server.port}/docs")
        browser.write(KEY, "secret")
        browser.click(OPEN)
        browser.wait_for_text(TITLE, "My own document")
        assert json.loads(browser.value(BODY)) == {"data": [4]}
        browser.click(EXECUTE)
        browser.wait_for_text(RESULT, "8")
        assert server.output.count("POST /score 200") > 0


def test_it_opens_by_itself_when_a_worker_is_ready(browser: Browser) -> None:
    front = FakeFront()
    front.workers.error = NotReady("The scoring worker is running init() (3.1 s so far).")
    with serving(front.app) as origin:
        browser.open(f"{origin}/docs")
        browser.wait_for_text("#message", "running init()")
        front.workers.script = Script(swagger=documents("3"))
        front.workers.error = None
        assert json.loads(browser.value(BODY)) == {"a": 1}
