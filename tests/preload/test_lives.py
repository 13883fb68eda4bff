"""Templates and forked workers that die, are stopped, and are replaced by a reload."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

from tests.preload.conftest import SAMPLE, Preload, parent_of
from tests.servers import wait_until

ECHO = """
import json, os
VERSION = 1
def init(): pass
def run(data):
    if data == "dies":
        os._exit(7)
    return [VERSION, json.loads(data)["data"]]
"""
DATA = [[1, 2], [3, 4]]


def test_deaths_and_reloads_leave_nothing_behind_and_service_goes_on(preload: Preload) -> None:
    with preload(ECHO) as preloading:
        server = preloading.server
        first = preloading.wait_for("on")["template"]
        before = preloading.workers()

        # The template dies: its workers do not, and there is another.
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: preloading.told()["template"] not in (None, first), "another template")
        assert preloading.workers() == before

        # A worker dies: the cause is told as ever, and a fork takes its place.
        reply = server.score("dies", x_request_id="mine")
        assert (reply.status, "exited with code 7" in reply.message) == (502, True)
        preloading.wait_for("on")
        assert server.score(SAMPLE).json() == [1, DATA]
        second = preloading.told()["template"]

        # A reload brings the new script, by way of a new template; one that fails changes nothing.
        (server.directory / "score.py").write_text(ECHO.replace("VERSION = 1", "VERSION = 20"))
        server.signal(signal.SIGHUP)
        wait_until(lambda: "Reloaded: " in server.output, "the reload is done")
        third = preloading.wait_for("on")["template"]
        assert third not in (None, second)
        assert [server.score(SAMPLE).json() for _ in range(4)] == [[20, DATA]] * 4
        (server.directory / "score.py").write_text("raise RuntimeError('broken now')")
        server.signal(signal.SIGHUP)
        wait_until(lambda: "Reload failed: " in server.output, "the reload fails")
        assert server.score("dies").status == 502
        assert preloading.wait_for("on")["template"] == third
        assert [server.score(SAMPLE).json() for _ in range(4)] == [[20, DATA]] * 4

        ready = server.get("/health/ready").json()
        assert ready["last_death"]["text"] == "exited with code 7"
        deaths = server.get("/metrics").body.decode()
        assert 'scoreserve_worker_deaths_total{reason="exit"} 2.0' in deaths


def test_a_reload_fails_no_request(preload: Preload) -> None:
    with preload(ECHO) as preloading:
        server = preloading.server
        preloading.wait_for("on")
        done = threading.Event()

        def ask() -> set[int]:
            statuses = {server.score(SAMPLE).status}
            while not done.is_set():
                statuses.add(server.score(SAMPLE).status)
            return statuses

        with ThreadPoolExecutor(4) as clients:
            asked = [clients.submit(ask) for _ in range(4)]
            try:
                server.signal(signal.SIGHUP)
                wait_until(lambda: "Reloaded: " in server.output, "the reload is done")
                preloading.wait_for("on")
            finally:
                done.set()
        assert [each.result() for each in asked] == [{200}] * 4


def test_a_front_that_is_killed_takes_template_and_workers_along(preload: Preload) -> None:
    with preload(ECHO, WORKER_PRELOAD="force") as preloading:
        server = preloading.server
        template = preloading.wait_for("on")["template"]
        gone = [*preloading.workers(), template]
        (front,) = {parent_of(pid) for pid in gone}
        os.kill(front, signal.SIGKILL)
        wait_until(lambda: not set(gone) & set(server.processes()), "all of them are gone")
        wait_until(server.is_healthy, "another front serves")
        preloading.wait_for("on")
        assert server.score(SAMPLE).json() == [1, DATA]


def test_what_workers_leave_behind_is_waited_for(preload: Preload) -> None:
    script = """
import subprocess, sys
def init(): pass
def run(data):
    # Of the child nothing is waited for; its own child goes on a little when it has ended.
    program = "import subprocess; print(subprocess.Popen(['sleep', '0.2']).pid, flush=True)"
    child = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    return int(child.stdout)
"""
    with preload(script, WORKER_PRELOAD="force") as preloading:
        preloading.wait_for("on")
        orphan = preloading.server.score().json()
        wait_until(lambda: not os.path.exists(f"/proc/{orphan}"), "the orphan is no zombie")
