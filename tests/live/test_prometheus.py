"""A real Prometheus, configured as deploy/monitoring has it, that scrapes a real server.

Every query of the dashboard, the alerts and the page is put to it.
"""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import urllib.parse
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import servers
from tests.ports import free_port
from tests.servers import wait_until
from tests.test_monitoring import alert_queries, documented_queries, panel_queries

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "deploy/monitoring/prometheus.yaml"
COMPOSE = ROOT / "deploy/monitoring/compose.yaml"
HOST = "host.docker.internal:5001"

SCRIPT = """
def init(): pass
def run(data):
    if data == "raise":
        raise ValueError(data)
    return data
"""

# What Grafana puts for its own variables.
VARIABLES = {"$job": ".*", "$instance": ".*", "$__rate_interval": "1m", "$__range": "1m"}

pytestmark = pytest.mark.skipif(shutil.which("prometheus") is None, reason="needs Prometheus")


class Prometheus:
    """One that is running."""

    def __init__(self, port: int) -> None:
        self._port = port

    def ask(self, path: str, **parameters: str) -> Any:
        """The data of an answer of its API."""
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)) as client:
            client.request("GET", f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
            answer = json.loads(client.getresponse().read())
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, query: str) -> list[Any]:
        """The series that a query finds at present."""
        for name, value in VARIABLES.items():
            query = query.replace(name, value)
        found = self.ask("query", query=query)
        # A number without series, as of vector(0), is one series too.
        return found["result"] if found["resultType"] == "vector" else [found["result"]]

    def is_up(self) -> bool:
        try:
            return bool(self.ask("query", query="1"))
        except (OSError, ValueError):  # an answer that is no JSON: it is starting
            return False


@contextmanager
def running(directory: Path, target: str) -> Iterator[Prometheus]:
    """A Prometheus as the compose file starts it, but that it scrapes `target`, and each second."""
    config = CONFIG.read_text(encoding="utf-8")
    assert HOST in config
    config = config.replace(HOST, target).replace("_interval: 5s", "_interval: 1s")
    (directory / "prometheus.yaml").write_text(config, encoding="utf-8")
    shutil.copy(ROOT / "docs/monitoring/scoreserve.rules.yaml", directory)
    port = free_port()
    flags = [
        flag.replace("/etc/prometheus/", f"{directory}/").replace(
            "=/prometheus", f"={directory}/data"
        )
        for flag in yaml.safe_load(COMPOSE.read_text())["services"]["prometheus"]["command"]
    ]
    with (directory / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            ["prometheus", *flags, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log
        )
    try:
        prometheus = Prometheus(port)
        wait_until(prometheus.is_up, "Prometheus answers")
        yield prometheus
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """One that has scraped a server before and after requests, with telemetry on."""
    directory = tmp_path_factory.mktemp("server")
    env = {
        "WORKER_COUNT": "2",
        "SCORESERVE_MODEL_DATA_DIR": str(directory / "mdc"),
        "AZUREML_MDC_PORT": str(free_port()),
    }
    with (
        servers.serve(SCRIPT, directory, env=env) as server,
        running(tmp_path_factory.mktemp("prometheus"), f"127.0.0.1:{server.port}") as prometheus,
    ):
        answered = "scoreserve_requests_total{route='/score'}"
        wait_until(lambda: prometheus.query("scoreserve_ready == 1"), "it is scraped")
        # A series is there from its first request on, and has a rate from the next.
        for sent in (2, 4):
            assert server.score("data").status == 200
            assert server.score("raise").status == 500
            enough = f"sum({answered}) == {sent}"
            wait_until(partial(prometheus.query, enough), "it is scraped again")
        rates = f"count(rate({answered}[1m]) > 0) == 2"
        wait_until(partial(prometheus.query, rates), "both have rates")
        yield prometheus


def test_every_query_finds_something(prometheus: Prometheus) -> None:
    """But for those of what there was none of: deaths, requests turned away, batches."""
    queries = {*panel_queries(), *documented_queries()}
    queries -= {query for query in queries if query.startswith("label_values(")}
    without = {query for query in queries if not prometheus.query(query)}
    none_of_it = {query for query in queries if query.endswith("> 0") or "fallbacks" in query}
    assert without == none_of_it


def test_every_variable_of_the_dashboard_has_values(prometheus: Prometheus) -> None:
    """`label_values` is Grafana's own: the values of a label of some series."""
    variables = [query for query in panel_queries() if query.startswith("label_values(")]
    assert len(variables) == 2
    for query in variables:
        series, _, label = query.removeprefix("label_values(").removesuffix(")").rpartition(", ")
        assert all(each["metric"][label] for each in prometheus.query(series))


def test_every_alert_can_be_evaluated(prometheus: Prometheus) -> None:
    wait_until(
        lambda: all(
            rule["health"] == "ok"
            for group in prometheus.ask("rules")["groups"]
            for rule in group["rules"]
        ),
        "all have been evaluated",
    )
    for query in alert_queries():
        prometheus.query(query)


def test_a_share_is_one(prometheus: Prometheus) -> None:
    (errors,) = [query for query in documented_queries() if "5.." in query]
    (share,) = prometheus.query(errors)
    assert float(share["value"][1]) == pytest.approx(0.5)
