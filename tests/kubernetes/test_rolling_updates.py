"""Rolling updates under load: no request fails."""

from __future__ import annotations

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


@pytest.mark.parametrize("half", ["first five", "last five"])  # two at once, since they mostly wait
def test_ten_updates_cost_no_request(half: str, tmp_path: Path) -> None:
    manifests = render("--set", f"appRoot={tmp_path},modelDir={tmp_path}")
    readiness = Probe.of(server_of(pod_of(manifests)), "readinessProbe")
    with (
        service(tmp_path, readiness) as to,
        Rollout(manifests, SCRIPT, tmp_path, to) as rollout,
        Load(to.port, clients=6) as load,
    ):
        for _ in range(5):
            rollout.update()
        assert rollout.exit_codes() == [0] * 10
    assert load.failures == []
    assert load.answered > 0
