"""OpenTelemetry's variables: what they say, and what is said of those that say nothing."""

from __future__ import annotations

import pytest

from scoreserve.otel_environment import (
    forget_unusable,
    metric_interval_seconds,
    sampler,
    wrong_attributes,
    wrong_headers,
    wrong_protocol,
    wrong_temporality,
)

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
NEW, RECORDED, NOT_RECORDED = (
    b"",
    f"00-{TRACE}-00f067aa0ba902b7-01".encode(),
    f"00-{TRACE}-00f067aa0ba902b7-00".encode(),
)


@pytest.mark.parametrize(
    ("name", "argument", "decided"),
    [
        ("", "", (True, True, False)),
        ("always_on", "", (True, True, True)),
        ("always_off", "", (False, False, False)),
        ("traceidratio", "", (True, True, True)),
        ("traceidratio", "0", (False, False, False)),
        ("parentbased_always_on", "", (True, True, False)),
        ("parentbased_always_off", "", (False, True, False)),
        ("parentbased_traceidratio", "0.0", (False, True, False)),
        ("PARENTBASED_TRACEIDRATIO", "1", (True, True, False)),
    ],
)
def test_each_sampler_decides_as_it_is_specified(
    name: str, argument: str, decided: tuple[bool, bool, bool]
) -> None:
    environ = {"OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": argument}
    found, wrong = sampler(environ)
    assert not wrong
    assert tuple(found.samples(sent, b"an id") for sent in (NEW, RECORDED, NOT_RECORDED)) == decided


@pytest.mark.parametrize(
    ("name", "argument", "told"),
    [
        ("jaeger_remote", "", "OTEL_TRACES_SAMPLER=jaeger_remote is not known here"),
        ("traceidratio", "a tenth", "OTEL_TRACES_SAMPLER_ARG=a tenth is no number from 0 to 1"),
        ("parentbased_traceidratio", "1.5", "OTEL_TRACES_SAMPLER_ARG=1.5 is no number"),
        ("traceidratio", "nan", "OTEL_TRACES_SAMPLER_ARG=nan is no number"),
    ],
)
def test_what_is_no_sampler_is_told_and_records_all(name: str, argument: str, told: str) -> None:
    environ = {"OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": argument}
    found, wrong = sampler(environ)
    assert wrong.startswith(told)
    assert found.samples(NEW, b"an id")


@pytest.mark.parametrize(
    ("text", "seconds", "told"),
    [
        ("", 60.0, False),
        ("250", 0.25, False),
        ("0", 60.0, True),
        ("-1", 60.0, True),
        ("inf", 60.0, True),
        ("a minute", 60.0, True),
    ],
)
def test_the_interval_of_metrics_is_in_milliseconds(text: str, seconds: float, told: bool) -> None:
    found, wrong = metric_interval_seconds({"OTEL_METRIC_EXPORT_INTERVAL": text})
    assert found == seconds
    assert wrong.startswith("OTEL_METRIC_EXPORT_INTERVAL=") is told


def test_another_protocol_than_the_one_that_is_spoken_is_told() -> None:
    assert not wrong_protocol({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"})
    assert not wrong_protocol({})
    told = wrong_protocol({"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"})
    assert told.startswith("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc is not known here")
    assert "4318" in told


@pytest.mark.parametrize("written", ["", "api-key=a=b", "a=1, b = 2,", "authorization=Bearer%20x"])
def test_headers_are_names_with_values(written: str) -> None:
    assert not wrong_headers({"OTEL_EXPORTER_OTLP_HEADERS": written})


@pytest.mark.parametrize(
    "written", ["secret", "a=1,secret", "api key=secret", "=secret", "a: secret"]
)
def test_a_header_that_is_none_is_told_without_what_it_says(written: str) -> None:
    told = wrong_headers({"OTEL_EXPORTER_OTLP_TRACES_HEADERS": written})
    assert told.startswith("OTEL_EXPORTER_OTLP_TRACES_HEADERS has a part that is not NAME=VALUE")
    assert "secret" not in told


@pytest.mark.parametrize(
    ("attributes", "wrong"),
    [("", ""), ("team=a, k8s.pod.name=b=c,", ""), ("team=a,b,c=d", "b"), ("alone", "alone")],
)
def test_an_attribute_that_is_none_is_told(attributes: str, wrong: str) -> None:
    told = wrong_attributes({"OTEL_RESOURCE_ATTRIBUTES": attributes})
    assert bool(told) is bool(wrong)
    assert not wrong or f"goes without it: {wrong}. A comma" in told


@pytest.mark.parametrize(
    ("asked", "told"), [("", False), ("Cumulative", False), ("delta", True), ("lowmemory", True)]
)
def test_another_temporality_than_the_one_that_there_is_is_told(asked: str, told: bool) -> None:
    wrong = wrong_temporality({"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": asked})
    assert bool(wrong) is told


@pytest.mark.parametrize(
    ("name", "value", "needed"),
    [
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "abc", "a number of 0 or more"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "-3", "a number of 0 or more"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "a number of seconds above 0"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0", "a number of seconds above 0"),
        ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "zstd", "one of none, gzip and deflate"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "many", "a number above 0"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "-1", "a number above 0"),
        ("OTEL_BSP_SCHEDULE_DELAY", "5s", "a number above 0"),
    ],
)
def test_what_the_packages_cannot_use_is_ignored_and_told(
    name: str, value: str, needed: str
) -> None:
    environ = {name: value, "PATH": "/bin"}
    assert forget_unusable(environ) == [f"{name}={value} is not {needed}, so it is ignored."]
    assert environ == {"PATH": "/bin"}


def test_what_they_can_use_is_left_to_them() -> None:
    environ = {
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": " 64 ",
        "OTEL_ATTRIBUTE_COUNT_LIMIT": "",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "2.5",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "GZIP",
        "OTEL_BSP_SCHEDULE_DELAY": "1000",
        "OTEL_SERVICE_NAME": "abc",
    }
    before = dict(environ)
    assert forget_unusable(environ) == []
    assert environ == before
