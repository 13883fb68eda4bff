"""What Application Insights is told of the service with everything."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import NamedTuple

from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, Resource

from scoreserve.settings import Settings

_UNKNOWN = "Unknown"


class Service(NamedTuple):
    """Names of properties stand where they are used: they are the reference's."""

    name: str
    workspace: str
    container_id: str
    resource: Resource  # from which the role and its instance are made


def service_of(settings: Settings, environ: Mapping[str, str]) -> Service:
    """The service with these settings, in this environment, to which OTEL_RESOURCE_ATTRIBUTES may
    add.
    """
    role = {SERVICE_NAME: settings.service_name, SERVICE_INSTANCE_ID: platform.node()}
    return Service(
        settings.service_name,
        environ.get("WORKSPACE_NAME", ""),
        environ.get("HOSTNAME", _UNKNOWN),
        Resource.create(role),
    )
