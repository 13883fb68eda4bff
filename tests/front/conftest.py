"""A front without sockets or processes: its application over a dispatcher and a fake worker."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from scoreserve.errors import NotReady
from scoreserve.front.assembly import assemble
from scoreserve.front.observe.access_log import AccessLog
from scoreserve.front.observe.sources import SentTelemetry
from scoreserve.front.workers.dispatch_loop import DispatchLoop
from scoreserve.front.workers.snapshot import WorkersSnapshot
from scoreserve.front.workers.worker_process import Script
from scoreserve.settings import Settings
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
    """The supervisor as the front sees it."""

    def __init__(self) -> None:
        self.error: NotReady | None = None  # why no worker takes jobs
        self.script = Script()
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
            last_reload_seconds_ago=None,
        )

    def not_ready(self) -> NotReady | None:
        return self.error

    never_ready = not_ready

    def snapshot(self) -> WorkersSnapshot:
        return self.at_present


class FakeFront:
    """The whole of the front above the worker's pipe, with these settings."""

    def __init__(self, telemetry: SentTelemetry | None = None, **settings: Any) -> None:
        self.defer = ManualDefer()
        self.dispatcher = DispatchLoop(self.defer)
        self.worker = FakeWorker()
        self.workers = FakeWorkers()
        self.log = io.StringIO()
        self.access_log = AccessLog(lambda seconds, run: None, stream=self.log)
        chosen = Settings(**{"max_body_bytes": MAX_BODY_BYTES, **settings})
        self.parts = assemble(
            chosen, self.workers, self.dispatcher, self.access_log, 1024, telemetry
        )
        self.app = self.parts.app
        self.metrics = self.parts.metrics

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
