"""Puts the front together: the one place that knows all its parts.

    assemble ─→ Front: counters, replies, score handler, application, fast path, limits of clients
    serve_with ─→ HttpServer: uvicorn's, with connections of ours

What is around the front is given: the workers, the dispatch loop with its clock, the access log. So
tests and benchmarks put together the same front over workers that are none.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Collection
from functools import partial
from typing import Any, NamedTuple, Protocol, cast

import uvicorn
from starlette.applications import Starlette
from uvicorn.server import ServerState

from scoreserve.errors import NotReady
from scoreserve.front.api.auth import ApiKeyAuth, make_auth
from scoreserve.front.api.docs import DocsDocument
from scoreserve.front.api.docs_document import Service
from scoreserve.front.api.health import Health
from scoreserve.front.api.metrics import MetricsEndpoint
from scoreserve.front.api.protocols import ProtocolEndpoints, ProtocolRoutes
from scoreserve.front.api.routes import Endpoints, create_app
from scoreserve.front.api.score import ScoreEndpoint
from scoreserve.front.api.score_handler import ScoreHandler
from scoreserve.front.api.status import StatusDetails
from scoreserve.front.api.swagger import Swagger
from scoreserve.front.http.connection import HttpConnection
from scoreserve.front.http.connection_limits import ClientTimeouts, ConnectionLimits
from scoreserve.front.http.fast_path import FastPath
from scoreserve.front.http.fd_limits import most_connections
from scoreserve.front.http.server import HttpServer
from scoreserve.front.http.shutdown_state import ShutdownState
from scoreserve.front.messages.cors import Cors
from scoreserve.front.messages.replies import Replies
from scoreserve.front.observe.batching_totals import BatchingTotals
from scoreserve.front.observe.counters import Metrics
from scoreserve.front.observe.failures import Failures
from scoreserve.front.observe.metrics_page import MetricsPage
from scoreserve.front.observe.request_log import RequestLog
from scoreserve.front.observe.sources import Connection, SentTelemetry, Sources
from scoreserve.front.workers.dispatch_loop import DispatchLoop
from scoreserve.front.workers.snapshot import WorkersSnapshot
from scoreserve.front.workers.worker_process import Script
from scoreserve.protocols import model_of
from scoreserve.settings import Settings

_log = logging.getLogger("azmlinfsrv")


class Workers(Protocol):
    """What the front asks of whoever keeps the workers, see Supervisor."""

    @property
    def script(self) -> Script: ...

    def not_ready(self) -> NotReady | None: ...

    def never_ready(self) -> NotReady | None: ...

    def snapshot(self) -> WorkersSnapshot: ...


class Front(NamedTuple):
    """The parts of one front. `connections` are those of clients, at present."""

    settings: Settings
    metrics: Metrics
    failures: Failures
    batching: BatchingTotals
    metrics_page: MetricsPage
    replies: Replies
    auth: ApiKeyAuth | None
    handler: ScoreHandler
    app: Starlette
    fast_path: FastPath
    limits: ConnectionLimits
    shutdown: ShutdownState
    connections: set[HttpConnection]

    def connection(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> HttpConnection:
        """A new client's connection, as uvicorn asks for one."""
        fast_path = self.fast_path if self.settings.fast_path else None
        return HttpConnection(
            config, server_state, app_state, _loop, clients=self.limits, fast_path=fast_path
        )


