"""Who sends: the resource that all spans and metrics are of.

https://opentelemetry.io/docs/specs/semconv/resource/ has the names. What OTEL_RESOURCE_ATTRIBUTES
and OTEL_SERVICE_NAME say holds before what is known here.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping

from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from scoreserve import __version__
from scoreserve.settings import Settings

SCOPE = InstrumentationScope("scoreserve", __version__)


def resource_of(settings: Settings, environ: Mapping[str, str]) -> Resource:
    """The resource of this server."""
    known = {
        "service.name": settings.service_name,
        "service.version": __version__,
        "service.instance.id": environ.get("HOSTNAME") or socket.gethostname(),
    }
    return Resource.create({**known, **OTELResourceDetector().detect().attributes})
