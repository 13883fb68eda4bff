"""docs/monitoring against a page of metrics on which each of them has a sample.

Alerts and dashboard name only metrics, labels and label values that exist, and the table describes
each metric as it is.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
import yaml

from scoreserve.front.observe import prometheus_page
from scoreserve.front.observe.telemetry_feed import REASONS
from scoreserve.front.workers.snapshot import STATES
from tests.docs.fences import fences
from tests.front.conftest import FakeFront
from tests.front.fakes import Exchange
from tests.scrapes import Page, parse_open_metrics

DIRECTORY = Path(__file__).parent.parent / "docs/monitoring"
RULES = DIRECTORY / "scoreserve.rules.yaml"

# What Prometheus adds to every series, and an alert's own bucket label.
ADDED_LABELS = {"job", "instance", "le"}
# Labels with a few fixed values, of which the page has all that alerts may ask for.
ENUMERATED = ("state", "phase", "process", "result", "route")


class Sent(NamedTuple):
    """Telemetry that is on."""

    dropped: Mapping[str, int] = MappingProxyType(dict.fromkeys(REASONS, 0))


@pytest.fixture
def page() -> Page:
    """One with at least one sample of every metric. OpenMetrics: its families have their types."""
    front = FakeFront(Sent())
    front.metrics.batch_fallback("a reason", jobs=2)
    asyncio.run(front.ask(Exchange("PUT", "/score")))
    exchange = Exchange("GET", "/metrics", headers=[(b"accept", b"application/openmetrics-text")])
    response = asyncio.run(front.ask(exchange))
    return Page(list(parse_open_metrics(response.body.decode())))


def rules() -> Iterator[dict[str, Any]]:
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]:
        yield from group["rules"]


def dashboard() -> Any:
    return json.loads((DIRECTORY / "grafana-dashboard.json").read_text(encoding="utf-8"))


def alert_queries() -> Iterator[str]:
    for rule in rules():
        yield rule["expr"]


def panel_queries() -> Iterator[str]:
    for panel in dashboard()["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


def documented_queries() -> Iterator[str]:
    for fence in fences(DIRECTORY / "README.md"):
        if fence.language == "promql":
            yield fence.text.strip()


def selectors(query: str) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Each sample name in a query, and the values that its matchers allow, by label."""
    for name, matchers in re.findall(r"\b(scoreserve_\w+)(?:\{([^}]*)\})?", query):
        found = re.findall(r'(\w+)=~?"([^"]*)"', matchers)
        yield name, {label: values.split("|") for label, values in found}


@pytest.mark.parametrize(
    "query", sorted({*alert_queries(), *panel_queries(), *documented_queries()})
)
def test_a_query_asks_for_what_there_is(query: str, page: Page) -> None:
    labels = set(ADDED_LABELS)
    for name, matchers in selectors(query):
        series = page.series(name.removeprefix("scoreserve_"))
        assert series, f"there is no {name}"
        labels.update(*series)
        for label, values in matchers.items():
            assert label in labels, f"{name} has no label {label}"
            known = {each.get(label) for each in series}
            if label in ENUMERATED:
                assert set(values) <= known, f"{name}: of {label}, there are {known}"
    for grouped in re.findall(r"\bby \(([^)]*)\)", query):
        assert set(re.split(r",\s*", grouped)) <= labels


def test_every_reason_that_an_alert_names_is_given_somewhere() -> None:

    shed = set(prometheus_page._SHED)
    for query in alert_queries():
        for name, matchers in selectors(query):
            if name == "scoreserve_requests_shed_total":
                assert set(matchers.get("reason", [])) <= shed


def test_states_of_workers_are_those_of_the_page(page: Page) -> None:
    assert [labels["state"] for labels in page.series("workers")] == list(STATES)


def test_the_table_describes_each_metric_as_it_is(page: Page) -> None:
    text = (DIRECTORY / "README.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.split("|")[1:5]]
        for line in text.splitlines()
        if line.startswith("| `scoreserve_")
    ]
    described = {
        name.strip("`"): (kind, set(re.findall(r"\w+", labels))) for name, kind, labels, _ in rows
    }
    actual = {
        family.name: (
            family.type,
            {label for sample in family.samples for label in sample.labels} - {"le"},
        )
        for family in page.families
    }
    assert described == actual
    assert all(meaning for *_, meaning in rows)


def test_each_alert_says_what_is_wrong_and_how_bad_it_is() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs Prometheus's promtool")
def test_prometheus_takes_the_rules() -> None:
    done = subprocess.run(
        ["promtool", "check", "rules", str(RULES)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs Prometheus's promtool")
def test_prometheus_finds_nothing_wrong_with_the_page() -> None:
    response = asyncio.run(FakeFront().ask(Exchange("GET", "/metrics")))
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=response.body,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_figures_come_first_and_every_panel_says_what_it_shows() -> None:
    panels = dashboard()["panels"]
    kinds = [panel["type"] for panel in panels]
    figures = kinds.count("stat")
    assert kinds == ["stat"] * figures + ["timeseries"] * (len(kinds) - figures)
    assert {panel["gridPos"]["y"] for panel in panels[:figures]} == {0}
    assert all(panel["description"].endswith(".") for panel in panels)
    assert len({panel["title"] for panel in panels[figures:]}) == len(panels) - figures


def test_panels_have_places_of_their_own_and_the_chosen_data_source() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not taken & cells
        taken |= cells
        assert panel["datasource"]["uid"] == "${datasource}"
    assert len({panel["id"] for panel in dashboard()["panels"]}) == len(dashboard()["panels"])
