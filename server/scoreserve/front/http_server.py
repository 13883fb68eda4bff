"""The HTTP server of the front: uvicorn around the ASGI application."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from typing import Any, cast

import uvicorn

from scoreserve.front import docs
from scoreserve.front.access_log import AccessLog
from scoreserve.front.app import Route, create_app
from scoreserve.front.cors import Cors
from scoreserve.front.dispatcher import Dispatcher
from scoreserve.front.health import Health, Live, Ready
from scoreserve.front.http_protocol import HttpProtocol
from scoreserve.front.metrics import Metrics
from scoreserve.front.metrics_endpoint import MetricsEndpoint, Sources
from scoreserve.front.replies import Replies
from scoreserve.front.score_endpoint import ScoreEndpoint
from scoreserve.front.scoring import Scoring
from scoreserve.front.short_road import ShortRoad
from scoreserve.front.supervisor import Supervisor
from scoreserve.front.swagger_endpoint import SwaggerEndpoint
from scoreserve.settings import Settings

# Longer than the 60 s for which load balancers commonly keep a connection: the side that reuses it
# must not be the one that finds it closed.
_KEEP_ALIVE_SECONDS = 75


class HttpServer(uvicorn.Server):
    """uvicorn's server without its signal handlers: the signals are `front.process`'s."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def make_server(
    settings: Settings,
    dispatcher: Dispatcher,
    supervisor: Supervisor,
    log: AccessLog,
    each_second: Callable[[], Awaitable[None]],
) -> HttpServer:
    """The server for these settings. `each_second` is awaited about once a second."""
    cors = Cors(settings.cors_origins) if settings.cors_origins else None
    replies = Replies(settings.version_header, cors)
    metrics = Metrics()
    scoring = Scoring(
        dispatcher,
        replies,
        supervisor.never_ready,
        lambda: supervisor.script.raw,
        metrics=metrics,
    )
    ready = Ready(replies, supervisor, dispatcher, draining=lambda: server.should_exit)
    sources = Sources(
        metrics,
        dispatcher,
        supervisor.report,
        ready.is_ready,
        lambda: cast("Iterable[HttpProtocol]", server.server_state.connections),
        settings.workers,
    )
    app = create_app(
        score=ScoreEndpoint(scoring, settings.max_body_bytes),
        swagger=SwaggerEndpoint(replies, supervisor.never_ready, lambda: supervisor.script.swagger),
        others={
            "/": Route(Health(replies, supervisor.not_ready)),
            "/health/live": Route(Live(replies)),
            "/health/ready": Route(ready),
            "/metrics": Route(MetricsEndpoint(replies, sources)),
            **docs.routes(),
        },
        log=log,
        metrics=metrics,
    )
    counters = metrics.route("/score")
    road = ShortRoad(scoring, settings.max_body_bytes, log, counters)
    config = uvicorn.Config(
        app,
        http=cast("Any", partial(HttpProtocol, short_road=road if settings.short_road else None)),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the reference shows scripts the peer's own address
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.drain_seconds,
        callback_notify=each_second,
        timeout_notify=1,
    )
    server = HttpServer(config)
    return server
