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

from scoreserve.errors import NotReady, ReplyError
from scoreserve.front.api.asgi import Receive
from scoreserve.front.messages.replies import HTML, JSON, Replies, Reply
from scoreserve.front.workers.dispatch_loop import DispatchLoop
from scoreserve.front.workers.snapshot import WorkersSnapshot
from scoreserve.wire import RequestHead

NO_STORE = (b"cache-control", b"no-store")


class Workers(Protocol):
    """What is asked of the supervisor."""

    def not_ready(self) -> NotReady | None: ...

    def report(self) -> WorkersSnapshot: ...


class Health:
    """Answers `/`."""

    def __init__(self, replies: Replies, not_ready: Callable[[], ReplyError | None]) -> None:
        self._replies = replies
        self._not_ready = not_ready

    async def __call__(self, head: RequestHead, receive: Receive) -> Reply:
        instead = self._replies.instead(head, self._not_ready())
        return instead or self._replies.ok(head, HTML, b"Healthy")


class Live:
    """Answers /health/live."""

    def __init__(self, replies: Replies) -> None:
        self._replies = replies

    async def __call__(self, head: RequestHead, receive: Receive) -> Reply:
        instead = self._replies.instead(head, None)
        return instead or self._replies.ok(head, JSON, b'{"status": "live"}', NO_STORE)


class Ready:
    """Answers /health/ready. `draining`: the server is to stop, and takes no new work.

    `batching` gives what is to be shown of it, or None.
    """

    def __init__(
        self,
        replies: Replies,
        workers: Workers,
        dispatcher: DispatchLoop,
        draining: Callable[[], bool] = lambda: False,
        batching: Callable[[], Mapping[str, Any] | None] = lambda: None,
    ) -> None:
        self._replies = replies
        self._workers = workers
        self._dispatcher = dispatcher
        self._draining = draining
        self._batching = batching

    async def __call__(self, head: RequestHead, receive: Receive) -> Reply:
        instead = self._replies.instead(head, None)
        if instead is not None:
            return instead
        body = json.dumps(self._details()).encode()
        return self._replies.ok(head, JSON, body, NO_STORE, status=200 if self.is_ready() else 503)

    def is_ready(self) -> bool:
        """Whether requests should be sent here."""
        return not self._draining() and self._workers.not_ready() is None

    def _details(self) -> dict[str, Any]:
        report = self._workers.report()
        return {
            **self._status(report),
            "workers": report.states,
            "processes": [worker._asdict() for worker in report.workers],
            "queued": self._dispatcher.queued,
            "draining": self._draining(),
            "last_death": report.last_death and report.last_death._asdict(),
            "last_reload": report.last_reload or None,
            "batching": self._batching(),
        }

    def _status(self, report: WorkersSnapshot) -> dict[str, Any]:
        if self._draining():
            return {"status": "draining", "message": "The server is stopping."}
        error = self._workers.not_ready()
        if error is None:
            return {"status": "ready"}
        return {
            "status": "starting",
            "message": error.message,
            "stage": report.stage or None,
            "stage_seconds": report.stage_seconds,
        }
