"""Opens the outputs that are switched on, each of which imports its packages late."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from functools import partial

from scoreserve.settings import Settings
from scoreserve.telemetry import switches
from scoreserve.telemetry.output import Output
from scoreserve.telemetry.packages import is_installed
from scoreserve.telemetry.switches import Switches

_log = logging.getLogger("azmlinfsrv.telemetry")


Opener = Callable[[Settings, MutableMapping[str, str]], Sequence[Output]]


def openers(settings: Settings, environ: Mapping[str, str]) -> list[Opener]:
    """What opens the outputs for these settings and this environment. Their packages are imported
    by now, which takes most of the time.
    """
    on, _ = switches.missing(switches.switches(settings, environ), is_installed)
    found: list[Opener] = []
    if on.azure:
        found += _azure()
    if on.otlp:
        found += _otlp(on)
    if on.model_data:
        from scoreserve.telemetry.model_data import output as model_data

        found.append(lambda *about: [model_data.opened(*about)])
    return found


def _azure() -> list[Opener]:
    try:
        from scoreserve.telemetry.azure import output as azure
    except (ImportError, AttributeError) as error:
        # The reference's package, where it is installed too, may bring an older one.
        _log.error(
            "Nothing is sent to Application Insights: the version of"
            " azure-monitor-opentelemetry-exporter that is installed cannot be used (%s)."
            " pip install --upgrade 'scoreserve[azure]'",
            error,
        )
        return []
    return [azure.opened]


def _otlp(on: Switches) -> list[Opener]:
    try:
        from scoreserve.telemetry.otlp import output as otlp
    except (ImportError, AttributeError) as error:
        # A package of the user's may hold an older one.
        _log.error(
            "Nothing is sent by OpenTelemetry: the versions of its packages that are installed"
            " cannot be used (%s). pip install --upgrade 'scoreserve[otel]'",
            error,
        )
        return []
    return [partial(otlp.opened, on)]
