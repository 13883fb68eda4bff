"""Opens the outputs that are switched on, each of which imports its packages late."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping, Sequence

from scoreserve.settings import Settings
from scoreserve.telemetry import switches
from scoreserve.telemetry.output import Output
from scoreserve.telemetry.packages import is_installed

_log = logging.getLogger("azmlinfsrv.telemetry")


def opened(settings: Settings, environ: MutableMapping[str, str]) -> list[Output]:
    """The outputs for these settings and this environment."""
    on, _ = switches.missing(switches.switches(settings, environ), is_installed)
    found: list[Output] = []
    if on.azure:
        found += _azure(settings, environ)
    if on.otlp:
        from scoreserve.telemetry.otlp import output as otlp

        found += otlp.opened(on, settings, environ)
    if on.model_data:
        from scoreserve.telemetry.model_data import output as model_data

        found.append(model_data.opened(settings, environ))
    return found


def _azure(settings: Settings, environ: MutableMapping[str, str]) -> Sequence[Output]:
    try:
        from scoreserve.telemetry.azure import output as azure
    except ImportError as error:
        # The reference's package, where it is installed too, may bring an older one.
        _log.error(
            "Nothing is sent to Application Insights: the version of"
            " azure-monitor-opentelemetry-exporter that is installed cannot be used (%s)."
            " pip install --upgrade 'scoreserve[azure]'",
            error,
        )
        return []
    return azure.opened(settings, environ)
