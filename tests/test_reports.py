"""Reports arrive as they were told."""

from __future__ import annotations

import pytest

from scoreserve import reports
from scoreserve.reports import LogLine, Lost, ModelData, RequestIds, ScriptError

ABOUT = RequestIds("id", "client's", "trace", "span", "parent")


@pytest.mark.parametrize(
    "report",
    [
        LogLine(reports.NO_REQUEST, 1.5, 20, "azmlinfsrv.print", "läuft \udcff", "s.py", "f", 3),
        ScriptError(ABOUT, 2.5, "ValueError", "no", "Traceback …"),
        ModelData(ABOUT, 3.5, ("m:1", "n:2"), '{"data": []}', "[1]"),
        Lost(reports.NO_REQUEST, 7),
    ],
)
def test_a_report_arrives_as_it_was_told(report: reports.Report) -> None:
    arrived = reports.decode(reports.encode(report))
    assert arrived == report
    assert type(arrived) is type(report)
    assert type(arrived.about) is RequestIds


@pytest.mark.parametrize(
    "data", [b"", b"\xff", reports.encode(ModelData(ABOUT, 1.0, (), "", ""))[:-9]]
)
def test_what_is_no_report_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no report"):
        reports.decode(data)
