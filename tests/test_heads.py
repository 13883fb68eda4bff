"""Request heads: what is encoded is decoded, and what was damaged on the way is noticed."""

from __future__ import annotations

from dataclasses import astuple, replace
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreserve import heads
from scoreserve.heads import RequestHead
from scoreserve.wire import FrameError

field = st.binary().map(lambda text: text.replace(b"\0", b"-"))
heads_strategy = st.builds(
    RequestHead,
    *[field] * 6,
    headers=st.lists(st.tuples(field, field), max_size=5),
    request_id=st.just(b""),
)


class TestHead:
    @given(heads_strategy)
    def test_comes_out_as_it_went_in(self, head: RequestHead) -> None:
        assert heads.decode_head(heads.encode_head(head)) == head
        told = heads.decode_head(heads.encode_head(head, b"an id"))
        assert told == replace(head, request_id=b"an id")

    @given(heads_strategy, st.data())
    def test_with_a_zero_byte_is_never_sent(self, head: RequestHead, data: st.DataObject) -> None:
        fields = [head.request_id, *astuple(head)[:6], *chain.from_iterable(head.headers)]
        bad = data.draw(st.integers(0, len(fields) - 1))
        fields[bad] += b"\0"
        first, method, path, query, version, scheme, client, *rest = fields
        pairs = list(zip(rest[::2], rest[1::2], strict=True))
        bad_head = RequestHead(method, path, query, version, scheme, client, pairs)
        with pytest.raises(ValueError, match="zero byte"):
            heads.encode_head(bad_head, first)

    @given(heads_strategy)
    def test_with_a_name_but_no_value_is_refused(self, head: RequestHead) -> None:
        with pytest.raises(FrameError):
            heads.decode_head(heads.encode_head(head) + b"\0name")

    @pytest.mark.parametrize("fields", range(1, 7))
    def test_with_too_few_fields_is_refused(self, fields: int) -> None:
        with pytest.raises(FrameError):
            heads.decode_head(b"\0".join([b"field"] * fields))

    def test_merged_headers_are_what_wsgi_shows(self) -> None:
        headers = [(b"x-two", b" a"), (b"x-two", b"b\t"), (b"x_fake", b"c"), (b"x-one", b"\xe4")]
        head = RequestHead(b"GET", b"/", b"", b"1.1", b"http", b"", headers)
        assert head.merged_headers() == {"x-two": "a,b", "x-one": "ä"}

    def test_header_is_the_first_of_that_name(self) -> None:
        headers = [(b"accept", b"a"), (b"x-id", b"first"), (b"x-id", b"second")]
        head = RequestHead(b"GET", b"/", b"", b"1.1", b"http", b"", headers)
        assert head.header(b"x-id") == b"first"
        assert head.header(b"absent") is None
