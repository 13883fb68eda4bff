"""The health routes in each state of the server."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import pytest

from scoreserve.errors import NotReady
from scoreserve.front.queue.dispatcher import Batching
from scoreserve.front.workers.snapshot import Death, WorkerSnapshot
from tests.front.conftest import FakeFront
from tests.front.fakes import Client, Exchange, Response

INIT = NotReady("The scoring worker is running init() (3.5 s so far).")


def ask(front: FakeFront, path: str, method: str = "GET", **headers: str) -> Response:
    pairs = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    return asyncio.run(front.ask(Exchange(method, path, headers=pairs)))


def ready(front: FakeFront, status: int) -> Any:
    """The details of /health/ready, which answers with this status."""
    response = ask(front, "/health/ready")
    assert response.status == status
    assert response.header(b"content-type") == b"application/json"
    return json.loads(response.body)


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
class TestBoth:
    def test_may_not_be_cached(self, front: FakeFront, path: str) -> None:
        assert ask(front, path).header(b"cache-control") == b"no-store"

    def test_may_be_asked_with_head_and_options_and_nothing_else(
        self, front: FakeFront, path: str
    ) -> None:
        assert ask(front, path, "HEAD").status == 200
        assert ask(front, path, "OPTIONS").header(b"allow") == b"OPTIONS, HEAD, GET"
        assert ask(front, path, "POST").status == 405

    def test_carry_the_ids_of_the_request(self, front: FakeFront, path: str) -> None:
        assert ask(front, path, x_request_id="mine").header(b"x-request-id") == b"mine"
        assert ask(front, path, x_request_id="a" * 101).status == 431

    def test_are_not_in_the_access_log(self, front: FakeFront, path: str) -> None:
        ask(front, path)
        front.access_log.flush()
        assert front.log.getvalue() == ""


class TestLive:
    def test_is_200_whatever_the_workers_are(self, front: FakeFront) -> None:
        front.workers.error = INIT
        front.parts.shutdown.begin()
        response = ask(front, "/health/live")
        assert (response.status, json.loads(response.body)) == (200, {"status": "live"})


class TestReady:
    def test_while_a_worker_can_score(self, front: FakeFront) -> None:
        details = ready(front, 200)
        assert details.pop("batching")["requests_at_once"] == 1
        assert details == {
            "status": "ready",
            "workers": {"starting": 0, "ready": 1, "busy": 0, "stopping": 0},
            "processes": [],
            "queued": 0,
            "draining": False,
            "last_death": None,
            "last_reload": None,
            "last_reload_seconds_ago": None,
            "preload": None,
            "model": None,
        }

    def test_not_during_init_which_is_told(self, front: FakeFront) -> None:
        front.workers.error = INIT
        front.workers.at_present = front.workers.at_present._replace(
            states={"starting": 1, "ready": 0, "busy": 0, "stopping": 0},
            stage="running init()",
            stage_seconds=3.5,
            workers=[WorkerSnapshot(os.getpid(), "starting", 3.5, None, 0)],
        )
        details = ready(front, 503)
        assert (details["status"], details["message"]) == ("starting", INIT.message)
        assert (details["stage"], details["stage_seconds"]) == ("running init()", 3.5)
        assert details["workers"]["starting"] == 1
        (process,) = details["processes"]
        assert process.pop("resident_bytes") > 1_000_000
        assert process == {
            "pid": os.getpid(),
            "state": "starting",
            "seconds": 3.5,
            "busy_seconds": None,
            "answered": 0,
        }

    def test_not_between_a_death_and_the_replacement(self, front: FakeFront) -> None:
        front.workers.error = NotReady("No scoring worker is running.")
        death = Death("signal", "was killed by SIGSEGV", 7, 0.5)
        front.workers.at_present = front.workers.at_present._replace(last_death=death)
        details = ready(front, 503)
        assert (details["status"], details["stage"]) == ("starting", None)
        assert details["last_death"] == {
            "reason": "signal",
            "text": "was killed by SIGSEGV",
            "pid": 7,
            "seconds_ago": 0.5,
        }

    def test_again_after_it_and_the_death_is_still_told(self, front: FakeFront) -> None:
        death = Death("oom", "was killed by SIGKILL", 7, 60.0)
        front.workers.at_present = front.workers.at_present._replace(last_death=death)
        assert ready(front, 200)["last_death"]["reason"] == "oom"

    def test_not_while_the_server_drains_though_workers_can_score(self, front: FakeFront) -> None:
        front.parts.shutdown.begin()
        details = ready(front, 503)
        assert (details["status"], details["draining"]) == ("draining", True)
        assert details["workers"]["ready"] == 1

    def test_tells_how_many_wait(self, front: FakeFront) -> None:
        for name in "abc":
            front.dispatcher.submit(Client(name).job)
        assert ready(front, 200)["queued"] == 3

    def test_tells_of_reloads_and_of_batching(self, front: FakeFront) -> None:
        front.workers.at_present = front.workers.at_present._replace(
            last_reload="failed: boom", last_reload_seconds_ago=2.5
        )
        front.dispatcher.batching = Batching(32)
        details = ready(front, 200)
        assert details["last_reload"] == "failed: boom"
        assert details["last_reload_seconds_ago"] == 2.5
        assert details["batching"]["requests_at_once"] == 32
