"""/docs without a server: what is answered with Swagger UI's package, and without it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from scoreserve.front.api import docs

FILES = {
    "swagger-ui.css": b"body {}",
    "swagger-ui-bundle.js": b"bundle()",
    "swagger-ui-standalone-preset.js": b"preset()",
    "favicon-32x32.png": b"\x89PNG",
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
        ("/docs/init.js", "text/javascript; charset=utf-8"),
        ("/docs/swagger-ui.css", "text/css; charset=utf-8"),
        ("/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("/docs/swagger-ui-standalone-preset.js", "text/javascript; charset=utf-8"),
        ("/docs/favicon-32x32.png", "image/png"),
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
    addresses = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert set(addresses) == {f"docs/{name}" for name in ("init.js", *docs.SWAGGER_UI_FILES)}


def test_every_address_is_relative(client: TestClient) -> None:
    addresses = re.findall(r'url: "([^"]*)"', client.get("/docs/init.js").text)
    assert addresses == [f"swagger.json?version={version}" for version in ("3", "3.1", "2")]


def test_no_address_is_sent_to_a_validator(client: TestClient) -> None:
    # Swagger UI leaves the validator alone on 127.0.0.1, so a browser in a test would not show it.
    assert b"validatorUrl: null" in client.get("/docs/init.js").content


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
    etag = client.get("/docs/init.js").headers["etag"]
    answer = client.get("/docs/init.js", headers={"If-None-Match": form.format(etag)})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == etag


def test_a_copy_that_is_old_is_replaced(client: TestClient) -> None:
    assert client.get("/docs/init.js", headers={"If-None-Match": '"old"'}).status_code == 200


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
