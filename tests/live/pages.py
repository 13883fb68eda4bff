"""Serves the front's application to a browser, over workers that are none."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send


class BehindProxy:
    """The application, behind a proxy that takes `prefix` off the path."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        inside = scope["path"].startswith(self._prefix + "/")
        path = scope["path"].removeprefix(self._prefix) if inside else "/outside the prefix"
        await self._app({**scope, "path": path, "raw_path": path.encode()}, receive, send)


@contextmanager
def serving(app: Any, port: int = 0) -> Iterator[str]:
    """Serves from a thread; gives the origin. The socket listens before anyone can connect."""
    config = uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", port)) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join()
