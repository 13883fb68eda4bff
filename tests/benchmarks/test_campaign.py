"""The whole machinery for a second, on the real server and nobody else."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import processes
from benchmarks.campaign import Campaign
from benchmarks.cpus import Cpus, available_cpus, divide_cpus
from benchmarks.journal import Failure, Journal
from benchmarks.plan import Plan
from benchmarks.procedures import Bench, open_rate
from benchmarks.processes import ask, launch_of, running
from benchmarks.scenarios import noop
from benchmarks.servers import Launch, Server, known_servers, no_variables
from scoreserve.bench.failure import BenchmarkError
from scoreserve.bench.processes import marked
from tests.ports import free_port
from tests.servers import wait_until

COMMAND = Path(sys.executable).with_name("azmlinfsrv")
HERE = {"machine": "here", "cpus": 1, "workers": 1, "seconds": 1, "environment": {}}
PLAN = Plan(["noop", "cold"], ["scoreserve"], connections=[2], rounds=1, seconds=1)

needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk makes the load")


@pytest.fixture(autouse=True)
def ports_of_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers listen where no other test does."""
    monkeypatch.setattr(processes, "free_ports", lambda count: [free_port() for _ in range(count)])


@pytest.fixture
def server() -> Server:
    """scoreserve of the environment that runs the tests."""
    return replace(known_servers()["scoreserve"], executable=COMMAND)


@pytest.fixture
def cpus() -> Cpus:
    return divide_cpus(available_cpus(), 1)


@needs_wrk
def test_a_plan_is_carried_out_once(server: Server, cpus: Cpus, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    assert Campaign(PLAN, Journal(HERE, path), cpus, {"scoreserve": server}).run(strict=True)
    journal = Journal(HERE, path)
    load, start = journal.readings.values()
    assert load["requests"] > 0
    assert 0 < load["p50_ms"] <= load["p99_ms"]
    assert 0 < start["ready_ms"] <= start["answered_ms"]

    broken = replace(server, arguments=lambda launch: ["--no-such-flag"])
    assert Campaign(PLAN, journal, cpus, {"scoreserve": broken}).run(strict=True)  # nothing to do


def test_a_server_that_does_not_start_is_noted(server: Server, cpus: Cpus) -> None:
    broken = replace(server, arguments=lambda launch: ["--no-such-flag"])
    journal = Journal(HERE)
    assert Campaign(PLAN, journal, cpus, {"scoreserve": broken}).run()
    assert "scoreserve exited with" in journal.failures[Failure("noop", "scoreserve")]
    with pytest.raises(BenchmarkError, match="exited with"):
        Campaign(PLAN, Journal(HERE), cpus, {"scoreserve": broken}).run(strict=True)


def test_a_server_that_is_not_installed_is_noted(server: Server, cpus: Cpus) -> None:
    missing = replace(server, executable=Path("/nowhere/azmlinfsrv"))
    journal = Journal(HERE)
    assert Campaign(PLAN, journal, cpus, {"scoreserve": missing}).run()
    assert "is not installed" in journal.failures[Failure("noop", "scoreserve")]


def test_no_reading_begins_after_the_time_is_up(server: Server, cpus: Cpus) -> None:
    journal = Journal(HERE)
    assert not Campaign(PLAN, journal, cpus, {"scoreserve": server}).run(seconds=0)
    assert journal.readings == {}


def test_a_server_answers_at_a_fixed_rate_and_leaves_nothing_behind(
    server: Server, cpus: Cpus, tmp_path: Path
) -> None:
    bench = Bench(cpus, tmp_path, seconds=1, workers=1)
    with running(server, launch_of(noop()), cpus.servers, tmp_path / "log") as started:
        assert ask(started) == {"result": [0]}
        assert marked(started.mark)
        figures = open_rate(bench, started, 50)
    assert figures["requests"] > 0
    assert figures["unanswered"] == figures["failed"] == 0
    assert marked(started.mark) == []


def test_processes_that_left_their_group_are_stopped_too(
    server: Server, cpus: Cpus, tmp_path: Path
) -> None:
    stray = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; "
    stray += "time.sleep(60)'], start_new_session=True); from http.server import *; "
    stray += "Here = type('Here', (BaseHTTPRequestHandler,), {'do_GET': lambda self: "
    stray += "(self.send_response(200), self.end_headers())}); "
    stray += "HTTPServer(('127.0.0.1', int(sys.argv[1])), Here).serve_forever()"
    strays = replace(
        server,
        executable=Path(sys.executable),
        arguments=lambda launch: ["-c", stray, str(launch.port)],
    )
    with running(strays, launch_of(noop()), cpus.servers, tmp_path / "log") as started:
        assert len(marked(started.mark)) == 2
    wait_until(lambda: not marked(started.mark), "the stray is gone")


@pytest.mark.parametrize(
    ("available", "for_servers", "expected"),
    [([0, 1], 1, Cpus([1], [0])), ([0, 1], 2, Cpus([0, 1], [0, 1])), ([3], 1, Cpus([3], [3]))],
)
def test_load_has_cpus_of_its_own_where_there_are_enough(
    available: list[int], for_servers: int, expected: Cpus
) -> None:
    assert divide_cpus(available, for_servers) == expected
    assert expected.shared == (expected.servers == expected.load)


def test_servers_that_are_told_by_flags_get_no_variables_of_peers(server: Server) -> None:
    assert known_servers()["reference"].variables is no_variables
    assert server.variables(launch_of(noop())) == {}
    batching = launch_of(replace(noop(), max_batch_size=64))
    assert server.variables(batching) == {"SCORESERVE_MAX_BATCH_SIZE": "64"}


@needs_wrk
def test_a_server_is_started_for_each_round(server: Server, cpus: Cpus) -> None:
    launches = []

    def arguments(launch: Launch) -> list[str]:
        launches.append(launch)
        return server.arguments(launch)

    plan = replace(PLAN, scenarios=["noop"], rounds=2)
    journal = Journal(HERE)
    counted = replace(server, arguments=arguments)
    assert Campaign(plan, journal, cpus, {"scoreserve": counted}).run(strict=True)
    assert (len(launches), len(journal.readings)) == (2, 2)


def test_a_server_that_does_not_start_is_not_started_again(server: Server, cpus: Cpus) -> None:
    launches = []

    def arguments(launch: Launch) -> list[str]:
        launches.append(launch)
        return ["--no-such-flag"]

    plan = replace(PLAN, scenarios=["noop"], rounds=2)
    broken = replace(server, arguments=arguments)
    assert Campaign(plan, Journal(HERE), cpus, {"scoreserve": broken}).run()
    assert len(launches) == 1


@needs_wrk
def test_what_failed_is_tried_again_by_the_next_run(
    server: Server, cpus: Cpus, tmp_path: Path
) -> None:
    path = tmp_path / "journal.jsonl"
    broken = replace(server, arguments=lambda launch: ["--no-such-flag"])
    plan = replace(PLAN, scenarios=["noop"])
    Campaign(plan, Journal(HERE, path), cpus, {"scoreserve": broken}).run()
    journal = Journal(HERE, path)
    Campaign(plan, journal, cpus, {"scoreserve": server}).run()
    assert len(journal.readings) == 1
    assert journal.failures == {}
