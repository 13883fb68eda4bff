"""The exporters of azure-monitor-opentelemetry-exporter, made to send what they are given and no
more: they keep nothing on disk, tell nobody of themselves, and ask nobody for settings.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from azure.core.pipeline.policies import RetryPolicy
from azure.monitor.opentelemetry.exporter import AzureMonitorLogExporter, AzureMonitorTraceExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

_CONNECTION_STRING = "APPLICATIONINSIGHTS_CONNECTION_STRING"
_DEFAULT_HOST = "dc.services.visualstudio.com"
# Off unless they are asked for.
_OFF = (
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED",
)
_READ_SECONDS = 30.0  # that an answer to a post may take
# A post is tried so often, in half a minute, before its batch is dropped.
_RETRIES = 6
_BACKOFF_SECONDS = 0.8  # the pauses between are this, doubled each time; but the first is none
_LONGEST_PAUSE_SECONDS = 10
_RETRIES_OF_SLOW = 1  # where no answer came in time
_LIBRARY = "azure"  # logger
_SAID_AGAIN_SECONDS = 600.0
_MOST_CHARACTERS = 300

_library = logging.getLogger(_LIBRARY)  # see LibraryLines
_log = logging.getLogger("azmlinfsrv.telemetry")


def keep_quiet(environ: MutableMapping[str, str]) -> None:
    """Switches off what the exporters would send of themselves. Before they are made."""
    for name in _OFF:
        environ.setdefault(name, "true")


def tidy(environ: MutableMapping[str, str]) -> None:
    """Takes away what is empty of the connection string: the library stops at it. Raises ValueError
    where the rest names an address that is none, which would fail at each post.
    """
    written = environ.get(_CONNECTION_STRING, "").split(";")
    pairs = [pair.strip() for pair in written if pair.strip()]
    if pairs:
        environ[_CONNECTION_STRING] = ";".join(pairs)
    else:
        environ.pop(_CONNECTION_STRING, None)
    endpoint = _parts(environ).get("ingestionendpoint")
    if endpoint and not endpoint.lower().startswith(("http://", "https://")):
        raise ValueError("IngestionEndpoint must begin with https://")


def exporters(
    key: str, resource: Resource, backoff_seconds: float = _BACKOFF_SECONDS
) -> tuple[AzureMonitorTraceExporter, AzureMonitorLogExporter]:
    """Those for this instrumentation key. Where to, APPLICATIONINSIGHTS_CONNECTION_STRING may say.
    Raises ValueError where it cannot be read.
    """
    connection_string = f"InstrumentationKey={key.lower()}"  # they take no capitals
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    traces = AzureMonitorTraceExporter(
        connection_string=connection_string, tracer_provider=provider, **_options(backoff_seconds)
    )
    logs = AzureMonitorLogExporter(connection_string=connection_string, **_options(backoff_seconds))
    return traces, logs


def host_of(environ: Mapping[str, str]) -> str:
    """The host that they send to: that of the connection string, which a platform may have set."""
    parts = _parts(environ)
    if endpoint := parts.get("ingestionendpoint"):
        return urlsplit(endpoint).netloc.rpartition("@")[2]
    if suffix := parts.get("endpointsuffix"):
        location = parts.get("location")
        return f"{location}.dc.{suffix}" if location else f"dc.{suffix}"
    return _DEFAULT_HOST


def _parts(environ: Mapping[str, str]) -> dict[str, str]:
    """What the connection string says, by name in lower case."""
    pairs = (pair.partition("=") for pair in environ.get(_CONNECTION_STRING, "").split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


class LibraryLines(logging.Handler):
    """Passes on what the library warns of: each kind of line once in a while, without the `key`."""

    def __init__(self, key: str, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(logging.WARNING)
        self._key = key
        self._clock = clock
        self._said: dict[str, float] = {}  # when, by what the line is made of

    def emit(self, record: logging.LogRecord) -> None:
        template, now = str(record.msg), self._clock()
        if now - self._said.get(template, -_SAID_AGAIN_SECONDS) < _SAID_AGAIN_SECONDS:
            return
        self._said[template] = now
        text = record.getMessage().replace(self._key, "<key>")
        _log.warning("Application Insights: %s", text[:_MOST_CHARACTERS])


def pass_on_lines(key: str) -> None:
    """Has what the library logs go to our log, and nowhere else."""
    logger = logging.getLogger(_LIBRARY)
    logger.handlers = [LibraryLines(key.lower())]
    logger.propagate = False


class _RetryPosts(RetryPolicy[Any, Any]):
    """Tries a post again too. What was taken, and whose answer was lost, comes twice then.

    It says what stands in the way at the first attempt: the library says it after the last, and
    says nothing of most statuses.
    """

    def send(self, request: Any) -> Any:
        response = super().send(request)
        if response.http_response.status_code >= HTTPStatus.BAD_REQUEST:
            _library.warning("It answers a post with %s", _status_of(response))
        return response

    def increment(self, settings: dict[str, Any], response: Any = None, error: Any = None) -> bool:
        why = error if error is not None else f"it answers {_status_of(response)}"
        _library.warning("A post has failed, and is tried again: %s", why)
        return super().increment(settings, response=response, error=error)

    def configure_retries(self, options: dict[str, Any]) -> dict[str, Any]:
        return {**super().configure_retries(options), "methods": frozenset({"POST"})}


def _status_of(response: Any) -> str:
    answer = response.http_response
    return f"{answer.status_code} {answer.reason or ''}".rstrip()


def _options(backoff_seconds: float) -> dict[str, Any]:
    """For each its own: a policy is part of one pipeline."""
    retry = _RetryPosts(
        retry_total=_RETRIES,
        retry_connect=_RETRIES,
        retry_status=_RETRIES,
        retry_read=_RETRIES_OF_SLOW,
        retry_backoff_factor=backoff_seconds,
        retry_backoff_max=_LONGEST_PAUSE_SECONDS,
    )
    return {
        "disable_offline_storage": True,
        "max_envelopes_per_second": 0,  # our queues are limit enough, and count what they drop
        "read_timeout": _READ_SECONDS,
        "retry_policy": retry,
    }
