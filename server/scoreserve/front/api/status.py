"""Answers /status: a page that shows what the server is doing.

    /status               the page, for everybody
    /status/details.json  the last failures; where keys are set, it needs one

The rest of what it shows is in /health/ready and /metrics.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from scoreserve.front.api.health import NO_STORE
from scoreserve.front.api.page_files import PageFiles, page_routes
from scoreserve.front.api.requests import head_of
from scoreserve.front.api.responses import ReplyResponse
from scoreserve.front.messages.replies import JSON, Replies
from scoreserve.front.observe.failures import Failures


class StatusDetails:
    """What /health/ready and /metrics do not say, since anybody may read them. `clock` tells the
    time in seconds.
    """

    def __init__(
        self,
        replies: Replies,
        title: str,
        failures: Failures,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._replies = replies
        self._title = title
        self._failures = failures
        self._clock = clock
        self._started = clock()

    async def details(self, request: Request) -> Response:
        """Answers /status/details.json."""
        told = {
            "title": self._title,
            "uptime_seconds": self._clock() - self._started,
            "failures": [failure._asdict() for failure in self._failures.latest()],
        }
        body = json.dumps(told).encode()
        return ReplyResponse(self._replies.ok(head_of(request.scope), JSON, body, NO_STORE))


def routes() -> list[BaseRoute]:
    """The routes of /status and of what the page loads."""
    return page_routes("/status", "status.html", PageFiles("status"))
