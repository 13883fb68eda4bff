"""Rolling updates under load: no request fails."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.kubernetes.chart import pod_of, render, server_of
from tests.kubernetes.kubelet import Probe
from tests.kubernetes.rollout import Load, Rollout, service

pytestmark = pytest.mark.kubernetes

SCRIPT = """
import time

def init(): time.sleep(0.5)

def run(data):
    time.sleep(0.02)
    return data
"""


def update_five_times(directory: Path) -> Load:
    """What the clients of one Deployment met."""
    directory.mkdir()
    manifests = render("--set", f"appRoot={directory},modelDir={directory}")
    readiness = Probe.of(server_of(pod_of(manifests)), "readinessProbe")
    with (
        service(directory, readiness) as to,
        Rollout(manifests, SCRIPT, directory, to) as rollout,
        Load(to.port, clients=6) as load,
    ):
        for _ in range(5):
            rollout.update()
        assert rollout.exit_codes() == [0] * 10
    return load


def test_ten_updates_cost_no_request(tmp_path: Path) -> None:
    """Of two Deployments at once, since they mostly wait."""
    with ThreadPoolExecutor(2) as pool:
        for load in pool.map(update_five_times, (tmp_path / "first", tmp_path / "second")):
            assert load.failures == []
            assert load.answered > 0
