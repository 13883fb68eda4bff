"""Request ids: which ones an answer carries."""

from __future__ import annotations

import uuid

import pytest

from scoreserve.errors import IdTooLong
from scoreserve.front.messages.request_ids import identify

REQUEST, LEGACY, CLIENT, TRACE = (
    b"x-request-id",
    b"x-ms-request-id",
    b"x-ms-client-request-id",
    b"traceid",
)
LONGEST = b"i" * 100
TOO_LONG = b"i" * 101


def ids_of(*headers: tuple[bytes, bytes]) -> dict[bytes, bytes]:
    """The id headers of the answer, each of which is there once."""
    found = identify([(b"host", b"example"), *headers, (b"accept", b"*/*")]).headers
    assert len(dict(found)) == len(found)
    return dict(found)


def refused(*headers: tuple[bytes, bytes]) -> IdTooLong:
    with pytest.raises(IdTooLong) as caught:
        identify(headers)
    return caught.value


def test_new_ids_are_version_4_uuids_and_never_repeat() -> None:
    found = [identify([]).request_id.decode() for _ in range(2000)]  # several pools of them
    assert len(set(found)) == len(found)
    for text in found:
        parsed = uuid.UUID(text)
        assert (parsed.version, parsed.variant, str(parsed)) == (4, uuid.RFC_4122, text)


def test_without_any_a_new_one_is_the_x_ms_request_id_too() -> None:
    found = ids_of()
    assert found == {REQUEST: found[REQUEST], LEGACY: found[REQUEST]}


def test_a_clients_request_id_is_kept() -> None:
    assert ids_of((REQUEST, b"a")) == {REQUEST: b"a", LEGACY: b"a"}
    assert identify([(REQUEST, b"a")]).request_id == b"a"


@pytest.mark.parametrize("name", [LEGACY, CLIENT])
def test_either_of_the_other_two_stands_for_both(name: bytes) -> None:
    found = ids_of((name, b"b"))
    assert (found[LEGACY], found[CLIENT]) == (b"b", b"b")
    assert found[REQUEST] != b"b"


def test_all_three_may_differ() -> None:
    sent = {REQUEST: b"a", LEGACY: b"b", CLIENT: b"c"}
    assert ids_of(*sent.items()) == sent


def test_a_trace_id_is_echoed() -> None:
    assert ids_of((TRACE, b"t"))[TRACE] == b"t"
    assert TRACE not in ids_of()


@pytest.mark.parametrize("name", [REQUEST, LEGACY, CLIENT, TRACE])
def test_repeated_headers_are_joined_as_wsgi_does(name: bytes) -> None:
    assert ids_of((name, b"a"), (name, b"b"))[name] == b"a,b"


def test_an_empty_request_id_is_answered_with_none() -> None:
    assert ids_of((REQUEST, b"")) == {}


@pytest.mark.parametrize("name", [LEGACY, CLIENT])
def test_an_empty_other_id_is_as_good_as_none(name: bytes) -> None:
    assert set(ids_of((name, b""))) == {REQUEST, LEGACY}


@pytest.mark.parametrize("name", [REQUEST, LEGACY, CLIENT])
def test_a_hundred_characters_are_allowed(name: bytes) -> None:
    assert ids_of((name, LONGEST))[name] == LONGEST


def test_an_x_request_id_of_more_is_refused_and_not_echoed() -> None:
    error = refused((REQUEST, TOO_LONG), (TRACE, b"t"))
    assert (error.status, error.headers) == (431, [(TRACE, b"t")])
    assert error.message == "x-request-id must not exceed 100 characters"


@pytest.mark.parametrize("name", [LEGACY, CLIENT])
def test_another_id_of_more_is_refused_under_the_request_id(name: bytes) -> None:
    error = refused((REQUEST, b"a"), (name, TOO_LONG), (TRACE, b"t"))
    assert (error.status, error.headers) == (431, [(REQUEST, b"a"), (TRACE, b"t")])
    assert error.message == (
        "x-ms-request-id and x-ms-client-request-id must not exceed 100 characters"
    )


def test_a_trace_id_may_have_any_length() -> None:
    assert ids_of((TRACE, TOO_LONG))[TRACE] == TOO_LONG
