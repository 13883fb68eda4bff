"""/docs without a server: what is answered with Swagger UI's package, and without it."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from scoreserve.errors import NotReady
from scoreserve.front.api import docs
from scoreserve.front.workers.worker_process import Script
from scoreserve.worker.script.swagger_document import openapi3
from tests.front.conftest import FakeFront
from tests.front.fakes import Exchange, Response

FILES = {
    "swagger-ui.css": b"body {}",
    "swagger-ui-bundle.js": b"bundle()",
}


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


def client_of(package: str) -> TestClient:
    """A client of an application with this package's docs and nothing else."""
    return TestClient(Starlette(routes=docs.routes(package)))


@pytest.fixture
def client(package: Path) -> TestClient:
    return client_of(package.name)


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/docs.js", "text/javascript; charset=utf-8"),
        ("/docs/docs.css", "text/css; charset=utf-8"),
        ("/docs/api_key.js", "text/javascript; charset=utf-8"),
        ("/docs/page.css", "text/css; charset=utf-8"),
        ("/docs/icon.svg", "image/svg+xml"),
        ("/docs/swagger-ui.css", "text/css; charset=utf-8"),
        ("/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ],
)
def test_each_file(client: TestClient, path: str, content_type: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == content_type
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["etag"]


def test_the_packages_files_are_served_as_they_are(client: TestClient) -> None:
    assert {name: client.get(f"/docs/{name}").content for name in FILES} == FILES


def test_the_page_loads_only_our_routes(client: TestClient) -> None:
    page = client.get("/docs").text
    addresses = set(re.findall(r'(?:src|href)="([^"]*)"', page))
    files = ("docs.js", "docs.css", "page.css", "icon.svg", *docs.SWAGGER_UI_FILES)
    assert addresses == {"docs", "status", "metrics", *(f"docs/{name}" for name in files)}


def test_no_address_is_sent_to_a_validator(client: TestClient) -> None:
    # Swagger UI leaves the validator alone on 127.0.0.1, so a browser in a test would not show it.
    assert b"validatorUrl: null" in client.get("/docs/docs.js").content


def test_the_page_allows_its_own_origin_and_no_inline_script(client: TestClient) -> None:
    answer = client.get("/docs")
    policy = dict(
        directive.strip().split(" ", 1)
        for directive in answer.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert b"<script>" not in answer.content


def test_head_tells_the_length(client: TestClient) -> None:
    assert client.head("/docs").headers == client.get("/docs").headers


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}'])
def test_a_copy_that_is_good_is_not_sent_again(client: TestClient, form: str) -> None:
    etag = client.get("/docs/docs.js").headers["etag"]
    answer = client.get("/docs/docs.js", headers={"If-None-Match": form.format(etag)})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == etag


def test_a_copy_that_is_old_is_replaced(client: TestClient) -> None:
    assert client.get("/docs/docs.js", headers={"If-None-Match": '"old"'}).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/docs/", "/docs/..%2f__init__.py", "/docs/__init__.py", "/docs/dist/swagger-ui.css", "/doc"],
)
def test_nothing_else_is_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_other_methods(client: TestClient, method: str) -> None:
    assert client.request(method, "/docs").status_code == 405


def test_without_the_package() -> None:
    client = client_of("no_such_swagger_ui")
    answer = client.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert b"pip install 'scoreserve[docs]'" in answer.content
    assert b'href="swagger.json?version=3"' in answer.content
    assert client.get("/docs/swagger-ui.css").status_code == 404


@pytest.mark.parametrize("name", FILES)
def test_half_a_package_is_as_good_as_none(package: Path, name: str) -> None:
    (package / "dist" / name).unlink()
    assert b"pip install" in client_of(package.name).get("/docs").content


def test_a_module_of_that_name_is_no_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_lone_module.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert b"pip install" in client_of("a_lone_module").get("/docs").content


class TestDocument:
    """What the page asks for: see test_docs_document for what stands in it."""

    def ask(self, front: FakeFront) -> Response:
        return asyncio.run(front.ask(Exchange("GET", "/docs/openapi.json")))

    def test_is_the_services(self, front: FakeFront) -> None:
        swagger = {"3": openapi3("ML service", "1.0", "", {"example": [1]}, {})}
        front.workers.script = Script(swagger=swagger)
        response = self.ask(front)
        assert response.status == 200
        assert response.header(b"cache-control") == b"no-store"
        assert next(iter(json.loads(response.body)["paths"])) == "/score"

    def test_is_not_there_before_a_worker_is_ready(self, front: FakeFront) -> None:
        front.workers.error = NotReady("The scoring worker is running init() (0.5 s so far).")
        response = self.ask(front)
        assert response.status == 502
        assert json.loads(response.body) == {"message": front.workers.error.message}

    def test_may_be_none(self, front: FakeFront) -> None:
        assert self.ask(front).status == 404
