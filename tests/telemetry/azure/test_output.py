"""The output and the real exporters, before a sink that stands in for Application Insights."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from typing import Any

import pytest

from scoreserve import reports
from scoreserve.reports import LogLine, Lost, ModelData, RequestIds, ScriptError
from scoreserve.settings import Settings
from scoreserve.telemetry import outputs
from scoreserve.telemetry.azure import exporting
from scoreserve.telemetry.azure import output as azure
from scoreserve.telemetry.azure.output import AzureOutput
from scoreserve.telemetry.records import NO_JOB
from tests.servers import wait_until
from tests.telemetry.azure.conftest import Open
from tests.telemetry.azure.track_sink import KEY, Envelope, TrackSink, track_sink
from tests.telemetry.http_sink import TAKES, Answer
from tests.telemetry.request_records import ENDED, record

TRACE, RUN, REQUEST = "4bf92f3577b34da6a3ce929d0e0e4736", "0" * 15 + "1", "0" * 15 + "2"
ABOUT = RequestIds("an id", "mine", TRACE, RUN, REQUEST)
DEADLINE = 20.0  # far beyond what closing takes before a sink that answers


def close(output: AzureOutput) -> None:
    output.close(time.monotonic() + DEADLINE)


def tags(envelope: Envelope, prefix: str = "ai.operation") -> dict[str, str]:
    """The tags whose names begin so."""
    return {name: value for name, value in envelope["tags"].items() if name.startswith(prefix)}


def base_data(envelope: Envelope) -> Any:
    return envelope["data"]["baseData"]


class TestRequests:
    def test_are_rows_with_the_truth_in_them(self, sink: TrackSink, opened: Open) -> None:
        output = opened()
        parent = f"00-{TRACE}-00f067aa0ba902b7-01".encode()
        output.request(record(status=503, traceparent=parent))
        close(output)
        [request] = sink.of_type("RequestData")
        assert request["iKey"] == KEY
        assert request["time"].startswith("2023-11-14T22:13:20")
        assert tags(request) == {
            "ai.operation.id": TRACE,
            "ai.operation.name": "/score",
            "ai.operation.parentId": "00f067aa0ba902b7",
        }
        data = base_data(request)
        assert data["name"] == "/score"
        assert (data["duration"], data["responseCode"]) == ("0.00:00:00.250", "503")
        assert data["success"] is False
        assert len(data["id"]) == 16
        assert data["properties"] == {
            "Container Id": "pod-1",
            "Request Id": "an id",
            "Client Request Id": "",
            "Response Value": "[1]",
            "name": "/score",
            "url": "http://example.com:5001/score",
            "start_time": "2023-11-14T22:13:20Z",
            "duration": "00:00:00.250",
            "resultCode": "503",
            "success": "False",
            "http_method": "POST",
            "Workspace Name": "team",
            "Service Name": "digits",
        }

    @pytest.mark.parametrize(
        ("status", "success"), [(200, True), (302, True), (400, False), (500, False)]
    )
    def test_succeed_below_400(
        self, sink: TrackSink, opened: Open, status: int, success: bool
    ) -> None:
        output = opened()
        output.request(record(status=status))
        close(output)
        [request] = sink.of_type("RequestData")
        assert base_data(request)["success"] is success

    def test_are_those_of_scoring_and_of_the_reference(self, sink: TrackSink, opened: Open) -> None:
        output = opened()
        for path, api, job_id in (
            (b"/", False, NO_JOB),
            (b"/health/ready", False, NO_JOB),
            (b"/nope", False, NO_JOB),
            (b"/score", True, NO_JOB),
            (b"/swagger.json", True, NO_JOB),
            (b"/v2/models/digits/infer", False, NO_JOB),
            (b"/v2/models/digits/versions/1/infer", False, 3),
        ):
            output.request(record(path=path, route=path, api=api, job_id=job_id))
        close(output)
        assert [base_data(each)["name"] for each in sink.of_type("RequestData")] == [
            "/score",
            "/swagger.json",
            "/v2/models/digits/infer",
            "/v2/models/digits/versions/1/infer",
        ]

    def test_come_with_what_sent_them(self, sink: TrackSink, opened: Open) -> None:
        output = opened()
        output.request(record())
        close(output)
        [resource] = sink.of_type("MetricData")
        assert base_data(resource)["metrics"][0]["name"] == "_OTELRESOURCE_"
        for envelope in sink.envelopes:
            assert tags(envelope, "ai.cloud.role")["ai.cloud.role"] == "digits"
            assert tags(envelope, "ai.cloud.role")["ai.cloud.roleInstance"]


class TestReports:
    def test_of_lines_are_traces_of_their_request(self, sink: TrackSink, opened: Open) -> None:
        output = opened()
        line = LogLine(ABOUT, ENDED, 20, "azmlinfsrv.print", "hello\n", "/app/score.py", "run", 7)
        output.report(line)
        output.report(line._replace(about=reports.NO_REQUEST, level=30))
        output.report(line._replace(text=""))
        close(output)
        about, alone, empty = sink.of_type("MessageData")
        assert tags(about) == {
            "ai.operation.id": TRACE,
            "ai.operation.parentId": REQUEST,
        }
        assert about["time"].startswith("2023-11-14T22:13:20.25")
        assert base_data(about)["message"] == "hello"
        assert int(base_data(about)["severityLevel"]) == 1
        assert base_data(about)["properties"] == {
            "Container Id": "pod-1",
            "Request Id": "an id",
            "Client Request Id": "mine",
            "code.file.path": "/app/score.py",
            "code.function.name": "run",
            "code.line.number": "7",
        }
        assert tags(alone) == {
            "ai.operation.id": "0" * 32,
            "ai.operation.parentId": "0" * 16,
        }
        assert base_data(alone)["properties"]["Request Id"] == ""
        assert int(base_data(alone)["severityLevel"]) == 2
        assert base_data(empty)["message"] == "n/a"

    def test_of_errors_are_exceptions(self, sink: TrackSink, opened: Open) -> None:
        output = opened()
        output.report(ScriptError(ABOUT, ENDED, "ValueError", "no", "Traceback …"))
        output.report(ScriptError(reports.NO_REQUEST, ENDED, "KeyError", "", "Traceback …"))
        close(output)
        of_run, of_init = sink.of_type("ExceptionData")
        assert base_data(of_run)["exceptions"] == [
            {
                "typeName": "ValueError",
                "message": "no",
                "hasFullStack": True,
                "stack": "Traceback …",
            }
        ]
        assert int(base_data(of_run)["severityLevel"]) == 3
        assert base_data(of_run)["properties"] == {
            "Container Id": "pod-1",
            "Request Id": "an id",
            "Client Request Id": "mine",
        }
        assert tags(of_run)["ai.operation.id"] == TRACE
        assert base_data(of_init)["exceptions"][0]["message"] == "KeyError"
        assert base_data(of_init)["properties"]["Request Id"] == "Unknown"

    def test_of_model_data_are_traces(self, sink: TrackSink, opened: Open) -> None:
        output = opened()
        output.report(ModelData(ABOUT, ENDED, ("iris:3",), '"[1]"', '{"a":1}'))
        close(output)
        [data] = sink.of_type("MessageData")
        assert base_data(data)["message"] == "model_data_collection"
        assert base_data(data)["properties"] == {
            "Container Id": "pod-1",
            "Request Id": "an id",
            "Client Request Id": "mine",
            "Workspace Name": "team",
            "Service Name": "digits",
            "Models": '["iris:3"]',
            "Input": '"[1]"',
            "Prediction": '{"a":1}',
        }

    def test_that_the_worker_lost_are_counted(self, opened: Open) -> None:
        output = opened()
        output.report(Lost(reports.NO_REQUEST, 7))
        assert output.take_dropped() == {"worker_full": 7}
        assert output.take_dropped() == {}


LINE = LogLine(ABOUT, ENDED, 20, "azmlinfsrv.print", "hello", "/app/score.py", "run", 7)


class TestSinksThatFail:
    def test_one_that_dies_and_comes_back_misses_nothing(
        self, opened: Open, sink: TrackSink
    ) -> None:
        output = opened()
        output.request(record(request_id=b"before"))
        sink.wait_for("RequestData", 1)
        sink.close()
        output.request(record(request_id=b"meanwhile"))
        with track_sink(sink.port) as again:
            [request] = again.wait_for("RequestData", 1)
            assert base_data(request)["properties"]["Request Id"] == "meanwhile"
            close(output)
        assert output.take_dropped() == {}

    @pytest.mark.parametrize("status", [500, 503, 429])
    def test_one_that_is_out_of_order_for_a_while_misses_nothing(
        self, opened: Open, sink: TrackSink, status: int
    ) -> None:
        output = opened()
        sink.answer = Answer(status)
        output.report(LINE)
        wait_until(lambda: sink.posts >= 2, "the sink is tried again")
        sink.answer = TAKES
        sink.wait_for("MessageData", 1)
        close(output)
        assert output.take_dropped() == {}

    @pytest.mark.parametrize(
        ("status", "told"),
        [
            (402, "It answers a post with 402 Payment Required"),
            (429, "A post has failed, and is tried again: it answers 429 Too Many Requests"),
        ],
    )
    @pytest.mark.usefixtures("library")
    def test_what_it_answers_is_told_at_once(
        self,
        opened: Open,
        sink: TrackSink,
        server_log: pytest.LogCaptureFixture,
        status: int,
        told: str,
    ) -> None:
        exporting.pass_on_lines(KEY)
        output = opened()
        sink.answer = Answer(status)
        output.report(LINE)
        wait_until(lambda: f"Application Insights: {told}" in server_log.text, "the answer is told")
        output.close(time.monotonic())

    def test_one_that_asks_for_a_pause_gets_it(self, opened: Open, sink: TrackSink) -> None:
        output = opened(most_waiting=3)
        sink.answer = Answer(429, {"Retry-After": "3600"})
        output.request(record())
        wait_until(lambda: sink.posts == 1, "the sink has asked for a pause")
        for _ in range(10):
            output.request(record())
        assert not output.has_room()
        assert output.take_dropped() == {"queue_full": 7}
        started = time.monotonic()
        output.close(started + 0.2)
        assert time.monotonic() - started < DEADLINE / 2
        assert sink.posts == 1

    @pytest.mark.parametrize("status", [400, 401, 403, 404])
    def test_one_that_refuses_is_not_asked_again(
        self,
        opened: Open,
        sink: TrackSink,
        server_log: pytest.LogCaptureFixture,
        status: int,
    ) -> None:
        output = opened()
        sink.answer = Answer(status)
        output.report(LINE)
        dropped: Counter[str] = Counter()
        wait_until(lambda: dropped.update(output.take_dropped()) or dropped, "it is dropped")
        assert dropped == {"export_failed": 1}
        assert sink.posts == 1
        sink.answer = TAKES
        output.report(LINE)
        sink.wait_for("MessageData", 1)
        close(output)
        said = [each.getMessage() for each in server_log.records if each.name.endswith("telemetry")]
        assert said[-2:] == [
            "Application Insights, traces: telemetry is not taken; it is dropped meanwhile",
            "Application Insights, traces: telemetry is sent again",
        ]

    def test_one_that_is_dead_costs_what_is_in_the_queue(
        self, opened: Open, sink: TrackSink, server_log: pytest.LogCaptureFixture
    ) -> None:
        output = opened(most_waiting=50)
        sink.close()
        dropped: Counter[str] = Counter()
        for _ in range(1000):
            output.report(LINE)
        dropped += output.take_dropped()
        assert dropped["queue_full"] >= 800
        wait_until(
            lambda: dropped.update(output.take_dropped()) or dropped.total() == 1000,
            "all is dropped",
        )
        assert dropped["export_failed"] >= 50

    def test_one_that_is_slow_holds_nothing_up(self, opened: Open, sink: TrackSink) -> None:
        output = opened(most_waiting=5)
        sink.answer = Answer(seconds=60.0)
        output.request(record())
        wait_until(lambda: sink.posts == 1, "the sink is slow")
        started = time.monotonic()
        for _ in range(1000):
            output.request(record())
        output.report(LINE)
        output.close(time.monotonic() + 0.2)
        assert time.monotonic() - started < DEADLINE
        assert output.take_dropped() == {"queue_full": 995}


def test_nothing_else_is_asked_or_told(opened: Open, sink: TrackSink) -> None:
    output = opened()
    output.request(record())
    output.report(LINE)
    close(output)
    assert sink.strangers == []
    assert sink.posts == 2


def test_posts_are_of_many(opened: Open, sink: TrackSink) -> None:
    output = opened(delay_seconds=60.0)
    for _ in range(600):
        output.request(record())
    close(output)
    assert len(sink.of_type("RequestData")) == 600
    assert sink.posts == 2


class TestOpening:
    def test_says_where_it_sends(
        self,
        clean_environ: None,
        server_log: pytest.LogCaptureFixture,
        sink: TrackSink,
        library: None,
    ) -> None:
        settings = Settings(app_insights_enabled=True, app_insights_key=KEY)
        [output] = azure.opened(settings, os.environ)
        output.request(record())
        close(output)
        assert len(sink.of_type("RequestData")) == 1
        [line] = [each.getMessage() for each in server_log.records]
        assert line == f"Telemetry is sent to Application Insights, at 127.0.0.1:{sink.port}"

    def test_says_what_is_wrong(
        self,
        clean_environ: None,
        server_log: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
        library: None,
    ) -> None:
        monkeypatch.setenv("APPLICATIONINSIGHTS_CONNECTION_STRING", "nonsense")
        settings = Settings(app_insights_enabled=True, app_insights_key=KEY)
        assert azure.opened(settings, os.environ) == []
        assert "APPLICATIONINSIGHTS_CONNECTION_STRING" in server_log.text

    def test_says_that_the_package_is_too_old(
        self,
        clean_modules: None,
        server_log: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """As it may be where the reference's package is installed too."""
        monkeypatch.setitem(sys.modules, "scoreserve.telemetry.azure.output", None)
        monkeypatch.delattr("scoreserve.telemetry.azure.output", raising=False)
        settings = Settings(app_insights_enabled=True, app_insights_key=KEY)
        assert outputs.openers(settings, {}) == []
        assert "pip install --upgrade 'scoreserve[azure]'" in server_log.text
