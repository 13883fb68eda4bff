"""The harness itself: it must see what differs, and refuse cases that check nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .case_files import load_cases
from .comparison import compare
from .differences import Difference, Everywhere, Table
from .executables import Missing, reference_executable
from .fields import Seen
from .messages import Headers, OursInstead, Outcome, Reply, Request
from .output import missing, missing_in_order
from .request_parser import parse_request

JSON: Headers = (("Content-Type", "application/json"),)
ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"


def request(**entry: object) -> Request:
    return parse_request({"body": "x", "status": 200, **entry}, "here")


def reply(body: str = "{}", headers: Headers = JSON, status: int = 200) -> Reply:
    return Reply(Outcome.REPLY, status, headers, body.encode())


def differing(
    reference: Reply, ours: Reply, asked: Request | None = None, table: Table | None = None
) -> list[str]:
    """The fields in which two replies differ."""
    sides = Seen(reference, {"/a": "<root>"}), Seen(ours, {"/b": "<root>"})
    return [m.field for m in compare(asked or request(), *sides, table or {})]


@pytest.mark.parametrize(
    ("reference", "ours"),
    [
        ('{"a": [1, NaN]}', '{"a":[1,NaN]}'),
        ('"\\u00e9"', '"é"'),
        ('{"root": "/a"}', '{"root": "/b"}'),
    ],
)
def test_json_is_compared_as_json(reference: str, ours: str) -> None:
    assert differing(reply(reference), reply(ours)) == []


@pytest.mark.parametrize(
    ("reference", "ours"),
    [
        ("1", "1.0"),
        ("1", "true"),
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}'),
        ('{"a": 1, "a": 1}', '{"a": 1}'),
        ("NaN", "null"),
        ("{}", "not json"),
    ],
)
def test_different_json_differs(reference: str, ours: str) -> None:
    assert "body" in differing(reply(reference), reply(ours))


def test_text_is_compared_as_bytes() -> None:
    text = (("Content-Type", "text/plain"),)
    assert differing(reply("[1, 2]", text), reply("[1,2]", text)) == ["body"]


def test_status_outcome_and_headers() -> None:
    assert differing(reply(), reply(status=201)) == ["status"]
    assert differing(reply(), Reply(Outcome.CLOSED, 200, JSON, b"{}")) == ["status"]
    assert differing(reply(), reply(headers=(*JSON, ("X-A", "b")))) == ["header x-a"]
    twice = (*JSON, ("X-A", "b"), ("X-A", "b"))
    assert differing(reply(headers=twice), reply(headers=twice[:-1])) == ["header x-a"]
    assert differing(reply(), reply(headers=(("content-TYPE", "application/json"),))) == []
    assert differing(reply(), reply(headers=(*JSON, ("Date", "now"), ("Server", "x")))) == []


def test_the_length_of_json_is_not_compared() -> None:
    def length(text: str) -> Reply:
        return reply("", (*JSON, ("Content-Length", text)))

    head = request(method="HEAD")
    assert differing(length("33"), length("32"), head) == []
    assert differing(length("33"), length("32")) == ["header content-length"]


def test_made_up_ids_may_differ_but_not_their_relation() -> None:
    def ids(first: str, second: str) -> Reply:
        return reply(headers=(*JSON, ("x-request-id", first), ("x-ms-request-id", second)))

    assert differing(ids(ONE, ONE), ids(TWO, TWO)) == []
    assert differing(ids(ONE, ONE), ids(ONE, TWO))
    assert differing(ids(ONE, ONE), ids("no uuid", "no uuid"))
    sent = request(headers=[["x-request-id", ONE]])
    assert differing(ids(ONE, ONE), ids(TWO, TWO), sent)


def test_times_are_compared_by_shape() -> None:
    def took(text: str) -> Reply:
        return reply(headers=(*JSON, ("x-ms-run-fn-exec-ms", text)))

    assert differing(took("0.123"), took("45.678")) == []
    assert differing(took("0.123"), took("1.2e-2"))


ROW = Difference("row", "", "", "", OursInstead(status=201), frozenset(), None)


def test_a_difference_must_be_there_and_be_as_stated() -> None:
    asked = request(difference="row", ours={"json": {"a": 1}, "headers": {"x-a": "/^b/"}})
    table = {"row": ROW}
    right = reply('{"a": 1}', (*JSON, ("x-a", "bcd")), 201)
    assert differing(reply(), right, asked, table) == []
    assert differing(reply(), reply(), asked, table) == ["difference"]
    assert differing(reply(), reply('{"a": 1}', (*JSON, ("x-a", "bcd"))), asked, table) == [
        "status"
    ]
    assert differing(reply(), reply('{"a": 2}', right.headers, 201), asked, table) == ["body"]
    assert differing(reply(), reply('{"a": 1}', (*JSON, ("x-a", "c")), 201), asked, table) == [
        "header x-a"
    ]
    extra = reply('{"a": 1}', (*right.headers, ("x-new", "1")), 201)
    assert differing(reply(), extra, asked, table) == ["header x-new"]


def test_without_a_reply_of_the_reference_only_what_is_stated_counts() -> None:
    asked = request(difference="row", ours={"headers": {"x-a": None}})
    gone = Reply(Outcome.CLOSED)
    assert differing(gone, reply(status=201), asked, {"row": ROW}) == []
    assert differing(gone, reply(status=500), asked, {"row": ROW}) == ["status"]
    with_header = reply(headers=(("x-a", "b"),), status=201)
    assert differing(gone, with_header, asked, {"row": ROW}) == ["header x-a"]


def test_a_difference_everywhere_holds_unless_named() -> None:
    everywhere = Everywhere("x-v", re.compile("ref/1"), re.compile("ours/1"))
    table = {"row": Difference("row", "", "", "", None, frozenset(), everywhere)}

    def version(text: str) -> Reply:
        return reply(headers=(*JSON, ("x-v", text)))

    assert differing(version("ref/1"), version("ours/1"), table=table) == []
    assert differing(version("ref/1"), version("ref/1"), table=table) == ["header x-v"]
    assert differing(version("ref/1"), reply(), table=table) == ["header x-v"]
    named = request(difference="row", ours={"headers": {"x-v": "ours/2"}})
    assert differing(version("ref/1"), version("ours/2"), named, table) == []


def test_lines_and_their_order() -> None:
    output = "2024 first\nsecond line\nthird"
    assert missing(["second", "/^third$/", "/^first/"], output) == ["/^first/"]
    assert missing_in_order(["first", "second", "third"], output) == []
    assert missing_in_order(["second", "first"], output) == ["first (in this order)"]


@pytest.mark.parametrize(
    "case",
    [
        "{name: a, script: '', requests: [{status: 200, boddy: x}]}",
        "{name: a, script: '', requests: [{body: x}]}",
        "{name: a, script: ''}",
        "{name: a, requests: [{status: 200}]}",
        "{name: a, script: '', exits: 3, requests: [{status: 200}]}",
        "{name: a, script: '', requests: [{status: 200, headers: [[x-a, 5]]}]}",
        "{name: a, script: '', requests: [{status: 200, ours: {status: 5}}]}",
        "{name: a, script: '', logs: [a], env: {A: 1}}",
    ],
)
def test_a_case_that_checks_nothing_or_is_mistyped_is_refused(case: str, tmp_path: Path) -> None:
    (tmp_path / "some.yaml").write_text(f"cases: [{case}]")
    with pytest.raises(ValueError, match=r"some\.yaml"):
        load_cases(tmp_path)


def test_a_missing_reference_is_an_error_that_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCORESERVE_REFERENCE", "/nowhere/azmlinfsrv")
    with pytest.raises(Missing, match=r"make \.venv-reference"):
        reference_executable()
