"""deploy/monitoring: what its files say of each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[1] / "deploy/monitoring"


def read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def mounts(service: str) -> dict[str, Path]:
    """What each path in a container is here, volumes left out."""
    volumes = read("compose.yaml")["services"][service]["volumes"]
    fields = [volume.split(":") for volume in volumes]
    return {field[1]: FOLDER / field[0] for field in fields if field[0].startswith(".")}


@pytest.mark.parametrize("service", ["prometheus", "grafana"])
def test_what_is_mounted_is_there_and_is_seen_by_this_machine_alone(service: str) -> None:
    described = read("compose.yaml")["services"][service]
    assert all(path.exists() for path in mounts(service).values())
    assert all(port.startswith("127.0.0.1:") for port in described["ports"])
    assert described["image"].rpartition(":")[2] not in {"", "latest"}


def test_prometheus_finds_its_files() -> None:
    mounted = mounts("prometheus")
    (config,) = (
        flag.removeprefix("--config.file=")
        for flag in read("compose.yaml")["services"]["prometheus"]["command"]
        if flag.startswith("--config.file=")
    )
    assert config in mounted
    for rules in read("prometheus.yaml")["rule_files"]:
        assert str(Path(config).with_name(rules)) in mounted


def test_grafana_finds_prometheus_and_the_dashboard() -> None:
    (source,) = read("grafana/datasources/prometheus.yaml")["datasources"]
    services = read("compose.yaml")["services"]
    assert source["url"] == "http://prometheus:9090"
    assert services["prometheus"]["ports"] == ["127.0.0.1:9090:9090"]
    interval = read("prometheus.yaml")["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == interval
    (provider,) = read("grafana/dashboards/scoreserve.yaml")["providers"]
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home in mounts("grafana")
    assert str(Path(home).parent) == provider["options"]["path"]
