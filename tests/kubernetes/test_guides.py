"""The values in the guides are values of the chart, and its manifests fit the chart's."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.docs.fences import fences
from tests.kubernetes.chart import (
    CHART,
    ROOT,
    Manifest,
    environment,
    named,
    pod_of,
    render,
    server_of,
)

pytestmark = pytest.mark.kubernetes

GUIDES = ROOT / "docs/guides"
NAMES = set(yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8")))
BLOCKS = [
    pytest.param(fence.text, id=f"{page}:{fence.line}")
    for page in ("helm.md", "aks.md")
    for fence in fences(GUIDES / page)
    if fence.language == "yaml" and fence.title in ("", "values.yaml")
]


@pytest.mark.parametrize("text", BLOCKS)
def test_values_are_of_the_chart(text: str, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(text, encoding="utf-8")
    assert yaml.safe_load(text).keys() <= NAMES
    render("--values", values)


def by_hand() -> list[Manifest]:
    """The manifests of the guide that uses no chart."""
    [text] = [
        fence.text for fence in fences(GUIDES / "kubernetes.md") if fence.title == "my-model.yaml"
    ]
    return list(yaml.safe_load_all(text))


def test_the_page_without_the_chart_has_the_same_pod() -> None:
    hand, chart = pod_of(by_hand()), pod_of(render())
    for name in ("enableServiceLinks", "terminationGracePeriodSeconds"):
        assert hand[name] == chart[name]
    for name in ("startupProbe", "livenessProbe", "readinessProbe", "securityContext", "resources"):
        assert server_of(hand)[name] == server_of(chart)[name]
    drain = {name for name in environment(server_of(chart)) if "DRAIN" in name}
    for name in drain:
        assert environment(server_of(hand))[name] == environment(server_of(chart))[name]
    strategy = named(by_hand(), "Deployment")["spec"]["strategy"]["rollingUpdate"]
    assert strategy == named(render(), "Deployment")["spec"]["strategy"]["rollingUpdate"]
