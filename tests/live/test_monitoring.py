"""Metrics, health routes and JSON lines of the real server."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import servers
from tests.live.conftest import Serve
from tests.ports import free_port
from tests.scrapes import Page
from tests.servers import Server, wait_until

DOCS = Path(__file__).parents[2] / "docs/monitoring/README.md"

SCRIPT = """
import ctypes, gates, logging, os
def init(): pass
def run(data):
    if data.startswith("hold"):
        ctypes.PyDLL(None).usleep(3_000_000)  # PyDLL: with the GIL held
    if data == "gate":
        gates.reach("in run")
        gates.wait("out of run")
    if data == "die":
        os._exit(7)
    if data == "raise":
        raise ValueError("two\\nlines")
    print("scoring", data)
    logging.getLogger("theirs").warning("warned of %s", data)
    return data
"""


def scrape(server: Server) -> Page:
    reply = server.get("/metrics")
    assert reply.status == 200
    return Page.parse(reply.body)


def ready(server: Server) -> Any:
    """The details of /health/ready, which agree with its status."""
    reply = server.get("/health/ready")
    details = reply.json()
    assert reply.status == (200 if details["status"] == "ready" else 503)
    return details


@pytest.fixture(scope="module", params=["true", "false"], ids=["fast path", "ASGI path"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("server")
    env = {"SCORESERVE_FAST_PATH": request.param, "WORKER_COUNT": "2"}
    with servers.serve(SCRIPT, directory, env=env) as server:
        yield server


class TestMetrics:
    def test_count_what_was_sent(self, server: Server) -> None:
        before = scrape(server)
        pending = [server.start_score(f"{number:04}") for number in range(50)]
        assert all(each.reply().status == 200 for each in pending)
        assert server.score("raise").status == 500
        assert server.get("/score?a=1").status == 200
        assert server.get("/nowhere").status == 404
        after = scrape(server)

        def grown(sample: str, **labels: str) -> float:
            return (after.value(sample, **labels) or 0) - (before.value(sample, **labels) or 0)

        def answered(route: str, method: str, status: str) -> float:
            return grown("requests_total", route=route, method=method, status=status)

        assert answered("/score", "POST", "200") == 50
        assert answered("/score", "POST", "500") == 1
        assert answered("/score", "GET", "200") == 1
        assert answered("other", "GET", "404") == 1
        assert grown("request_bytes_total", route="/score") == 50 * 4 + len("raise")
        for phase in ("queue", "run", "total"):
            assert grown("request_seconds_count", phase=phase) == 52
        queue, run, total = (
            grown("request_seconds_sum", phase=phase) for phase in ("queue", "run", "total")
        )
        assert queue + run == pytest.approx(total)
        assert (after.value("queue_jobs"), after.value("jobs_in_hand")) == (0, 0)

    def test_show_the_server_as_it_is(self, server: Server) -> None:
        wait_until(lambda: ready(server)["workers"]["ready"] == 2, "both workers are ready")
        page = scrape(server)
        assert page.value("ready") == 1
        assert page.value("workers_configured") == 2
        assert page.value("workers", state="starting") == 0
        assert (page.value("init_seconds_count") or 0) >= 2
        for process in ("front", "worker"):
            memory = page.value("process_resident_memory_bytes", process=process)
            assert memory is not None
            assert memory > 10_000_000
            assert page.value("process_cpu_seconds_total", process=process)
        wait_until(lambda: scrape(server).value("connections") == 1, "the scraper is alone")
        assert scrape(server).value("requests_in_flight") == 1
        files = page.value("process_open_fds", process="worker")
        assert files == sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in server.workers())

    def test_are_those_that_are_described(self, server: Server) -> None:
        described = re.findall(r"^\| `(scoreserve_\w+)`", DOCS.read_text(), re.MULTILINE)
        open_metrics = {"Accept": "application/openmetrics-text; version=1.0.0"}
        reply = server.send("GET", "/metrics", headers=open_metrics).reply()
        shown = re.findall(rb"^# TYPE (\w+)", reply.body, re.MULTILINE)
        only_with_telemetry = "scoreserve_telemetry_dropped"
        described.remove(only_with_telemetry)
        assert sorted(shown) == sorted(name.encode() for name in described)

    def test_requests_in_hand_are_seen(self, server: Server) -> None:
        pending = server.start_score("gate")
        server.wait_reached("in run")
        page = scrape(server)
        assert page.value("jobs_in_hand") == 1
        assert page.value("requests_in_flight") == 2
        assert page.value("workers", state="busy") == 1
        server.open("out of run")
        assert pending.reply().status == 200

    def test_a_client_that_left_is_counted(self, server: Server) -> None:
        before = scrape(server).value("requests_abandoned_total")
        assert before is not None
        client = server.raw()
        client.sendall(b"POST /score HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nhold")
        wait_until(lambda: scrape(server).value("jobs_in_hand"), "it is being scored")
        # One that only closes may have half-closed: it may wait for its answer.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        wait_until(
            lambda: scrape(server).value("requests_abandoned_total") == before + 1,
            "the client is missed",
        )

    def test_a_death_is_counted_and_cpu_time_does_not_go_back(self, server: Server) -> None:
        before = scrape(server)
        assert server.score("die").status == 502
        inits = before.value("init_seconds_count")
        assert inits is not None
        wait_until(
            lambda: scrape(server).value("init_seconds_count") == inits + 1, "it is replaced"
        )
        after = scrape(server)
        assert after.value("worker_deaths_total", reason="exit") == 1
        assert after.value("requests_total", route="/score", method="POST", status="502") == 1
        for process in ("front", "worker"):
            used = [
                page.value("process_cpu_seconds_total", process=process) for page in (before, after)
            ]
            assert used[0] is not None
            assert used[1] is not None
            assert used[0] <= used[1]


def test_all_are_answered_while_run_holds_the_gil(serve: Serve) -> None:
    with serve(SCRIPT) as server:
        pending = server.start_score("hold")
        wait_until(lambda: scrape(server).value("workers", state="busy"), "it is being scored")
        assert server.get("/health/live").json() == {"status": "live"}
        details = ready(server)
        assert details["status"] == "ready"
        (worker,) = details["processes"]
        assert worker["state"] == "busy"
        assert worker["busy_seconds"] < 3
        assert server.is_healthy()
        assert scrape(server).value("jobs_in_hand") == 1  # it was under way all the time
        assert pending.reply().json() == "hold"


def test_health_during_init(launch: Serve) -> None:
    script = """
