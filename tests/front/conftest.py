"""A front without sockets or processes: its application over a dispatcher and a fake worker."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from scoreserve.errors import NotReady
from scoreserve.front.api import docs
from scoreserve.front.api.health import Health, Live, Ready
from scoreserve.front.api.metrics import MetricsEndpoint, Sources
from scoreserve.front.api.routes import Application, Route, create_app
from scoreserve.front.api.score import ScoreEndpoint
from scoreserve.front.api.score_handler import ScoreHandler
from scoreserve.front.api.swagger import SwaggerEndpoint
from scoreserve.front.http.fast_path import FastPath
from scoreserve.front.messages.replies import Replies
from scoreserve.front.observe.access_log import AccessLog
from scoreserve.front.observe.counters import Metrics
from scoreserve.front.workers.dispatch_loop import DispatchLoop
from scoreserve.front.workers.snapshot import WorkersSnapshot
from tests.front.fakes import Exchange, FakeWorker, ManualDefer, Response, turns

MAX_BODY_BYTES = 10

SetPolicy = Callable[[int], None]


@pytest.fixture
def set_policy() -> Iterator[SetPolicy]:
    """Sets the CPU policy of this thread, which is the usual one before and after the test."""

    def set_policy(policy: int) -> None:
        os.sched_setscheduler(0, policy, os.sched_param(0))

    try:
        set_policy(os.SCHED_OTHER)
    except (AttributeError, OSError):
        pytest.skip("needs Linux, and leave to set the policy")
    yield set_policy
    set_policy(os.SCHED_OTHER)


class FakeWorkers:
    """The supervisor as the health routes see it."""

    def __init__(self) -> None:
        self.error: NotReady | None = None  # why no worker takes jobs
        self.at_present = WorkersSnapshot(
            states={"starting": 0, "ready": 1, "busy": 0, "stopping": 0},
            stage="",
            stage_seconds=0.0,
            workers=[],
            deaths={"signal": 0, "exit": 0},
            last_death=None,
            inits=1,
            init_seconds_total=0.5,
            init_seconds_last=0.5,
            reloads={},
            last_reload="",
        )

    def not_ready(self) -> NotReady | None:
        return self.error

    def report(self) -> WorkersSnapshot:
        return self.at_present


class FakeFront:
    """The whole of the front above the worker's pipe."""

    def __init__(self) -> None:
        self.defer = ManualDefer()
        self.dispatcher = DispatchLoop(self.defer)
        self.worker = FakeWorker()
        self.workers = FakeWorkers()
        self.draining = False
        self.batching: dict[str, Any] | None = None
        self.metrics = Metrics()
        self.raw = False  # whether the script is @rawhttp
        self.documents: Mapping[str, Any] = {}
        self.log = io.StringIO()
        replies = Replies("scoreserve/1")
        not_ready = self.workers.not_ready
        self.scoring = ScoreHandler(
            self.dispatcher, replies, not_ready, lambda: self.raw, metrics=self.metrics
        )
        ready = Ready(
            replies,
            self.workers,
            self.dispatcher,
            lambda: self.draining,
            lambda: self.batching,
        )
        sources = Sources(
            self.metrics, self.dispatcher, self.workers.report, ready.is_ready, tuple, 1
        )
        self.access_log = AccessLog(lambda seconds, run: None, stream=self.log)
        self.app: Application = create_app(
            score=ScoreEndpoint(self.scoring, MAX_BODY_BYTES),
            swagger=SwaggerEndpoint(replies, not_ready, lambda: self.documents),
            others={
                "/": Route(Health(replies, not_ready)),
                "/health/live": Route(Live(replies)),
                "/health/ready": Route(ready),
                "/metrics": Route(MetricsEndpoint(replies, sources)),
                **docs.routes(),
            },
            log=self.access_log,
            metrics=self.metrics,
        )

    @property
    def fast_path(self) -> FastPath:
        counters = self.metrics.route("/score")
        return FastPath(self.scoring, MAX_BODY_BYTES, self.access_log, counters)

    def attach(self) -> None:
        """The worker is ready."""
        self.dispatcher.attach(self.worker)

    def hand_over(self) -> None:
        """Jobs that wait are handed to the worker."""
        self.defer.run()

    def answer(self) -> None:
        """The worker answers all it holds."""
        self.dispatcher.complete(self.worker, self.worker.answers())

    async def ask(self, exchange: Exchange) -> Response:
        """The response to a request that is answered without the worker."""
        return await exchange.run(self.app)

    async def score(self, exchange: Exchange) -> Response:
        """The response to a request that the worker answers."""
        response = asyncio.ensure_future(exchange.run(self.app))
        await turns()
        self.hand_over()
        self.answer()
        return await response


@pytest.fixture
def front() -> FakeFront:
    return FakeFront()
