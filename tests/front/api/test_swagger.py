"""/swagger.json: the worker's document of the version that is asked for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from scoreserve.errors import NotReady
from scoreserve.front.workers.worker_process import Script
from tests.front.conftest import FakeFront
from tests.front.fakes import Exchange, Response

DOCUMENTS = {"2": {"mine": 2}, "3": {"mine": 3}, "3.1": {"mine": 3.1}}


def ask(
    front: FakeFront,
    query: str = "",
    method: str = "GET",
    headers: Sequence[tuple[bytes, bytes]] = (),
) -> Response:
    """The response of a front whose worker made all documents, unless it says otherwise."""
    if not front.workers.script.swagger:
        front.workers.script = Script(swagger=DOCUMENTS)
    exchange = Exchange(method, "/swagger.json", headers=list(headers))
    exchange.scope["query_string"] = query.encode()
    return asyncio.run(front.ask(exchange))


def message(response: Response) -> str:
    """What an error says."""
    assert response.status == 404
    assert response.header(b"content-type") == b"application/json"
    (text,) = json.loads(response.body).values()
    return str(text)


class TestVersion:
    @pytest.mark.parametrize(
        ("query", "version"),
        [
            ("", "2"),
            ("version=2", "2"),
            ("version=2.0", "2"),
            ("version=3", "3"),
            ("version=3.0", "3"),
            ("version=3.1", "3.1"),
            ("version=%33%2e1", "3.1"),
            ("version=3&version=2", "3"),
            ("other=1&version=3", "3"),
            ("Version=3", "2"),
            ("other=3", "2"),
        ],
    )
    def test_is_taken_from_the_query(self, front: FakeFront, query: str, version: str) -> None:
        response = ask(front, query)
        assert (response.status, json.loads(response.body)) == (200, DOCUMENTS[version])
        assert response.header(b"content-type") == b"application/json"
        assert response.header(b"x-ms-run-function-failed") == b"False"
        assert response.header(b"content-length") == b"%d" % len(response.body)

    @pytest.mark.parametrize("asked", ["", "1", "v2", "3.1.0", "2,3", "<b>"])
    def test_that_does_not_exist_is_404(self, front: FakeFront, asked: str) -> None:
        assert message(ask(front, f"version={asked}")) == (
            f"Swagger version [{asked}] is not valid. Supported versions: [2, 3, 3.1]."
        )

    def test_that_the_script_has_no_document_for_is_404(self, front: FakeFront) -> None:
        front.workers.script = Script(swagger={"3.1": {}, "3": {"mine": 3}})
        said = "is not supported for the scoring script. Supported swagger versions: [3, 3.1]."
        assert message(ask(front)) == f"Swagger version [2] {said}"
        assert message(ask(front, "version=2.0")) == f"Swagger version [2.0] {said}"
        assert message(ask(front, "version=3.1")) == f"Swagger version [3.1] {said}"


def test_documents_are_asked_for_anew_each_time(front: FakeFront) -> None:
    """A worker that replaces another may have made others."""
    assert json.loads(ask(front).body) == {"mine": 2}
    front.workers.script = Script(swagger={"2": {"mine": "new"}})
    assert json.loads(ask(front).body) == {"mine": "new"}


def test_before_a_worker_is_ready_it_is_502(front: FakeFront) -> None:
    front.workers.error = NotReady("The server is running init().")
    response = ask(front)
    assert response.status == 502
    assert json.loads(response.body) == {"message": "The server is running init()."}


def test_options_tells_the_methods(front: FakeFront) -> None:
    response = ask(front, method="OPTIONS")
    assert (response.status, response.body) == (200, b"")
    assert response.header(b"allow") == b"OPTIONS, HEAD, GET"
    assert response.header(b"content-type") == b"text/html; charset=utf-8"


def test_ids_are_answered_and_checked(front: FakeFront) -> None:
    assert ask(front, headers=[(b"x-request-id", b"mine")]).header(b"x-request-id") == b"mine"
    assert ask(front, headers=[(b"x-request-id", b"x" * 101)]).status == 431
