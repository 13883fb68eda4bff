"""/docs without a server: what is answered with Swagger UI's package, and without it."""

from __future__ import annotations

import asyncio
import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scoreserve.front.api import docs
from scoreserve.front.api.asgi import Message
from scoreserve.front.api.docs import Docs
from scoreserve.front.api.routes import Application
from scoreserve.front.observe.access_log import AccessLog
from scoreserve.front.observe.counters import Metrics

FILES = {
    "swagger-ui.css": b"body {}",
    "swagger-ui-bundle.js": b"bundle()",
    "swagger-ui-standalone-preset.js": b"preset()",
    "favicon-32x32.png": b"\x89PNG",
}


class Answer:
    """What the application sent for one request."""

    def __init__(self, messages: list[Message]) -> None:
        self.status: int = messages[0]["status"]
        headers: list[tuple[bytes, bytes]] = messages[0]["headers"]
        self.headers = {name.decode(): value.decode() for name, value in headers}
        self.body = b"".join(message.get("body", b"") for message in messages[1:])


class Client:
    """Asks an application for a path, through ASGI's messages alone."""

    def __init__(self, package: str) -> None:
        log = AccessLog(lambda seconds, flush: None)
        self._app = Application(docs.routes(Docs(package)), log, Metrics())

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        return asyncio.run(self._ask(path, method, headers))

    async def _ask(self, path: str, method: str, headers: dict[str, str]) -> Answer:
        sent: list[Message] = []
        names = {name.replace("_", "-"): value for name, value in headers.items()}

        async def receive() -> Message:
            return {"type": "http.request", "body": b""}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "scheme": "http",
            "http_version": "1.1",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in names.items()],
        }
        await self._app(scope, receive, send)
        return Answer(sent)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package laid out as Swagger UI's is, which must not be imported. Gives its folder."""
    folder = tmp_path / "a_swagger_ui"
    (folder / "dist").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise AssertionError('imported')")
    for name, content in FILES.items():
        (folder / "dist" / name).write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    assert folder.name not in sys.modules


@pytest.fixture
def client(package: Path) -> Client:
    return Client(package.name)


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/init.js", "text/javascript; charset=utf-8"),
        ("/docs/swagger-ui.css", "text/css; charset=utf-8"),
        ("/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("/docs/swagger-ui-standalone-preset.js", "text/javascript; charset=utf-8"),
        ("/docs/favicon-32x32.png", "image/png"),
    ],
)
def test_each_file(client: Client, path: str, content_type: str) -> None:
    answer = client.get(path)
    assert answer.status == 200
    assert answer.headers["content-type"] == content_type
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["etag"] == f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'


def test_the_packages_files_are_served_as_they_are(client: Client) -> None:
    assert {name: client.get(f"/docs/{name}").body for name in FILES} == FILES


def test_the_page_loads_only_our_routes(client: Client) -> None:
    page = client.get("/docs").body.decode()
    addresses = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert sorted(f"/{address}" for address in addresses) == sorted(set(docs.routes()) - {"/docs"})


def test_every_address_is_relative(client: Client) -> None:
    addresses = re.findall(r'url: "([^"]*)"', client.get("/docs/init.js").body.decode())
    assert addresses == [f"swagger.json?version={version}" for version in ("3", "3.1", "2")]


def test_no_address_is_sent_to_a_validator(client: Client) -> None:
    # Swagger UI leaves the validator alone on 127.0.0.1, so a browser in a test would not show it.
    assert b"validatorUrl: null" in client.get("/docs/init.js").body


def test_the_page_allows_its_own_origin_and_no_inline_script(client: Client) -> None:
    answer = client.get("/docs")
    policy = dict(
        directive.strip().split(" ", 1)
        for directive in answer.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert b"<script>" not in answer.body


def test_head_tells_the_length(client: Client) -> None:
    answer = client.get("/docs", "HEAD")
    assert answer.headers == client.get("/docs").headers


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}'])
def test_a_copy_that_is_good_is_not_sent_again(client: Client, form: str) -> None:
    etag = client.get("/docs/init.js").headers["etag"]
    answer = client.get("/docs/init.js", if_none_match=form.format(etag))
    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["etag"] == etag


def test_a_copy_that_is_old_is_replaced(client: Client) -> None:
    assert client.get("/docs/init.js", if_none_match='"old"').status == 200


def test_files_are_read_once_and_not_before_the_first_request(package: Path) -> None:
    client = Client(package.name)
    (package / "dist" / "swagger-ui.css").write_bytes(b"first")
    assert client.get("/docs/swagger-ui.css").body == b"first"
    (package / "dist" / "swagger-ui.css").write_bytes(b"second")
    assert client.get("/docs/swagger-ui.css").body == b"first"


@pytest.mark.parametrize(
    "path",
    ["/docs/", "/docs/../docs/init.js", "/docs/__init__.py", "/docs/dist/swagger-ui.css", "/doc"],
)
def test_nothing_else_is_served(client: Client, path: str) -> None:
    assert client.get(path).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_other_methods(client: Client, method: str) -> None:
    assert client.get("/docs", method).status == 405


def test_without_the_package() -> None:
    client = Client("no_such_swagger_ui")
    answer = client.get("/docs")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert b"pip install 'scoreserve[docs]'" in answer.body
    assert b'href="swagger.json?version=3"' in answer.body
    assert client.get("/docs/swagger-ui.css").status == 404
    assert client.get("/docs/init.js").status == 404


@pytest.mark.parametrize("name", FILES)
def test_half_a_package_is_as_good_as_none(package: Path, name: str) -> None:
    (package / "dist" / name).unlink()
    assert b"pip install" in Client(package.name).get("/docs").body


def test_a_module_of_that_name_is_no_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_lone_module.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert b"pip install" in Client("a_lone_module").get("/docs").body
