"""Asks a pod's probes as a kubelet does: what, how often and how long the manifest says."""

from __future__ import annotations

import contextlib
import http.client
import time
from collections.abc import Callable
from typing import NamedTuple

from tests.kubernetes.chart import Manifest


class Probe(NamedTuple):
    """An httpGet probe, with Kubernetes' defaults where the manifest says nothing."""

    path: str
    period_seconds: float
    timeout_seconds: float
    failures: int

    @classmethod
    def of(cls, container: Manifest, name: str) -> Probe:
        """`name`: startupProbe, readinessProbe or livenessProbe."""
        probe = container[name]
        return cls(
            probe["httpGet"]["path"],
            probe.get("periodSeconds", 10),
            probe.get("timeoutSeconds", 1),
            probe.get("failureThreshold", 3),
        )

    def succeeds(self, port: int) -> bool:
        """Whether the pod at this port of this machine answers 2xx or 3xx in time."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=self.timeout_seconds)
        with contextlib.closing(connection):
            try:
                connection.request("GET", self.path)
                return 200 <= connection.getresponse().status < 400
            except (OSError, http.client.HTTPException):
                return False


def wait_ready(
    container: Manifest, port: int, ended: Callable[[], str | None] = lambda: None
) -> None:
    """Returns when the startup probe has succeeded and then the readiness probe.

    Raises AssertionError when the startup probe has failed as often as it may, or if `ended` says
    that the pod has.
    """
    for name in ("startupProbe", "readinessProbe"):
        probe = Probe.of(container, name)
        for _ in range(probe.failures):
            if probe.succeeds(port):
                break
            assert (reason := ended()) is None, reason
            time.sleep(probe.period_seconds)
        else:
            raise AssertionError(f"the {name} failed {probe.failures} times")
