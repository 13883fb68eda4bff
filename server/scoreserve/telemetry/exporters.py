"""OpenTelemetry's exporters, as the outputs ask them to send. Imports the library's API."""

from __future__ import annotations

from typing import Any, Protocol

from opentelemetry import context

_SUPPRESS = "suppress_instrumentation"  # what every instrumentation looks for in the context


class Exporter(Protocol):
    """What is asked of each. `export` returns a member of an enum."""

    def export(self, batch: Any, /) -> Any: ...

    def shutdown(self) -> None: ...


def exported(exporter: Exporter, batch: Any) -> bool:
    """Whether it was taken. What an instrumentation of the environment's would record of the post
    would be sent in turn, and so on: it records nothing. Raises what the exporter raises.
    """
    token = context.attach(context.set_value(_SUPPRESS, True))
    try:
        return bool(exporter.export(batch).name == "SUCCESS")
    finally:
        context.detach(token)
