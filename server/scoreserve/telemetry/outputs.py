"""Opens the outputs that are switched on, each of which imports its packages late."""

from __future__ import annotations

from collections.abc import Mapping

from scoreserve.settings import Settings
from scoreserve.telemetry.output import Output


def opened(settings: Settings, environ: Mapping[str, str]) -> list[Output]:
    """The outputs for these settings and this environment."""
    return []
