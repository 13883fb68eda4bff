"""The health routes, answered by the front itself, at once, whatever run() does.

    /              the reference's: 200 `Healthy` while a worker can score, else 502
    /health/live   200 as long as the front answers; a container that does not is to be restarted
    /health/ready  200 while requests should be sent here, else 503, with JSON that says why

They carry no Retry-After: how long init() takes is not known, and probes keep their own time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response

from scoreserve.errors import NotReady, ReplyError
from scoreserve.front.api.requests import head_of
from scoreserve.front.api.responses import ReplyResponse
from scoreserve.front.messages.replies import HTML, JSON, Replies
from scoreserve.front.observe import process_usage
from scoreserve.front.workers.dispatch_loop import DispatchLoop
from scoreserve.front.workers.snapshot import WorkerSnapshot, WorkersSnapshot

NO_STORE = (b"cache-control", b"no-store")


class Workers(Protocol):
    """What is asked of the supervisor."""

    def not_ready(self) -> NotReady | None: ...

    def snapshot(self) -> WorkersSnapshot: ...


class Shutdown(Protocol):
    """Whether the server is to stop, and takes no new work."""

    @property
    def begun(self) -> bool: ...

    def error(self) -> ReplyError | None: ...


class Health:
    """Answers the three. `batching` and `model` give what is to be shown of them, or None."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it tells of is given
        self,
        replies: Replies,
        workers: Workers,
        dispatch: DispatchLoop,
        shutdown: Shutdown,
        batching: Callable[[], Mapping[str, Any] | None] = lambda: None,
        model: Callable[[], Mapping[str, Any] | None] = lambda: None,
    ) -> None:
        self._replies = replies
        self._workers = workers
        self._dispatch = dispatch
        self._shutdown = shutdown
        self._batching = batching
        self._model = model

    async def healthy(self, request: Request) -> Response:
        """Answers `/`."""
        error = self._shutdown.error() or self._workers.not_ready()
        if error is not None:
            raise error
        return ReplyResponse(self._replies.ok(head_of(request.scope), HTML, b"Healthy"))

    async def live(self, request: Request) -> Response:
        """Answers /health/live."""
        body = b'{"status": "live"}'
        return ReplyResponse(self._replies.ok(head_of(request.scope), JSON, body, NO_STORE))

    async def ready(self, request: Request) -> Response:
        """Answers /health/ready."""
        body = json.dumps(self._details()).encode()
        status = 200 if self.is_ready() else 503
        head = head_of(request.scope)
        return ReplyResponse(self._replies.ok(head, JSON, body, NO_STORE, status=status))

    def is_ready(self) -> bool:
        """Whether requests should be sent here."""
        return not self._shutdown.begun and self._workers.not_ready() is None

    def _details(self) -> dict[str, Any]:
        snapshot = self._workers.snapshot()
        return {
            **self._status(snapshot),
            "workers": snapshot.states,
            "processes": [_process(worker) for worker in snapshot.workers],
            "queued": self._dispatch.queued,
            "draining": self._shutdown.begun,
            "last_death": snapshot.last_death and snapshot.last_death._asdict(),
            "last_reload": snapshot.last_reload or None,
            "last_reload_seconds_ago": snapshot.last_reload_seconds_ago,
            "preload": snapshot.preload and snapshot.preload._asdict(),
            "batching": self._batching(),
            "model": self._model(),
        }

    def _status(self, snapshot: WorkersSnapshot) -> dict[str, Any]:
        if self._shutdown.begun:
            return {"status": "draining", "message": "The server is stopping."}
        error = self._workers.not_ready()
        if error is None:
            return {"status": "ready"}
        return {
            "status": "starting",
            "message": error.message,
            "stage": snapshot.stage or None,
            "stage_seconds": snapshot.stage_seconds,
        }


def _process(worker: WorkerSnapshot) -> dict[str, Any]:
    return {**worker._asdict(), "resident_bytes": process_usage.resident_bytes(worker.pid)}
