"""Lets in who has an API key. Only there where keys are set."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
from collections.abc import Iterable

from scoreserve.api_keys import read_keys
from scoreserve.errors import Unauthorized
from scoreserve.front.messages.replies import Replies, Reply
from scoreserve.heads import RequestHead
from scoreserve.settings import Settings

_log = logging.getLogger("azmlinfsrv")


class ApiKeyAuth:
    """Checks requests for one of the keys: those given, and those in the file while it has them.

    A preflight needs none: browsers send it without. Who answers OPTIONS must not let it reach the
    script.
    """

    def __init__(self, replies: Replies, keys: Iterable[str], file: str | None = None) -> None:
        self._replies = replies
        self._given = _digests(keys)
        self._file = file
        self._seen: tuple[int, ...] | None = None  # the file, as it was when it was read
        self._digests = self._given
        self.refresh()

    def refuse(self, head: RequestHead) -> Reply | None:
        """The reply to a request without a valid key, after which its connection ends: its body is
        not read. None lets it pass.
        """
        if head.method == b"OPTIONS" or self._admits(head.header(b"authorization") or b""):
            return None
        return self._replies.error(head, Unauthorized()).refusing()

    def refresh(self) -> None:
        """Reads the file if it has changed. One that cannot be used changes nothing but the log."""
        if self._file is None:
            return
        try:
            state = os.stat(self._file)
            seen: tuple[int, ...] = (state.st_mtime_ns, state.st_size, state.st_ino)
        except OSError:
            seen = ()
        if seen == self._seen:
            return
        first, self._seen = self._seen is None, seen
        try:
            keys = read_keys(self._file)
        except ValueError as error:
            _log.error("The API keys stay as they were: %s %s", self._file, error)
            return
        self._digests = self._given + _digests(keys)
        if not first:
            _log.info("Read %d API key(s) from %s", len(keys), self._file)

    def _admits(self, authorization: bytes) -> bool:
        scheme, _, key = authorization.partition(b" ")
        offered = hashlib.sha256(key.strip()).digest()
        # All are compared, each in constant time: how long it takes tells nothing of any key.
        matches = [hmac.compare_digest(offered, digest) for digest in self._digests]
        return any(matches) and scheme.lower() == b"bearer"


def make_auth(settings: Settings, replies: Replies) -> ApiKeyAuth | None:
    """The auth of a server with these settings, or None where all may come in."""
    if not settings.api_keys and not settings.api_keys_file:
        return None
    return ApiKeyAuth(replies, settings.api_keys or (), settings.api_keys_file)


def _digests(keys: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(hashlib.sha256(key.encode()).digest() for key in keys)
