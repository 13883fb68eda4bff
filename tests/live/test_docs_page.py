"""The page at /docs in a real browser: it shows the operations, and a sample request is scored."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
import uvicorn
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from scoreserve.front.api import docs
from scoreserve.front.api.swagger import Swagger
from scoreserve.front.messages.replies import Replies

T = TypeVar("T")

WAIT_SECONDS = 30  # far beyond what a slow machine needs
POLL_SECONDS = 0.05
EXAMPLE = {"data": [[1, 2], [3, 4]]}
RESULT = b'{"scored": [3, 7]}'

CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",  # containers run tests as root
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--window-size=1200,1600",
)


class Score:
    """Answers /score with RESULT and keeps what it was asked."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def score(self, request: Request) -> Response:
        self.bodies.append(await request.body())
        return Response(RESULT, media_type="application/json")


def documents(prefix: str) -> dict[str, Any]:
    """The service's documents by version, in the form that the reference gives them."""
    shared = {"info": {"title": "ML service", "version": "1.0"}, "security": [{"Bearer": []}]}
    schema = {"type": "object", "example": EXAMPLE}
    bearer = {"type": "apiKey", "name": "Authorization", "in": "header"}
    post = {"operationId": "RunMLService", "responses": {"200": {"description": "scored"}}}
    parameter = {"name": "body", "in": "body", "schema": {"$ref": "#/definitions/ServiceInput"}}
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/ServiceInput"}}}
    v2 = {
        **shared,
        "swagger": "2.0",
        "consumes": ["application/json"],
        "paths": {f"{prefix}/score": {"post": {**post, "parameters": [parameter]}}},
        "definitions": {"ServiceInput": schema},
        "securityDefinitions": {"Bearer": bearer},
    }
    v3 = {
        **shared,
        "paths": {f"{prefix}/score": {"post": {**post, "requestBody": {"content": content}}}},
        "components": {
            "schemas": {"ServiceInput": schema},
            "securitySchemes": {"Bearer": bearer},
        },
    }
    return {"2": v2, "3": {"openapi": "3.0.3", **v3}, "3.1": {"openapi": "3.1.0", **v3}}


class ScoringService:
    """The application with /docs, behind a proxy that takes `prefix` off the path."""

    def __init__(self, prefix: str) -> None:
        self.score = Score()
        self._prefix = prefix
        swagger = Swagger(Replies(""), lambda: None, lambda: documents(prefix))
        self._app = Starlette(
            routes=[
                *docs.routes(),
                Route("/swagger.json", swagger.document),
                Route("/score", self.score.score, methods=["POST"]),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        inside = scope["path"].startswith(self._prefix + "/")
        path = scope["path"].removeprefix(self._prefix) if inside else "/outside the prefix"
        await self._app({**scope, "path": path}, receive, send)


@contextmanager
def serving(service: ScoringService) -> Iterator[str]:
    """Serves from a thread; gives the origin. The socket listens before anyone can connect."""
    config = uvicorn.Config(service, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join()


class Browser:
    """Chromium, what is done on the page, and what Chromium noted meanwhile.

    Elements are named by CSS selectors: the first that matches. Each step waits until its element
    is there and can be used.
    """

    def __init__(self, driver: webdriver.Chrome) -> None:
        self._driver = driver
        # The page draws itself anew at any time: what fails for that is tried again.
        self._wait = WebDriverWait(driver, WAIT_SECONDS, POLL_SECONDS, [WebDriverException])

    def open(self, address: str) -> None:
        """Opens a page, with the notes about earlier ones thrown away."""
        self._driver.get("about:blank")
        self.requests()
        self.console()
        self._driver.get(address)

    def click(self, selector: str) -> None:
        self._use(selector, WebElement.click)

    def select(self, selector: str, option: str) -> None:
        self._use(selector, lambda element: Select(element).select_by_visible_text(option))

    def value(self, selector: str) -> str:
        """What is written in a field."""
        return self._use(selector, lambda element: str(element.get_property("value")))

    def wait_for_text(self, selector: str, text: str) -> None:
        """Waits until the element shows the text, possible line breaks in it left aside."""

        def shown(driver: webdriver.Chrome) -> bool:
            seen = driver.find_element(By.CSS_SELECTOR, selector).text
            return text in seen.replace("\N{ZERO WIDTH SPACE}", "")

        self._wait.until(shown, f"{selector} never showed {text!r}")

    def console(self) -> list[str]:
        """The warnings and errors in the console since the last call."""
        return [str(entry["message"]) for entry in self._log("browser")]

    def requests(self) -> list[str]:
        """The addresses asked for since the last call, but for those that name their own data."""
        events = (json.loads(entry["message"])["message"] for entry in self._log("performance"))
        addresses = [
            str(event["params"]["request"]["url"])
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]
        return [each for each in addresses if urlsplit(each).scheme not in {"about", "data"}]

    def _log(self, kind: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self._driver.get_log(kind)  # type: ignore[no-untyped-call]
        return entries

    def _use(self, selector: str, action: Callable[[WebElement], T]) -> T:
        def use(driver: webdriver.Chrome) -> list[T]:
            return [action(driver.find_element(By.CSS_SELECTOR, selector))]

        return self._wait.until(use, f"{selector} could not be used")[0]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        message = "chromium is missing: apt-get install chromium chromium-driver (make test does)"
        pytest.fail(message, pytrace=False)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    profile: Path = tmp_path_factory.mktemp("chromium")
    for flag in (*CHROMIUM_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with webdriver.Chrome(options, Service(driver)) as chrome:
        yield Browser(chrome)


@pytest.mark.parametrize(
    ("prefix", "version", "badge"),
    [
        ("", "OpenAPI 3.0", "OAS 3.0"),
        ("", "OpenAPI 3.1", "OAS 3.1"),
        ("", "Swagger 2.0", "2.0"),
        ("/api/v1/ml", "OpenAPI 3.0", "OAS 3.0"),
    ],
)
def test_a_sample_request_is_scored(
    browser: Browser, prefix: str, version: str, badge: str
) -> None:
    service = ScoringService(prefix)
    with serving(service) as origin:
        browser.open(f"{origin}{prefix}/docs")
        browser.wait_for_text(".info .title", "OAS 3.0")
        browser.select("#select", version)
        browser.wait_for_text(".info .title", badge)
        operation = ".opblock-post"
        browser.wait_for_text(operation, f"{prefix}/score")
        browser.click(f"{operation} .opblock-summary-control")
        browser.click(f"{operation} .try-out__btn")
        assert json.loads(browser.value(f"{operation} .body-param__text")) == EXAMPLE
        browser.click(f"{operation} .execute")
        browser.wait_for_text(f"{operation} .live-responses-table", '"scored"')
        requests, console = browser.requests(), browser.console()

    assert [json.loads(body) for body in service.score.bodies] == [EXAMPLE]
    assert f"{origin}{prefix}/score" in requests
    assert [address for address in requests if not address.startswith(f"{origin}{prefix}/")] == []
    assert console == []
