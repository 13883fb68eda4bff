"""The way to the workspace: a proxy that connects whoever asks for a host of Azure with it, and
refuses all others, so that nothing leaves the machine.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.http_server import serving
from tests.images.sdk.workspace import hosts

_BLOCK = 65_536  # bytes


@contextlib.contextmanager
def proxy(port: int) -> Iterator[str]:
    """Connects with this port of this machine; the proxy's URL, for HTTPS_PROXY."""

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            host = self.path.partition(":")[0]
            if host not in hosts.ALL:
                self.send_error(403, f"{host} is not of the workspace")
                return
            self.send_response(200)
            self.end_headers()
            self.close_connection = True
            with socket.create_connection(("127.0.0.1", port)) as workspace:
                back = threading.Thread(target=_copy, args=(workspace, self.connection))
                back.start()
                _copy(self.connection, workspace)
                back.join()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with serving(Handler) as own_port:
        yield f"http://127.0.0.1:{own_port}"


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Until either has ended; then both have."""
    with contextlib.suppress(OSError):
        while data := source.recv(_BLOCK):
            target.sendall(data)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
