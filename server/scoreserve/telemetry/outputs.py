"""Opens the outputs that are switched on, each of which imports its packages late."""

from __future__ import annotations

from collections.abc import Mapping

from scoreserve.settings import Settings
from scoreserve.telemetry import switches
from scoreserve.telemetry.output import Output
from scoreserve.telemetry.packages import is_installed


def opened(settings: Settings, environ: Mapping[str, str]) -> list[Output]:
    """The outputs for these settings and this environment."""
    on, _ = switches.missing(switches.switches(settings, environ), is_installed)
    found: list[Output] = []
    if on.otlp:
        from scoreserve.telemetry.otlp import output as otlp

        found += otlp.opened(on, settings, environ)
    if on.model_data:
        from scoreserve.telemetry.model_data import output as model_data

        found.append(model_data.opened(settings, environ))
    return found
