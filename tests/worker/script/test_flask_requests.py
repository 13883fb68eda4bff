"""Flask's request, as a script sees it: what gunicorn would have made of the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import flask
import pytest

from scoreserve.heads import RequestHead
from scoreserve.worker.script import flask_requests
from tests.worker.fakes import head_of

Headers = Sequence[tuple[str, str]]


def environ_of(head: RequestHead, body: bytes = b"") -> dict[str, Any]:
    """The WSGI environ of that request."""
    with flask_requests.request_context(head, body):
        return dict(flask.request.environ)


def head_from(peer: str, headers: Headers = (), scheme: bytes = b"http") -> RequestHead:
    """The head of a request that came from this address."""
    return replace(head_of(headers=list(headers)), client=peer.encode(), scheme=scheme)


class TestContext:
    def test_is_that_of_one_request(self) -> None:
        with flask_requests.request_context(head_of("PUT"), b""):
            assert flask.request.method == "PUT"
            assert flask.has_request_context()
        assert not flask.has_request_context()

    def test_names_the_app_and_the_route_as_the_reference_does(self) -> None:
        with flask_requests.request_context(head_of(), b""):
            assert flask.current_app.name == "azmlinfsrv"
            assert flask.request.endpoint == "main.handle_score"
            assert flask.request.blueprint == "main"
            assert str(flask.request.url_rule) == "/score"
            assert flask.url_for("main.health_probe") == "/"

    @pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD"])
    def test_is_there_for_every_method(self, method: str) -> None:
        with flask_requests.request_context(head_of(method), b""):
            assert flask.request.method == method

    def test_may_be_entered_by_each_request_in_turn(self) -> None:
        for name in ("a", "b"):
            with flask_requests.request_context(head_of(query=f"name={name}"), b""):
                assert flask.request.args["name"] == name
                flask.g.seen = getattr(flask.g, "seen", 0) + 1
                assert flask.g.seen == 1  # nothing is left of the one before


class TestUrl:
    def test_is_made_of_the_host_header(self) -> None:
        head = head_of(query="a=1&b=%20x", headers=[("host", "example.test:8080")])
        with flask_requests.request_context(head, b""):
            request = flask.request
            assert request.url == "http://example.test:8080/score?a=1&b=%20x"
            assert (request.path, request.full_path) == ("/score", "/score?a=1&b=%20x")
            assert request.host == "example.test:8080"
            assert request.args.to_dict() == {"a": "1", "b": " x"}
            assert repr(request) == f"<Request '{request.url}' [POST]>"

    def test_without_a_query_has_a_question_mark_in_its_full_path(self) -> None:
        with flask_requests.request_context(head_of(), b""):
            assert flask.request.full_path == "/score?"

    @pytest.mark.parametrize(
        ("path", "query", "raw"),
        [(b"/score", "", "/score"), (b"//score", "a=%20", "//score?a=%20")],
    )
    def test_is_kept_as_it_was_sent(self, path: bytes, query: str, raw: str) -> None:
        environ = environ_of(replace(head_of(query=query), path=path))
        assert (environ["RAW_URI"], environ["PATH_INFO"]) == (raw, "/score")


class TestScheme:
    @pytest.mark.parametrize("peer", ["127.0.0.1:50000", "::1:50000"])
    @pytest.mark.parametrize(
        "header",
        [
            ("x-forwarded-proto", "https"),
            ("x-forwarded-protocol", "ssl"),
            ("x-forwarded-ssl", "on"),
        ],
    )
    def test_is_what_a_proxy_on_this_host_says(self, peer: str, header: tuple[str, str]) -> None:
        assert environ_of(head_from(peer, [header]))["wsgi.url_scheme"] == "https"

    @pytest.mark.parametrize("peer", ["192.0.2.1:50000", "127.0.0.2:50000", ""])
    def test_is_not_what_anybody_else_says(self, peer: str) -> None:
        environ = environ_of(head_from(peer, [("x-forwarded-proto", "https")]))
        assert environ["wsgi.url_scheme"] == "http"
        assert environ["HTTP_X_FORWARDED_PROTO"] == "https"  # the script may judge for itself

    @pytest.mark.parametrize("value", ["http", "HTTPS", "", "https, http"])
    def test_is_https_for_exactly_that_word(self, value: str) -> None:
        environ = environ_of(head_from("127.0.0.1:1", [("x-forwarded-proto", value)]))
        assert environ["wsgi.url_scheme"] == "http"

    def test_is_else_that_of_the_connection(self) -> None:
        environ = environ_of(head_from("192.0.2.1:1", scheme=b"https"))
        assert environ["wsgi.url_scheme"] == "https"


class TestHeaders:
    def test_are_in_the_environ(self) -> None:
        headers = [
            ("content-type", "text/plain"),
            ("content-length", "4"),
            ("x-one", "1"),
            ("x-one", "2"),
            ("authorization", "Bearer abc"),
            ("x-latin", "\xe9"),
        ]
        environ = environ_of(head_of(headers=headers), b"body")
        assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]) == ("text/plain", "4")
        assert environ["HTTP_X_ONE"] == "1,2"
        assert environ["HTTP_AUTHORIZATION"] == "Bearer abc"
        assert environ["HTTP_X_LATIN"] == "\xe9"

    def test_with_underscores_cannot_pose_as_others(self) -> None:
        headers = [("x_user", "evil"), ("x-user", "good"), ("content_length", "9"), ("a_b", "c")]
        environ = environ_of(head_of(headers=headers))
        assert environ["HTTP_X_USER"] == "good"
        assert not {"CONTENT_LENGTH", "HTTP_CONTENT_LENGTH", "HTTP_A_B"} & environ.keys()

    def test_are_iterated_as_pairs(self) -> None:
        with flask_requests.request_context(head_of(headers=[("x-one", "1")]), b""):
            assert list(flask.request.headers) == [("X-One", "1")]


def test_the_client_is_the_peer() -> None:
    environ = environ_of(head_from("192.0.2.1:50000"))
    assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"]) == ("192.0.2.1", "50000")
    assert environ_of(head_from("fe80::1:443"))["REMOTE_ADDR"] == "fe80::1"
    with flask_requests.request_context(head_from("192.0.2.1:50000"), b""):
        assert flask.request.remote_addr == "192.0.2.1"


def test_the_protocol_is_the_clients() -> None:
    head = replace(head_of(), http_version=b"1.0")
    assert environ_of(head)["SERVER_PROTOCOL"] == "HTTP/1.0"


class TestBody:
    @pytest.mark.parametrize(
        "headers", [[], [("content-length", "4")], [("transfer-encoding", "chunked")]]
    )
    def test_is_there_whether_or_not_its_length_was_told(self, headers: Headers) -> None:
        with flask_requests.request_context(head_of(headers=list(headers)), b"body"):
            assert flask.request.get_data() == b"body"
            assert flask.request.get_data(as_text=True) == "body"

    def test_may_be_json(self) -> None:
        with flask_requests.request_context(head_of(), b'{"a": 1}'):
            assert flask.request.is_json
            assert flask.request.json == flask.request.get_json() == {"a": 1}

    def test_may_be_a_form(self) -> None:
        head = head_of(headers=[("content-type", "application/x-www-form-urlencoded")])
        with flask_requests.request_context(head, b"a=1&a=2"):
            assert flask.request.form.getlist("a") == ["1", "2"]
            assert flask.request.data == b""

    def test_may_be_files(self) -> None:
        body = (
            b"--edge\r\ncontent-disposition: form-data; name=image; filename=a.png\r\n\r\n"
            b"\x89PNG\r\n--edge--\r\n"
        )
        head = head_of(headers=[("content-type", "multipart/form-data; boundary=edge")])
        with flask_requests.request_context(head, body):
            (file,) = flask.request.files.getlist("image")
            assert (file.filename, file.read()) == ("a.png", b"\x89PNG")

    def test_may_be_a_view_and_outlives_it(self) -> None:
        """The receive buffer is used again while the script has the request."""
        buffer = bytearray(b"body")
        context = flask_requests.request_context(head_of(), memoryview(buffer))
        buffer[:] = b"next"
        with context:
            assert flask.request.get_data() == b"body"


class TestFinish:
    def test_takes_a_response_apart(self) -> None:
        response = flask.Response("body", 201, {"X-One": "1"})
        status, headers, body, streamed = flask_requests.finish(response, head_of())
        assert (status, b"".join(body), streamed) == (201, b"body", False)
        assert ("X-One", "1") in headers

    def test_says_whether_it_is_streamed(self) -> None:
        response = flask.Response(part for part in ("a", "b"))
        *_, body, streamed = flask_requests.finish(response, head_of())
        assert (list(body), streamed) == ([b"a", b"b"], True)