def assemble(  # noqa: PLR0913, PLR0917 - what surrounds it is given
    settings: Settings,
    workers: Workers,
    dispatch: DispatchLoop,
    log: RequestLog,
    descriptors: int,
    telemetry: SentTelemetry | None = None,
) -> Front:
    """The front for these settings, of a process that may have so many open files. Raises
    ValueError for origins that are no pattern.
    """
    cors = Cors(settings.cors_origins) if settings.cors_origins else None
    replies = Replies(settings.version_header, cors)
    auth = make_auth(settings, replies)
    shutdown = ShutdownState()
    metrics = Metrics()
    failures = Failures()
    connections: set[HttpConnection] = set()
    # Where keys are needed, OPTIONS is answered here: a preflight carries none.
    handler = ScoreHandler(
        dispatch,
        replies,
        workers.never_ready,
        lambda: workers.script.raw and auth is None,
        metrics=metrics,
        failures=failures,
        end_slow_bodies=lambda: ConnectionLimits.end_slow_bodies(connections),
    )
    totals = BatchingTotals(metrics)
    health = Health(
        replies,
        workers,
        dispatch,
        shutdown,
        lambda: totals.details(dispatch.batching),
        lambda: workers.script.model,
    )
    sources = Sources(
        metrics,
        dispatch,
        workers.snapshot,
        health.is_ready,
        lambda: cast("Collection[Connection]", connections),
        settings.workers,
        telemetry,
    )
    page = MetricsPage(sources)
    swagger = Swagger(replies, workers.never_ready, lambda: workers.script.swagger)
    service = _service(settings, needs_key=auth is not None)
    documents = DocsDocument(replies, workers.never_ready, lambda: workers.script, service)
    endpoints = Endpoints(
        score=ScoreEndpoint(handler, settings.max_body_bytes).score,
        swagger=swagger.document,
        healthy=health.healthy,
        live=health.live,
        ready=health.ready,
        metrics=MetricsEndpoint(replies, page).page,
        docs_document=documents.document,
        status_details=StatusDetails(replies, service.title, failures).details,
    )
    protocols = _protocols(settings, replies, workers, health, endpoints)
    slow = settings.client_timeout_seconds
    return Front(
        settings,
        metrics,
        failures,
        totals,
        page,
        replies,
        auth,
        handler,
        create_app(
            endpoints, replies, log, metrics, auth, pages=settings.pages, protocols=protocols
        ),
        FastPath(handler, settings.max_body_bytes, log, metrics.route("/score"), auth),
        ConnectionLimits(
            most_connections(settings.max_connections, descriptors, settings.workers),
            ClientTimeouts(settings.keep_alive_seconds, head_seconds=slow, slow_seconds=slow),
            shutdown,
            metrics.refused,
        ),
        shutdown,
        connections,
    )


def _service(settings: Settings, *, needs_key: bool) -> Service:
    script = os.path.basename(settings.script_path or settings.model or "")
    return Service(settings.service_name, script, settings.service_path_prefix, needs_key)


def _protocols(
    settings: Settings, replies: Replies, workers: Workers, health: Health, endpoints: Endpoints
) -> ProtocolRoutes | None:
    if not settings.protocols:
        return None
    return ProtocolEndpoints(
        replies,
        model_of(settings),
        is_ready=health.is_ready,
        not_ready=workers.not_ready,
        tensors=lambda: workers.script.tensors,
        score=endpoints.score,
    ).routes(settings.protocols.split(","))


def serve_with(
    front: Front,
    refuse_all: Callable[[], None],
    each_second: Collection[Callable[[], None]],
) -> HttpServer:
    """The server of this front. `refuse_all` answers every request in hand with 503; all of
    `each_second` are called about once a second.
    """
    config = uvicorn.Config(
        cast("Any", front.app),
        http=cast("Any", partial(front.connection)),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the reference shows scripts the peer's own address
        timeout_notify=1,
    )
    server = HttpServer(config, front.limits, front.settings, refuse_all)
    server.server_state.connections = cast("Any", front.connections)
    looks = [*each_second, server.look_at_clients]
    if front.auth is not None:
        looks.append(front.auth.refresh)
    config.callback_notify = partial(_look, looks)
    return server


async def _look(looks: Collection[Callable[[], None]]) -> None:
    """Each by itself: what one raises would end uvicorn's main loop, and the front with it."""
    for look in looks:
        try:
            look()
        except Exception:  # noqa: BLE001, PERF203
            _log.exception("The look that is taken every second has failed")
