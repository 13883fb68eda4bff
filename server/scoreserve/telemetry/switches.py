"""Which telemetry is on, and where its packages come from. Pure: the environment is given.

Application Insights is switched on by the reference's settings, OTLP by OpenTelemetry's standard
variables, so that what a platform sets for all its containers holds for this one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from scoreserve import app_insights, otel_environment
from scoreserve.settings import Settings


class Switches(NamedTuple):
    """What is on."""

    azure: bool = False
    traces: bool = False
    metrics: bool = False
    model_data: bool = False

    @property
    def any(self) -> bool:
        """Whether there is anything for a telemetry process to do."""
        return any(self)

    @property
    def otlp(self) -> bool:
        """Whether anything goes to an OTLP endpoint."""
        return self.traces or self.metrics


def switches(settings: Settings, environ: Mapping[str, str]) -> Switches:
    """What these settings and this environment switch on."""
    return Switches(
        azure=app_insights.is_on(settings),
        traces=otel_environment.exports(otel_environment.TRACES, environ),
        metrics=otel_environment.exports(otel_environment.METRICS, environ),
        model_data=settings.model_data_dir is not None,
    )


def missing(switched: Switches, is_installed: Callable[[str], bool]) -> tuple[Switches, list[str]]:
    """What of it can be done with the packages that there are, and a line for each extra that is
    not there. `is_installed` is asked for a distribution.
    """
    lines = []
    if switched.azure and not is_installed("azure-monitor-opentelemetry-exporter"):
        lines.append(_needs("Application Insights", "azure"))
        switched = switched._replace(azure=False)
    if switched.otlp and not is_installed("opentelemetry-exporter-otlp-proto-http"):
        lines.append(_needs("OpenTelemetry", "otel"))
        switched = switched._replace(traces=False, metrics=False)
    return switched, lines


def _needs(what: str, extra: str) -> str:
    return (
        f"{what} is switched on, but its packages are not installed, so nothing is sent:"
        f" pip install 'scoreserve[{extra}]'."
    )
