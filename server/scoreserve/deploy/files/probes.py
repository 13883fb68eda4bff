"""How a container's health is asked for, in the names of either generation."""

from __future__ import annotations

from collections.abc import Mapping

from scoreserve.deploy.deployment import Probe
from scoreserve.deploy.files.documents import Fields

V1 = {
    "initial_delay": "initialDelaySeconds",
    "period": "periodSeconds",
    "timeout": "timeoutSeconds",
    "success_threshold": "successThreshold",
    "failure_threshold": "failureThreshold",
}
V2 = {name: name for name in V1}


def probe(fields: Fields | None, names: Mapping[str, str], default: Probe) -> Probe:
    """What the object says, and for the rest the default. Raises DeploymentError."""
    if fields is None:
        return default

    def value(name: str, least: int = 1) -> int:
        found = fields.whole(names[name], least)
        usual: int = getattr(default, name)
        return usual if found is None else found

    found = Probe(
        initial_delay=value("initial_delay", 0),
        period=value("period"),
        timeout=value("timeout"),
        success_threshold=value("success_threshold"),
        failure_threshold=value("failure_threshold"),
    )
    fields.close()
    return found
