"""A front without sockets or processes: its application over a dispatcher and a fake worker."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from typing import Any

import pytest

from scoreserve.errors import NotReady
from scoreserve.front import docs
from scoreserve.front.access_log import AccessLog
from scoreserve.front.app import Application, Health, create_app
from scoreserve.front.dispatcher import Dispatcher
from scoreserve.front.replies import Replies
from scoreserve.front.score_endpoint import ScoreEndpoint
from scoreserve.front.scoring import Scoring
from scoreserve.front.swagger_endpoint import SwaggerEndpoint
from tests.front.fakes import Exchange, FakeWorker, ManualDefer, Response, turns

MAX_BODY_BYTES = 10


class FakeFront:
    """The whole of the front above the worker's channel. `not_ready` is what its workers are."""

    def __init__(self) -> None:
        self.defer = ManualDefer()
        self.dispatcher = Dispatcher(self.defer)
        self.worker = FakeWorker()
        self.not_ready: NotReady | None = None
        self.raw = False  # whether the script is @rawhttp
        self.documents: Mapping[str, Any] = {}
        self.log = io.StringIO()
        replies = Replies("scoreserve/1")
        self.scoring = Scoring(self.dispatcher, replies, lambda: self.not_ready, lambda: self.raw)
        self.access_log = AccessLog(lambda seconds, run: None, stream=self.log)
        self.app: Application = create_app(
            score=ScoreEndpoint(self.scoring, MAX_BODY_BYTES),
            health=Health(replies, lambda: self.not_ready),
            swagger=SwaggerEndpoint(replies, lambda: self.not_ready, lambda: self.documents),
            docs=docs.routes(),
            log=self.access_log,
        )

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
