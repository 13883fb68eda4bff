"""CORS headers, as flask-cors 6 sets them with the options that the reference gives it."""

from __future__ import annotations

import pytest

from scoreserve.front.messages.cors import Cors

A, B = "http://a.test", "https://b.test:8443"
PATTERN = r"http://.*\.c\.test"

Headers = list[tuple[str, str]]


def headers(origins: str, method: str = "POST", **request: str) -> Headers:
    """What is added to the response; the request's headers are given with underscores."""
    named = {name.replace("_", "-").encode(): text.encode() for name, text in request.items()}
    added = Cors(origins).headers(method.encode(), named)
    return [(name.decode(), text.decode()) for name, text in added]


def allows(origin: str) -> tuple[str, str]:
    return ("access-control-allow-origin", origin)


METHODS = ("access-control-allow-methods", "GET, POST")
VARY = ("vary", "Origin")


class TestOrigin:
    @pytest.mark.parametrize(
        ("origins", "origin", "added"),
        [
            ("*", A, [allows(A), VARY]),
            (A, A, [allows(A)]),
            (f"{A},{B}", B, [allows(B), VARY]),
            (f"{A} , {B}", B, [allows(B), VARY]),
            (PATTERN, "http://sub.c.test", [allows("http://sub.c.test"), VARY]),
            (f"{A},*", "null", [allows("null"), VARY]),
            ("www.a.test", "www.a.test", [allows("www.a.test")]),
            ("http://A.Test", A, [allows(A)]),
            (A, "HTTP://A.TEST", [allows("HTTP://A.TEST")]),
            (PATTERN, "http://SUB.c.test", [allows("http://SUB.c.test"), VARY]),
            (PATTERN, "http://sub.c.test.evil", [allows("http://sub.c.test.evil"), VARY]),
        ],
        ids=[
            *("any", "the only one", "one of two", "spaces", "pattern", "any besides one"),
            *("no scheme", "capitals", "capitals asked", "capitals to a pattern", "a longer one"),
        ],
    )
    def test_that_is_allowed_is_echoed(self, origins: str, origin: str, added: Headers) -> None:
        assert headers(origins, origin=origin) == added

    @pytest.mark.parametrize(
        ("origins", "origin"),
        [
            (A, "http://evil.test"),
            (A, f"{A}:80"),
            (A, "https://a.test"),
            (A, f"{A}/"),
            (A, "null"),
            ("www.a.test", "http://www.a.test"),
            (PATTERN, "http://c.test"),
            (PATTERN, "https://sub.c.test"),
        ],
    )
    def test_that_is_not_gets_no_header(self, origins: str, origin: str) -> None:
        assert headers(origins, origin=origin) == []
        assert headers(origins, "OPTIONS", origin=origin, access_control_request_method="GET") == []

    @pytest.mark.parametrize(
        ("origins", "added"),
        [
            ("*", [allows("*")]),
            (f"*,{A}", [allows("*")]),
            (A, [allows(A)]),
            (PATTERN, []),
            (f"{A},", [VARY]),
        ],
        ids=["any", "any besides one", "one", "a pattern", "a comma at the end"],
    )
    def test_that_is_not_told_is_taken_for_the_allowed_one(
        self, origins: str, added: Headers
    ) -> None:
        assert headers(origins) == added

    def test_that_cannot_be_a_pattern_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"http://\(a"):
            Cors("http://(a")


class TestPreflight:
    @pytest.mark.parametrize("method", ["GET", "POST", "post"])
    def test_for_our_methods_tells_them(self, method: str) -> None:
        added = headers(A, "OPTIONS", origin=A, access_control_request_method=method)
        assert added == [allows(A), METHODS]

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", ""])
    def test_for_other_methods_tells_none(self, method: str) -> None:
        added = headers(A, "OPTIONS", origin=A, access_control_request_method=method)
        assert added == [allows(A)]

    def test_without_a_method_tells_none(self) -> None:
        assert headers(A, "OPTIONS", origin=A) == [allows(A)]

    def test_is_an_options_request(self) -> None:
        assert headers(A, "GET", origin=A, access_control_request_method="GET") == [allows(A)]

    def test_allows_every_header_that_is_asked_for(self) -> None:
        added = headers(
            A,
            "OPTIONS",
            origin=A,
            access_control_request_method="POST",
            access_control_request_headers="x-b,Content-Type,  a",
        )
        assert added == [
            allows(A),
            ("access-control-allow-headers", "Content-Type, a, x-b"),
            METHODS,
        ]

    @pytest.mark.parametrize("method", ["OPTIONS", "POST"])
    def test_from_a_public_network_is_told_that_it_may_not(self, method: str) -> None:
        added = headers(A, method, origin=A, access_control_request_private_network="true")
        assert added == [allows(A), ("access-control-allow-private-network", "false")]
