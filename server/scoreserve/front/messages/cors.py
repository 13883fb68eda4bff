"""CORS headers as flask-cors sets them for the reference: methods GET and POST, literal origins.

The rules are flask-cors 6's, with the options that the reference gives it. They are not
Starlette's or the Fetch standard's: a request without an Origin header gets the first of the
allowed ones, an origin needs no scheme, and one that looks like a regular expression is one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_METHODS = "GET, POST"
_REGEX_HINTS = frozenset("*\\]?$^[()")

HeaderList = list[tuple[bytes, bytes]]


class Cors:
    """`origins` is a comma-separated list; `*` allows all. Raises ValueError: no valid pattern."""

    def __init__(self, origins: str) -> None:
        names = [origin.strip() for origin in origins.split(",")]
        self._wildcard = "*" in names
        self._several = len(names) > 1
        self._literal = sorted(name for name in names if _REGEX_HINTS.isdisjoint(name))
        self._folded = {name.casefold() for name in self._literal}
        self._patterns = []
        for name in names:
            if not _REGEX_HINTS.isdisjoint(name):
                try:
                    pattern = re.compile(".*" if name == "*" else name, re.IGNORECASE)
                except re.error as error:
                    raise ValueError(f"{name!r} is no origin: {error}") from None
                self._patterns.append(pattern)

    def headers(self, method: bytes, request: Mapping[bytes, bytes]) -> HeaderList:
        """The headers to add to a response, given the request's method and headers."""
        allowed = self._allowed(request.get(b"origin", b"").decode("latin-1"))
        if not allowed:
            return []
        headers = [
            (b"access-control-allow-origin", origin.encode("latin-1"))
            for origin in allowed
            if origin
        ]
        asked = request.get(b"access-control-request-method", b"").decode("latin-1").upper()
        if method == b"OPTIONS" and asked and asked in _METHODS:
            wanted = request.get(b"access-control-request-headers", b"")
            names = sorted(name.strip() for name in wanted.split(b","))
            if wanted:
                headers.append((b"access-control-allow-headers", b", ".join(names)))
            headers.append((b"access-control-allow-methods", _METHODS.encode()))
        if request.get(b"access-control-request-private-network") == b"true":
            headers.append((b"access-control-allow-private-network", b"false"))
        if allowed != ["*"] and (self._several or self._patterns):
            headers.append((b"vary", b"Origin"))
        return headers

    def _allowed(self, origin: str) -> list[str]:
        if not origin:
            return ["*"] if self._wildcard else self._literal[:1]
        matches = origin.casefold() in self._folded or any(
            pattern.match(origin) for pattern in self._patterns
        )
        return [origin] if matches else []