import gates
def init():
    gates.reach("in init")
    gates.wait("out of init")
def run(data): return data
"""
    with launch(script) as server:
        server.wait_reached("in init")
        assert server.get("/health/live").status == 200
        details = ready(server)
        assert (details["status"], details["stage"]) == ("starting", "running init()")
        assert details["stage_seconds"] > 0
        assert details["workers"]["starting"] == 1
        assert scrape(server).value("ready") == 0
        server.open("out of init")
        server.wait_healthy()
        assert ready(server)["workers"]["ready"] == 1


def test_health_after_a_death(serve: Serve) -> None:
    script = """
import gates, os, pathlib
def init():
    if pathlib.Path("died").exists():
        gates.wait("out of init")
def run(data):
    pathlib.Path("died").touch()
    os._exit(7)
"""
    with serve(script) as server:
        (pid,) = server.workers()
        assert server.score().status == 502
        details = ready(server)
        assert details["status"] == "starting"
        assert details["last_death"]["reason"] == "exit"
        assert details["last_death"]["pid"] == pid
        assert "code 7" in details["last_death"]["text"]
        assert server.get("/health/live").status == 200
        server.open("out of init")
        wait_until(lambda: ready(server)["status"] == "ready", "it is replaced")
        assert ready(server)["last_death"]["pid"] == pid


def test_health_is_answered_on_the_health_port_too(serve: Serve) -> None:
    port = free_port()
    env = {"SEPERATE_HEALTH_ENDPOINT": "true"}
    args = ("--entry_script", "score.py", "--health_port", str(port))
    with serve(SCRIPT, args=args, env=env) as server:
        server.port, main = port, server.port
        for path in ("/", "/health/live", "/health/ready", "/metrics"):
            assert server.get(path).status == 200
        server.port = main


class TestJsonLogs:
    def lines(self, server: Server) -> list[Any]:
        return [json.loads(line) for line in server.output.splitlines()]

    def test_every_line_is_an_object(self, serve: Serve) -> None:
        with serve(SCRIPT, env={"SCORESERVE_LOG_FORMAT": "json"}) as server:
            assert server.score("raise", x_request_id="first").status == 500
            assert server.score("data", x_request_id="second").status == 200
            assert server.score("die", x_request_id="third").status == 502
            server.wait_healthy()
            server.signal(signal.SIGTERM)
            assert server.wait_exit() == 0
            lines = self.lines(server)
        for line in lines:
            assert {"time", "level", "logger", "message", "pid", "role"} <= set(line)
        assert {line["role"] for line in lines} == {"arbiter", "front", "worker"}
        assert any("Server Settings" in line["message"] for line in lines)
        about = {
            name: [line for line in lines if line.get("request_id") == name]
            for name in ("first", "second", "third")
        }
        assert any("ValueError: two\nlines" in line["message"] for line in about["first"])
        messages = [line["message"] for line in about["second"]]
        assert "scoring data" in messages
        assert "warned of data" in messages
        for name, status in (("first", 500), ("second", 200), ("third", 502)):
            (access,) = [line for line in about[name] if line["logger"] == "gunicorn.access"]
            assert (access["method"], access["path"], access["status"]) == (
                "POST",
                "/score",
                status,
            )
            assert access["seconds"] > 0
        (access,) = [line for line in about["second"] if line["logger"] == "gunicorn.access"]
        phases = access["phases"]
        assert phases["queue"] + phases["run"] == pytest.approx(phases["total"], abs=2e-6)

    def test_a_request_that_names_no_id_is_known_by_that_of_its_answer(self, serve: Serve) -> None:
        with serve(SCRIPT, args=("--entry_script", "score.py"), env=JSON) as server:
            reply = server.score("data")
            printed = [line for line in self.lines(server) if line["message"] == "scoring data"]
            assert [line["request_id"] for line in printed] == [reply.headers["x-request-id"]]

    def test_so_is_what_a_script_logs_that_has_set_up_nothing(self, serve: Serve) -> None:
        script = "import logging\ndef init(): logging.warning('mine')\ndef run(data): return data"
        with serve(script, env=JSON) as server:
            (line,) = [line for line in self.lines(server) if line["message"] == "mine"]
            assert (line["logger"], line["role"]) == ("root", "worker")

    def test_a_boot_failure_too(self, launch: Serve) -> None:
        with launch("def init(): raise KeyError('mine')\ndef run(data): pass", env=JSON) as server:
            assert server.wait_exit() == 3
            lines = self.lines(server)
            report, last_words = [line for line in lines if "KeyError" in line["message"]]
            assert report["role"] == "worker"
            assert last_words == lines[-1]
            assert last_words["role"] == "arbiter"
            assert "score.py, line 1, in init(): def init()" in last_words["message"]


JSON = {"SCORESERVE_LOG_FORMAT": "json"}


def test_server_timing_of_merged_requests_is_that_of_their_call(serve: Serve) -> None:
    script = """
import gates
from scoreserve import batched
def init(): pass
@batched(max_batch_size=8)
def run(inputs):
    if "first" in inputs:
        gates.reach("in run")
        gates.wait("out of run")
    return inputs
"""
    with serve(script) as server:
        first = server.start_score("first")
        server.wait_reached("in run")
        others = [server.start_score("other") for _ in range(3)]
        wait_until(lambda: scrape(server).value("queue_jobs") == 3, "the others wait")
        server.open("out of run")
        first.reply()
        timings = [each.reply().headers["server-timing"] for each in others]
    phases = [dict(re.findall(r"(\w+);dur=([\d.]+)", timing)) for timing in timings]
    assert all(set(each) == {"queue", "run", "total"} for each in phases)
    assert len({each["run"] for each in phases}) == 1
    for each in phases:
        parts = float(each["queue"]) + float(each["run"])
        assert parts == pytest.approx(float(each["total"]), abs=0.002)
