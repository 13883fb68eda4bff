"""Where the library sends to, and what it says and does besides, which is little."""

from __future__ import annotations

import logging
import os

import pytest

from scoreserve.telemetry.azure import exporting
from scoreserve.telemetry.azure.exporting import LibraryLines
from scoreserve.telemetry.azure.service import Service
from tests.telemetry.azure.track_sink import KEY

_CONNECTION_STRING = "APPLICATIONINSIGHTS_CONNECTION_STRING"


@pytest.mark.parametrize(
    ("connection_string", "host"),
    [
        ("", "dc.services.visualstudio.com"),
        (f"InstrumentationKey={KEY}", "dc.services.visualstudio.com"),
        (
            f"InstrumentationKey={KEY};IngestionEndpoint=https://westeurope-5.in.example.com/",
            "westeurope-5.in.example.com",
        ),
        ("IngestionEndpoint=http://name:secret@127.0.0.1:27700/", "127.0.0.1:27700"),
        ("endpointsuffix=ai.example.cn", "dc.ai.example.cn"),
        ("EndpointSuffix=ai.example.cn;Location=north", "north.dc.ai.example.cn"),
        ("no pairs", "dc.services.visualstudio.com"),
    ],
)
def test_the_host_is_that_of_the_connection_string(connection_string: str, host: str) -> None:
    assert exporting.host_of({_CONNECTION_STRING: connection_string}) == host


@pytest.mark.parametrize("key", [KEY, "ABCDEF00-1234-1234-1234-123456789012"])
def test_that_is_where_the_exporters_send(clean_environ: None, service: Service, key: str) -> None:
    """A key may have capitals, as for the reference. Nothing is kept on disk."""
    os.environ[_CONNECTION_STRING] = "EndpointSuffix=ai.example.cn;Location=north"
    exporting.keep_quiet(os.environ)
    for exporter in exporting.exporters(key, service.resource):
        assert exporter._endpoint == f"https://{exporting.host_of(os.environ)}"
        assert exporter.storage is None


@pytest.mark.parametrize("connection_string", ["no pairs", "InstrumentationKey=1;Authorization=x"])
def test_a_connection_string_that_is_none_is_refused(
    clean_environ: None, service: Service, connection_string: str
) -> None:
    os.environ[_CONNECTION_STRING] = connection_string
    with pytest.raises(ValueError, match="Invalid"):
        exporting.exporters(KEY, service.resource)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", None),
        (" ; ", None),
        (f"InstrumentationKey={KEY};", f"InstrumentationKey={KEY}"),
        ("EndpointSuffix=a; Location=b", "EndpointSuffix=a;Location=b"),
    ],
)
def test_what_is_empty_of_a_connection_string_is_passed_over(
    clean_environ: None, service: Service, written: str, read: str | None
) -> None:
    os.environ[_CONNECTION_STRING] = written
    exporting.tidy(os.environ)
    assert os.environ.get(_CONNECTION_STRING) == read
    exporting.exporters(KEY, service.resource)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="IngestionEndpoint must begin with https://"):
        exporting.tidy({_CONNECTION_STRING: "IngestionEndpoint=127.0.0.1:27700"})


def test_what_it_sends_of_itself_is_off_unless_it_is_asked_for() -> None:
    environ = {"APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "false"}
    exporting.keep_quiet(environ)
    assert environ == {
        "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "false",
        "APPLICATIONINSIGHTS_SDKSTATS_DISABLED": "true",
        "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
    }


def test_its_lines_are_ours_each_once_in_a_while_and_without_the_key(
    library: logging.Logger, server_log: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    library.handlers, library.propagate = [LibraryLines(KEY, lambda: now[0])], False
    exporter = logging.getLogger("azure.monitor.opentelemetry.exporter")
    for seconds in (0.0, 1.0, 599.0, 601.0):
        now[0] = seconds
        exporter.warning("Data drop %s", f"{seconds} {{iKey: {KEY}}} {'x' * 1000}")
        exporter.info("nothing to say")
    said = [record.getMessage() for record in server_log.records]
    assert [line[:58] for line in said] == [
        "Application Insights: Data drop 0.0 {iKey: <key>} xxxxxxxx",
        "Application Insights: Data drop 601.0 {iKey: <key>} xxxxxx",
    ]
    assert {len(line) for line in said} == {len("Application Insights: ") + 300}
    assert {record.name for record in server_log.records} == {"azmlinfsrv.telemetry"}


def test_they_go_nowhere_else(
    library: logging.Logger, server_log: pytest.LogCaptureFixture
) -> None:
    exporting.pass_on_lines(KEY)
    logging.getLogger("azure.core").warning("once")
    assert [record.name for record in server_log.records] == ["azmlinfsrv.telemetry"]
