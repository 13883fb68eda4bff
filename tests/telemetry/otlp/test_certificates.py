"""Which certificates a post to an OTLP endpoint is checked by."""

from __future__ import annotations

import pytest

from scoreserve.telemetry.otlp.certificates import OwnCertificates, session_for


@pytest.mark.parametrize(
    "variable", ["OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE"]
)
def test_those_that_are_named_go_before_the_machines(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/the/machine's.pem")
    session = session_for("TRACES", {variable: "/own.pem"})
    assert isinstance(session, OwnCertificates)
    session.verify = "/own.pem"  # as the exporter does
    settings = session.merge_environment_settings("https://there", {}, False, None, None)
    assert settings["verify"] == "/own.pem"


def test_without_any_the_exporter_has_its_own_way() -> None:
    environ = {"OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE": "/own.pem"}
    assert session_for("TRACES", environ) is None
