"""The floor: the least an ASGI server can do for an entry script. Runs inside uvicorn.

It reads the body, calls `run(body.decode())` inline on the event loop and answers JSON. No ids, no
timeouts, no metrics, no error replies, no swagger: what a full server costs beyond this is what
its features cost. `uvicorn --factory floor:create_app` with AZUREML_ENTRY_SCRIPT set starts it.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
Run = Callable[[str], Any]

JSON_TYPE = (b"content-type", b"application/json")


def load_run(entry_script: Path) -> Run:
    """Import the entry script, call its init() and return its run()."""
    spec = importlib.util.spec_from_file_location("entry_module", entry_script)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import {entry_script}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.init()
    run: Run = module.run
    return run


async def read_body(receive: Receive) -> bytes:
    """Return the whole body of the request; the common case of one message costs no join."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body
    parts = [body]
    while message.get("more_body", False):
        message = await receive()
        parts.append(message.get("body", b""))
    return b"".join(parts)


def create_app() -> Application:
    """Return the application: any POST is scored, everything else is `Healthy`."""
    run = load_run(Path(os.environ["AZUREML_ENTRY_SCRIPT"]))

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            body = await read_body(receive)
            content = json.dumps(run(body.decode())).encode()
        else:
            content = b'"Healthy"'
        length = (b"content-length", b"%d" % len(content))
        await send({"type": "http.response.start", "status": 200, "headers": [JSON_TYPE, length]})
        await send({"type": "http.response.body", "body": content})

    return app
