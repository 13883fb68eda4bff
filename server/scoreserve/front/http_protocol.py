"""uvicorn's HTTP protocol, mended where a client of ours would notice.

- A request that offers an upgrade (Java's client offers h2c with every first request) is answered
  as if it had not: httptools would stop before the body, and it would be lost.
- A status over 599, which a script may choose, has a status line.
"""

from __future__ import annotations

import re

from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_UPGRADE = re.compile(rb"(\r\nupgrade)(?=[ \t]*:)", re.IGNORECASE)
_HIDDEN = b"\r\nx-offer"  # of the same length, so that no offset changes

for _status in range(600, 1000):
    httptools_impl.STATUS_LINE.setdefault(_status, b"HTTP/1.1 %d \r\n" % _status)


class HttpProtocol(HttpToolsProtocol):
    """One client connection."""

    def data_received(self, data: bytes) -> None:
        # Looked for only where a request begins: in a body the word is the client's own.
        if b"pgrade" in data and (self.cycle is None or not self.cycle.more_body):
            head, blank, rest = data.partition(b"\r\n\r\n")
            data = _UPGRADE.sub(_HIDDEN, head) + blank + rest
        super().data_received(data)
