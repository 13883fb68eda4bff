"""Requests to a service of this machine."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_HOST = "127.0.0.1"


@dataclass(frozen=True)
class Answer:
    """Status, media type and body."""

    status: int
    content_type: str
    body: bytes


def status_of(port: int, path: str, seconds: float = 2.0) -> int | None:
    """The status of GET; None where nobody answers in time."""
    try:
        return get(port, path, seconds).status
    except OSError:
        return None


def get(port: int, path: str, seconds: float) -> Answer:
    """See `post`."""
    return _answer(port, seconds, "GET", path)


def post(port: int, path: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
    """One request, which may take `seconds`, on a connection of its own. Raises OSError; for an
    answer that breaks off too.
    """
    return _answer(port, seconds, "POST", path, body, dict(headers))


def _answer(port: int, seconds: float, *request: Any) -> Answer:
    connection = http.client.HTTPConnection(_HOST, port, timeout=seconds)
    try:
        connection.request(*request)
        with connection.getresponse() as response:
            return Answer(response.status, response.headers.get_content_type(), response.read())
    except http.client.HTTPException as error:
        raise ConnectionError(f"the answer broke off: {type(error).__name__}") from None
    finally:
        connection.close()
