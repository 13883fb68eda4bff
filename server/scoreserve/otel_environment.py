"""OpenTelemetry's standard variables, as far as they are ours to read. Pure: the environment is
given. Front, workers and telemetry process import this; where things are sent to, and how, is read
by the exporters themselves.

https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scoreserve.tracing import Sampler

TRACES, METRICS = "TRACES", "METRICS"  # signals, as variables name them

_SAMPLER, _SAMPLER_ARGUMENT = "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"
_INTERVAL = "OTEL_METRIC_EXPORT_INTERVAL"
_INTERVAL_MS = 60_000.0
_PROTOCOLS = (
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
)
_HEADERS = (
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
)
_ATTRIBUTES = "OTEL_RESOURCE_ATTRIBUTES"
_HTTP = "http/protobuf"
_TEMPORALITY = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
_LIMIT = re.compile(r"OTEL_\w+_(COUNT|LENGTH)_LIMIT")
_TIMEOUT = re.compile(r"OTEL_EXPORTER_OTLP_(\w+_)?TIMEOUT")
_COMPRESSION = re.compile(r"OTEL_EXPORTER_OTLP_(\w+_)?COMPRESSION")
_BATCHES = re.compile(r"OTEL_BSP_(MAX_QUEUE_SIZE|MAX_EXPORT_BATCH_SIZE|SCHEDULE_DELAY)")
_COMPRESSIONS = {"none", "gzip", "deflate"}
_PARENT_BASED = "parentbased_"
_DEFAULT_SAMPLER = "parentbased_always_on"


def exports(signal: str, environ: Mapping[str, str]) -> bool:
    """Whether a signal goes to OTLP: by the exporter's name, or by an endpoint that is named."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporters = environ.get(f"OTEL_{signal}_EXPORTER", "").strip().lower()
    if exporters:
        return "otlp" in [name.strip() for name in exporters.split(",")]
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    return any(environ.get(name, "").strip() for name in endpoints)


def sampler(environ: Mapping[str, str]) -> tuple[Sampler, str]:
    """Which traces are recorded, and what is wrong with the variables that say so, if anything."""
    from scoreserve.tracing import Sampler

    name = environ.get(_SAMPLER, "").strip().lower() or _DEFAULT_SAMPLER
    parent_based = name.startswith(_PARENT_BASED)
    kind = name.removeprefix(_PARENT_BASED)
    if kind == "always_on":
        return Sampler(1.0, parent_based=parent_based), ""
    if kind == "always_off":
        return Sampler(0.0, parent_based=parent_based), ""
    if kind != "traceidratio":
        wrong = f"{_SAMPLER}={name} is not known here, so {_DEFAULT_SAMPLER} holds."
        return Sampler(1.0, parent_based=True), wrong
    text = environ.get(_SAMPLER_ARGUMENT, "").strip() or "1"
    ratio = _number(text)
    if not 0 <= ratio <= 1:
        wrong = f"{_SAMPLER_ARGUMENT}={text} is no number from 0 to 1, so all traces are recorded."
        return Sampler(1.0, parent_based=parent_based), wrong
    return Sampler(ratio, parent_based=parent_based), ""


def wrong_protocol(environ: Mapping[str, str]) -> str:
    """What is wrong with the protocol that is asked for, if anything: there is one."""
    for name in _PROTOCOLS:
        protocol = environ.get(name, "").strip().lower()
        if protocol and protocol != _HTTP:
            return (
                f"{name}={protocol} is not known here: {_HTTP} is spoken, for which collectors have"
                " port 4318."
            )
    return ""


def wrong_headers(environ: Mapping[str, str]) -> str:
    """What is wrong with the headers that are to go with each post, if anything; without a word of
    them, which are secrets.
    """
    for name in _HEADERS:
        for header in filter(str.strip, environ.get(name, "").split(",")):
            key, equals, _ = header.partition("=")
            if not equals or len(key.split()) != 1:
                return (
                    f"{name} has a part that is not NAME=VALUE, and goes without it: headers are"
                    " written NAME=VALUE, with commas between them."
                )
    return ""


def wrong_attributes(environ: Mapping[str, str]) -> str:
    """What is wrong with the attributes of who sends, if anything. The package leaves out a part
    that it cannot read.
    """
    for part in filter(str.strip, environ.get(_ATTRIBUTES, "").split(",")):
        if "=" not in part:
            return (
                f"{_ATTRIBUTES} has a part that is not NAME=VALUE, and goes without it:"
                f" {part.strip()}. A comma in a value is written %2C."
            )
    return ""


def wrong_temporality(environ: Mapping[str, str]) -> str:
    """What is wrong with the temporality that is asked for, if anything: there is one."""
    temporality = environ.get(_TEMPORALITY, "").strip().lower()
    if temporality in {"", "cumulative"}:
        return ""
    return (
        f"{_TEMPORALITY}={temporality} is not known here: metrics are cumulative. A collector's"
        " processor `cumulativetodelta` makes the others of them."
    )


def forget_unusable(environ: MutableMapping[str, str]) -> list[str]:
    """Takes away the variables that the packages read, or we in their place, but cannot use: some
    versions stop at them, where they are imported, and others say nothing. Returns what is to be
    said of each. As the specification has it, they are ignored: "Configuration types" on its page.
    """
    told = []
    for name, value in list(environ.items()):
        needed = _needed(name, value.strip().lower())
        if needed:
            del environ[name]
            told.append(f"{name}={value} is not {needed}, so it is ignored.")
    return told


def _needed(name: str, value: str) -> str:
    """What this variable's value should be, and is not, if anything."""
    if not value:  # the same as none, to the packages too
        return ""
    if _LIMIT.fullmatch(name) and not (value.isascii() and value.isdigit()):
        return "a number of 0 or more"
    if _TIMEOUT.fullmatch(name) and not 0 < _number(value) < math.inf:
        return "a number of seconds above 0"
    if _COMPRESSION.fullmatch(name) and value not in _COMPRESSIONS:
        return "one of none, gzip and deflate"
    if _BATCHES.fullmatch(name) and not 0 < _number(value) < math.inf:
        return "a number above 0"
    return ""


def metric_interval_seconds(environ: Mapping[str, str]) -> tuple[float, str]:
    """The seconds between two accounts of the metrics, and what is wrong with the variable that
    says so, if anything.
    """
    text = environ.get(_INTERVAL, "").strip()
    milliseconds = positive_number(environ, _INTERVAL, 0.0)
    if milliseconds:
        return milliseconds / 1000, ""
    wrong = f"{_INTERVAL}={text} is no number of milliseconds, so {_INTERVAL_MS:.0f} holds."
    return _INTERVAL_MS / 1000, wrong if text else ""


def positive_number(environ: Mapping[str, str], name: str, default: float) -> float:
    """What a variable says, or the default where that is no number above 0."""
    number = _number(environ.get(name, ""))
    return number if 0 < number < math.inf else default


def _number(text: str) -> float:
    """The number that it is; NaN: none."""
    try:
        return float(text)
    except ValueError:
        return math.nan
