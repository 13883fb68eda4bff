"""Serves the workspace while a test uses it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from tests.images.sdk.workspace.application import application
from tests.images.sdk.workspace.certificate import Certificate, make_certificate
from tests.images.sdk.workspace.proxy import proxy
from tests.servers import wait_until


@dataclass(frozen=True)
class Workspace:
    """How the SDK gets there: by variables of its process."""

    proxy: str
    certificate: Path

    @property
    def environ(self) -> dict[str, str]:
        return {"HTTPS_PROXY": self.proxy, "REQUESTS_CA_BUNDLE": str(self.certificate)}


@contextmanager
def workspace(folder: Path, base: str, registry: Mapping[str, str]) -> Iterator[Workspace]:
    """Serves one; see `application`. The folder gets its certificate."""
    certificate = make_certificate(folder)
    with ExitStack() as stack:
        port = stack.enter_context(_serve(application(base, registry), certificate))
        yield Workspace(stack.enter_context(proxy(port)), certificate.chain)


@contextmanager
def _serve(app: Starlette, certificate: Certificate) -> Iterator[int]:
    """Serves an application with TLS in a thread; the port."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        ssl_certfile=certificate.chain,
        ssl_keyfile=certificate.key,
        log_level="warning",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, "the workspace is served")
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
