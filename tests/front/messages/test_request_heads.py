"""Heads that come again: the same bytes mean the same, and nothing else does."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreserve import heads
from scoreserve.front.messages.request_heads import CachedHead, HeadCache
from scoreserve.heads import RequestHead
from tests.front.conftest import FakeFront
from tests.front.connections import Connection
from tests.front.fakes import request_head

HEAD = request_head(content_length="3")
BLOCK = b"POST /score HTTP/1.1\r\ncontent-length: 3\r\n\r\n"


def known(block: bytes = BLOCK, head: RequestHead = HEAD) -> HeadCache:
    heads = HeadCache()
    heads.remember(block + b"abc", head)
    return heads


def test_a_whole_request_with_the_same_head_is_found() -> None:
    head = known().find(BLOCK + b"xyz")
    assert head is not None
    assert (head.method, head.path, head.headers) == (HEAD.method, HEAD.path, HEAD.headers)
    assert (head.client, head.block) == (b"", BLOCK)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(BLOCK + b"xy", id="part of the body"),
        pytest.param(BLOCK + b"xyz" + BLOCK, id="another request behind it"),
        pytest.param(BLOCK[:-2], id="part of the head"),
        pytest.param(BLOCK.replace(b"3", b"4") + b"wxyz", id="another length"),
        pytest.param(BLOCK.replace(b"content", b"Content") + b"xyz", id="other letters"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"\r\n\r\n", id="empty lines"),
    ],
)
def test_anything_else_is_left_to_the_parser(data: bytes) -> None:
    heads = known()
    assert heads.find(data) is None
    assert heads.find(BLOCK + b"xyz") is not None
    assert heads.find(data) is None


@pytest.mark.parametrize(
    ("block", "head"),
    [
        pytest.param(b"\r\n\r\n" + BLOCK, HEAD, id="empty lines before it"),
        pytest.param(BLOCK[:-2], HEAD, id="in pieces"),
        pytest.param(BLOCK, request_head(transfer_encoding="chunked"), id="chunked"),
        pytest.param(BLOCK, request_head(content_length="+3"), id="no length"),
        pytest.param(b"x: %b\r\n" % (b"y" * 5000) + BLOCK, HEAD, id="long"),
    ],
)
def test_heads_that_do_not_say_it_all_are_not_remembered(block: bytes, head: RequestHead) -> None:
    heads = known(block, head)
    assert heads.find(block + b"xyz") is None
    assert heads.find(b"\r\n\r\n" + b"xyz") is None


def test_heads_may_take_turns() -> None:
    heads = known()
    other = BLOCK.replace(b"3", b"5")
    heads.remember(other, request_head(content_length="5"))
    for _ in range(3):
        for block, body in ((BLOCK, b"abc"), (other, b"vwxyz")):
            head = heads.find(block + body)
            assert head is not None
            assert (head.block, head.request_bytes) == (block, len(block + body))
    heads.forget()
    assert heads.find(BLOCK + b"abc") is None


def test_too_many_heads_are_forgotten() -> None:
    heads = HeadCache()
    for number in range(5000):
        block = b"POST /score?%d HTTP/1.1\r\ncontent-length: 3\r\n\r\n" % number
        heads.remember(block, HEAD)
        assert heads.find(block + b"abc") is not None
    assert len(heads._heads) < 2000


@given(st.binary(max_size=8), st.binary(max_size=8))
def test_encoded_around_a_client_is_encoded_with_it(client: bytes, request_id: bytes) -> None:
    client, request_id = client.replace(b"\0", b""), request_id.replace(b"\0", b"")
    before, after = CachedHead(HEAD, BLOCK, 3).around_client
    block = b"%b%b%b%b" % (before, client, after, request_id)
    assert heads.decode_head(block) == replace(HEAD, client=client, request_id=request_id)


SCORE = b"POST /score HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\n"
NEW_ID = rb"[0-9a-f-]{36}"
PIECES = [
    SCORE + b"abc",
    SCORE + b"xyz",
    SCORE + b"ab",
    b"c",
    SCORE + b"abc" + SCORE + b"xyz",
    SCORE[:20],
    SCORE[20:] + b"abc",
    b"\r\n" + SCORE + b"abc",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n" + SCORE + b"abc",
    SCORE + b"abc" + b"GET / HTTP/1.1\r\n\r\n",
    b"GET /score?a=1 HTTP/1.1\r\n\r\n",
    SCORE.replace(b"a\r\n", b"a\r\nconnection: close\r\n") + b"abc",
    SCORE.replace(b"a\r\n", b"a\r\nx-request-id: mine\r\n") + b"abc",
    b"POST /score HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"POST /score HTTP/1.0\r\ncontent-length: 3\r\n\r\nabc",
    b"nonsense\r\n\r\n",
]


def asked_and_answered(pieces: list[bytes], *, remember: bool) -> tuple[list[Any], list[Any]]:
    """What the worker was asked, and what the client was answered, without what varies."""
    front = FakeFront()
    front.attach()
    asked: list[Any] = []

    async def run() -> list[Any]:
        connection = Connection(front, fast=True)
        for piece in pieces:
            if connection.transport.closed:
                break
            if not remember:
                front.parts.fast_path.head_cache.forget()
            await connection.send(piece)
            front.hand_over()
            asked.extend(
                (replace(heads.decode_head(job.head), request_id=b""), job.body)
                for job in front.worker.in_flight
            )
            await connection.work()
        answers = connection.responses
        if not connection.transport.closed:
            await connection.leave()
        return [
            (answer.status, sorted(answer.headers), re.sub(NEW_ID, b"", answer.body))
            for answer in answers
        ]

    answers = asyncio.run(run())
    return asked, answers


@given(st.lists(st.sampled_from(PIECES), max_size=8))
def test_remembering_changes_nothing(pieces: list[bytes]) -> None:
    assert asked_and_answered(pieces, remember=True) == asked_and_answered(pieces, remember=False)


def test_the_second_request_is_not_parsed_again(front: FakeFront) -> None:
    front.attach()

    async def run() -> None:
        connection = Connection(front, fast=True)
        await connection.send(SCORE + b"abc")
        await connection.work()
        connection.protocol.parser = None  # type: ignore[assignment]
        await connection.send(SCORE + b"xyz")
        await connection.work()
        assert [answer.status for answer in connection.responses] == [200, 200]

    asyncio.run(run())
