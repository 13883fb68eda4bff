"""Application Insights with the real server: what becomes of it never becomes of serving."""

from __future__ import annotations

import os
import signal

from tests.live.conftest import Serve
from tests.servers import DEADLINE_SECONDS, Server, command_line, wait_until
from tests.telemetry.azure.track_sink import KEY, TrackSink, track_sink
from tests.telemetry.http_sink import Answer

SCRIPT = """
def init():
    print("loading")

def run(data):
    print("got", data)
    return data
"""
# A hundred lines go at once, fewer after five seconds.
TALKS = SCRIPT.replace("    return", "    for line in range(100): print(line)\n    return")
FORKS = """
import os

def fork():
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)

def init():
    print("loading")
    fork()

def run(data):
    print("got", data)
    fork()
    return data
"""


def telemetry_process(server: Server) -> int:
    """The id of the one there is."""
    wait_until(lambda: len(server.processes("scoreserve.telemetry")) == 1, "it sends telemetry")
    [pid] = server.processes("scoreserve.telemetry")
    return pid


def wait_for_exporters(server: Server, processes: int = 1) -> None:
    """Waits until the process, of so many one after another, can send. It takes seconds to import
    what it needs, and the server's end leaves it five to send what is there.
    """
    said = "Telemetry is sent to Application Insights, at"
    wait_until(lambda: server.output.count(said) == processes, "its exporters are there")


def printed(sink: TrackSink) -> list[str]:
    return [each["data"]["baseData"]["message"] for each in sink.of_type("MessageData")]


def test_a_process_that_dies_is_followed_by_another(serve: Serve) -> None:
    with track_sink() as sink:
        with serve(SCRIPT, env=sink.environment) as server:
            assert server.score("one").status == 200
            first = telemetry_process(server)
            wait_for_exporters(server)
            os.kill(first, signal.SIGKILL)
            wait_until(lambda: first not in server.processes(), "it is gone")
            assert server.score("two").status == 200
            wait_until(lambda: telemetry_process(server) != first, "another is there")
            assert server.score("three").status == 200
            wait_for_exporters(server, processes=2)
            server.signal(signal.SIGTERM)
            assert server.wait_exit() == 0
            assert not [pid for pid in server.processes() if KEY in command_line(pid)]
            assert KEY not in server.output
            assert f"Application Insights, at 127.0.0.1:{sink.port}" in server.output
        assert "got three" in printed(sink)
        assert sink.strangers == []


def test_what_a_template_prints_is_sent_once(serve: Serve) -> None:
    """By the first worker that is forked of it. What the script itself forks changes nothing."""
    with track_sink() as sink:
        env = {**sink.environment, "WORKER_PRELOAD": "force", "WORKER_COUNT": "2"}
        with serve(FORKS, env=env) as server:
            assert server.score("one").status == 200
            wait_for_exporters(server)
        assert sorted(printed(sink)) == ["got one", "loading"]


def test_a_sink_that_is_slow_and_dies_costs_no_request(serve: Serve) -> None:
    """And does not keep the server from ending: `wait_exit` waits for less than the sink does."""
    with track_sink() as sink:
        sink.answer = Answer(seconds=2 * DEADLINE_SECONDS)
        with serve(TALKS, env=sink.environment) as server:
            assert server.score("one").status == 200
            wait_until(lambda: sink.posts > 0, "the sink is asked")
            sink.close()
            for number in range(50):
                assert server.score(str(number)).body == b'"%d"' % number
            server.signal(signal.SIGTERM)
            assert server.wait_exit() == 0


def test_with_a_package_that_cannot_be_used_the_server_says_so_once_and_serves(
    serve: Serve,
) -> None:
    """Another one of its first name stands before it."""
    env = {"AML_APP_INSIGHTS_ENABLED": "true", "AML_APP_INSIGHTS_KEY": KEY, "PYTHONPATH": "."}
    with serve(SCRIPT, env=env, files={"azure/__init__.py": ""}) as server:
        said = "pip install --upgrade 'scoreserve[azure]'"
        wait_until(lambda: said in server.output, "it says what to do")
        assert server.score("one").status == 200
        assert server.output.count(said) == 1
