"""Which telemetry is on."""

from __future__ import annotations

import pytest

from scoreserve.settings import Settings
from scoreserve.telemetry.switches import Switches, missing, switches

KEY = "12345678-1234-1234-1234-123456789012"
ENDPOINT = "http://127.0.0.1:4318"


def test_nothing_is_on_by_default() -> None:
    assert not switches(Settings(), {}).any


@pytest.mark.parametrize(
    ("enabled", "key", "on"),
    [(True, KEY, True), (True, "no key", False), (True, None, False), (False, KEY, False)],
)
def test_application_insights_by_the_references_settings(
    enabled: bool, key: str | None, on: bool
) -> None:
    settings = Settings(app_insights_enabled=enabled, app_insights_key=key)
    assert switches(settings, {}) == Switches(azure=on)


@pytest.mark.parametrize(
    ("environ", "traces", "metrics"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT}, True, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": ENDPOINT}, True, False),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": ENDPOINT}, False, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True, False),
        ({"OTEL_METRICS_EXPORTER": "prometheus, OTLP"}, False, True),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT, "OTEL_TRACES_EXPORTER": "none"},
            *(False, True),
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT, "OTEL_SDK_DISABLED": "True"}, False, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT, "OTEL_SDK_DISABLED": "1"}, True, True),
        ({"OTEL_SERVICE_NAME": "mine"}, False, False),
    ],
)
def test_otlp_by_the_standard_variables(
    environ: dict[str, str], traces: bool, metrics: bool
) -> None:
    on = switches(Settings(), environ)
    assert on == Switches(traces=traces, metrics=metrics)
    assert on.otlp is on.any is (traces or metrics)


def test_model_data_by_its_directory() -> None:
    assert switches(Settings(model_data_dir="/mnt/mdc"), {}) == Switches(model_data=True)


class TestMissingPackages:
    ALL = Switches(azure=True, traces=True, metrics=True, model_data=True)

    def test_with_all_installed_all_can_be_done(self) -> None:
        assert missing(self.ALL, lambda module: True) == (self.ALL, [])

    def test_the_extras_that_are_not_there_are_named(self) -> None:
        possible, lines = missing(self.ALL, lambda module: False)
        assert possible == Switches(model_data=True)
        assert [line.partition("scoreserve[")[2] for line in lines] == ["azure]'.", "otel]'."]

    def test_what_is_off_needs_nothing(self) -> None:
        assert missing(Switches(), lambda module: False) == (Switches(), [])
