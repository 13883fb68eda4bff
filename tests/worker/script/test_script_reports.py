"""What is reported of a script, and of which request each report is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scoreserve import heads, logs, reports, tracing, wire
from scoreserve.reports import NO_REQUEST, LogLine, Lost, ModelData, Report, ScriptError
from scoreserve.settings import Settings
from scoreserve.wire import Outcome
from scoreserve.worker.main_loop import WorkerLoop
from scoreserve.worker.model.meeting import ModelRunner
from scoreserve.worker.rows.list_runner import ListRunner
from scoreserve.worker.script import script_reports
from scoreserve.worker.script.calling import Call, convention_of
from scoreserve.worker.script.script_reports import PrintHandler, ScriptReports
from scoreserve.worker.script.script_runner import ScriptRunner
from tests.worker.fakes import head_of
from tests.worker.test_main_loop import MORE, FakeChannel

KEY = "12345678-1234-1234-1234-123456789012"
NOW = 1_700_000_000.5
_printed = logging.getLogger("azmlinfsrv.print")


def request_head(request_id: str, **headers: str) -> bytes:
    """The encoded head of a request with this id, as the worker gets it."""
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return heads.encode_head(head_of(headers=pairs), request_id.encode())


def jobs(*requests: tuple[bytes, bytes]) -> bytes:
    """A frame of jobs with these heads and bodies, numbered from 1."""
    records = [wire.Job(n, head, [body]) for n, (head, body) in enumerate(requests, start=1)]
    return b"".join(wire.encode_jobs(records))


def reported(frames: list[bytes]) -> list[Report]:
    """What is in REPORT frames."""
    return [reports.decode(frame[wire.PREFIX_BYTES :]) for frame in frames]


class Channel(FakeChannel):
    """Keeps reports too."""

    def __init__(self, frames: list[bytes]) -> None:
        super().__init__(frames)
        self.reports: list[Report] = []

    def _keep(self, kind: int, count: int, payload: bytes) -> None:
        if kind == wire.REPORT:
            report = reports.decode(payload)
            self.reports.append(report)
            self.sent.append(("told", (type(report).__name__,)))
        else:
            super()._keep(kind, count, payload)


@pytest.fixture
def told(
    json_logs: None, own_alarm: None, server_log: pytest.LogCaptureFixture
) -> Iterator[ScriptReports]:
    """The reports of a process in which Application Insights is on."""
    told = ScriptReports(Settings(app_insights_model_data=True), clock=lambda: NOW)
    handler = PrintHandler(told)
    _printed.addHandler(handler)
    yield told
    _printed.removeHandler(handler)


Serve = Callable[..., Channel]


@pytest.fixture
def serve(told: ScriptReports) -> Serve:
    """What a worker with this run() sends for these frames."""

    def serve(run: Callable[..., Any], *frames: bytes, together: Any = None) -> Channel:
        channel = Channel(list(frames))
        convention = convention_of(run)
        runner = ScriptRunner(run, convention, Settings(), reports=told)
        sharing = together(runner) if together is not None else None
        WorkerLoop(channel, runner, sharing, told).run()
        return channel

    return serve


def say(text: str) -> None:
    """What print() in a script comes to."""
    _printed.info("%s", text)


class TestLines:
    def test_tell_their_request_and_where_in_the_script_they_are(self, serve: Serve) -> None:
        def run(data: str) -> str:
            say(f"got {data}")
            return data

        parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        head = request_head("an id", traceparent=parent, x_ms_client_request_id="mine")
        [line, _] = serve(run, jobs((head, b"1"))).reports
        assert isinstance(line, LogLine)
        assert line.about == (
            "an id",
            "mine",
            "4bf92f3577b34da6a3ce929d0e0e4736",
            tracing.run_span_id(b"an id", 1),
            tracing.server_span_id(b"an id", 1),
        )
        assert (line.text, line.level, line.logger) == ("got 1", logging.INFO, _printed.name)
        assert (line.path, line.function) == (__file__, "say")

    def test_are_sent_before_the_answer_that_they_are_about(self, serve: Serve) -> None:
        def run(data: str) -> str:
            say(data)
            return data

        requests = (request_head("a"), b"1"), (request_head("b"), b"2")
        sent = [what for what, _ in serve(run, jobs(*requests)).sent]
        assert sent == ["told", "told", "outcome"] * 2

    def test_of_calls_that_take_turns_are_each_of_its_own_request(self, serve: Serve) -> None:
        def run(data: str) -> str:
            say(f"begin {data}")
            model.predict([[float(data)]])
            say(f"end {data}")
            return data

        linear_model = pytest.importorskip("sklearn.linear_model")
        model = linear_model.LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
        meeting: list[ModelRunner] = []

        def together(runner: ScriptRunner) -> ModelRunner:
            meeting.append(ModelRunner(runner, 4))
            meeting[0].start()
            return meeting[0]

        requests = [(request_head(f"id {n}"), b"%d" % n) for n in range(3)]
        try:
            found = serve(run, jobs(*requests), jobs(*requests), together=together).reports
        finally:
            meeting[0].close()
        lines = [report for report in found if isinstance(report, LogLine)]
        assert len(lines) == 12
        assert [line.text for line in lines[:3]] == ["begin 0", "begin 1", "begin 2"]
        assert all(line.about.request_id == f"id {line.text[-1]}" for line in lines)

    def test_of_a_shared_run_name_all_its_requests(self, serve: Serve) -> None:
        def run(data: list[str]) -> list[str]:
            say("all")
            return data

        requests = [(request_head(f"id {n}"), b"%d" % n) for n in range(2)]
        channel = serve(run, jobs(*requests), together=lambda runner: ListRunner(runner, "data", 8))
        [line, *_] = channel.reports
        assert line.about == NO_REQUEST._replace(request_id="id 0,id 1")

    def test_of_a_stream_are_of_its_request(self, serve: Serve) -> None:
        def run(data: str) -> Iterator[str]:
            yield "first"
            say("in between")
            yield "second"
            raise ValueError("broken off")

        channel = serve(run, jobs((request_head("streamed"), b"")), MORE, MORE)
        line, error = channel.reports
        assert isinstance(line, LogLine)
        assert line.text == "in between"
        assert isinstance(error, ScriptError)
        assert (error.type_name, error.message) == ("ValueError", "broken off")
        assert line.about == error.about
        assert line.about.request_id == "streamed"

    def test_of_other_threads_are_of_no_request(self, told: ScriptReports) -> None:
        logs.scored_requests.set(((request_head("a"), 1),))
        thread = threading.Thread(target=say, args=("from afar",))
        thread.start()
        thread.join()
        [line] = reported(told.frames())
        assert line.about == NO_REQUEST

    @pytest.mark.parametrize("samples", [1, 2])
    def test_of_known_samples_are_of_no_request(self, samples: int, told: ScriptReports) -> None:
        logs.scored_requests.set(((heads.encode_head(head_of()), 0),) * samples)
        say("tried")
        told.raised(logs.scored_requests.get(), ValueError("in a trial"))
        assert [each.about for each in reported(told.frames())] == [NO_REQUEST] * 2

    def test_that_are_too_many_or_too_long_are_cut_and_counted(
        self, json_logs: None, server_log: pytest.LogCaptureFixture
    ) -> None:
        told = ScriptReports(Settings(), most_bytes=100_000)
        handler = PrintHandler(told)
        _printed.addHandler(handler)
        for _ in range(10):
            say("x" * 1_000_000)
        _printed.removeHandler(handler)
        *lines, lost = reported(told.frames())
        assert [len(line.text) for line in lines if isinstance(line, LogLine)] == [32_768] * 3
        assert lost == Lost(NO_REQUEST, 7)
        say("again")
        assert told.frames() == []

    def test_can_always_be_sent(self, told: ScriptReports) -> None:
        say("half \ud83d")
        [line] = reported(told.frames())
        assert isinstance(line, LogLine)
        assert line.text == "half \\ud83d"


class TestErrors:
    def test_are_the_scripts_own(self, serve: Serve) -> None:
        def run(data: str) -> float:
            return 1 / int(data)

        [error, data] = serve(
            run, jobs((request_head("fails"), b"0"), (request_head("works"), b"1"))
        ).reports
        assert isinstance(error, ScriptError)
        assert error.about.request_id == "fails"
        assert error.time == NOW
        assert (error.type_name, error.message) == ("ZeroDivisionError", "division by zero")
        assert error.traceback.startswith("Traceback (most recent call last):\n")
        assert "return 1 / int(data)" in error.traceback
        assert error.traceback.endswith("ZeroDivisionError: division by zero\n")
        assert isinstance(data, ModelData)

    def test_of_time_are_named_as_the_reference_does(
        self, told: ScriptReports, own_alarm: None
    ) -> None:
        def run(data: str) -> None:
            threading.Event().wait(60)

        settings = Settings(scoring_timeout_ms=20)
        told = ScriptReports(settings)
        channel = Channel([jobs((request_head("slow"), b""))])
        runner = ScriptRunner(run, convention_of(run), settings, reports=told)
        WorkerLoop(channel, runner, None, told).run()
        [error] = channel.reports
        assert isinstance(error, ScriptError)
        assert error.type_name == "UserScriptTimeout"
        assert error.message == (
            "Script failed to finish execution within the allocated time: 20ms"
        )
        assert "Event().wait(60)" in error.traceback

    def test_with_a_result_that_cannot_be_sent_are_told(self, serve: Serve) -> None:
        [error] = serve(lambda data: {1, object()}, jobs((request_head("a"), b""))).reports
        assert isinstance(error, ScriptError)
        assert error.message.startswith("Object of type set is not JSON serializable")

    def test_of_clients_are_not(self, serve: Serve) -> None:
        assert serve(lambda data: data, jobs((request_head("a"), b"\xff"))).reports == []

    def test_without_words_are_told(self, told: ScriptReports) -> None:
        class Mute(Exception):
            def __str__(self) -> str:
                raise RuntimeError

        told.raised((), Mute())
        [error] = reported(told.frames())
        assert isinstance(error, ScriptError)
        assert error.about == NO_REQUEST
        assert error.message == "<its message cannot be made>"


class TestModelData:
    def test_is_what_run_got_and_what_it_returned(self, serve: Serve) -> None:
        [data] = serve(lambda data: {"got": 1}, jobs((request_head("a"), b'{"x": 1}'))).reports
        assert isinstance(data, ModelData)
        assert data.about.request_id == "a"
        assert (data.input, data.prediction) == (r'"{\"x\": 1}"', '{"got":1}')

    def test_is_cut(self, serve: Serve) -> None:
        [data] = serve(lambda data: data, jobs((request_head("a"), b"x" * 10_000))).reports
        assert isinstance(data, ModelData)
        assert len(data.input) == len(data.prediction) == 8_192

    def test_of_an_answer_in_parts_is_its_beginning(self, told: ScriptReports) -> None:
        outcome = Outcome(1, 200, b"", b"")
        outcome.parts = [b"[", bytearray(b"1" * 50_000), memoryview(b"]")]
        told.returned(Call(1, request_head("a"), {"data": "x"}, None, 1), outcome, "data")
        [data] = reported(told.frames())
        assert isinstance(data, ModelData)
        assert data.prediction == "[" + "1" * 8_191

    def test_is_not_told_unless_it_is_asked_for(self, own_alarm: None) -> None:
        def run(data: str) -> str:
            return data

        told = ScriptReports(Settings())
        channel = Channel([jobs((request_head("a"), b"1"))])
        runner = ScriptRunner(run, convention_of(run), Settings(), reports=told)
        WorkerLoop(channel, runner, None, told).run()
        assert channel.reports == []

    def test_of_rawhttp_is_the_body(self, told: ScriptReports) -> None:
        flask = pytest.importorskip("flask")
        from scoreserve.worker.script.flask_requests import request_context

        context = request_context(head_of(), b"raw body")
        call: Any = type("Call", (), {"context": context, "arguments": {"r": flask.request}})
        assert script_reports._input_text(call, None) == '"raw body"'


@pytest.mark.parametrize(
    ("folder", "models"),
    [
        ("iris/3", ["iris:3"]),
        (".", ["flowers:10", "iris:1", "iris:3"]),
        ("iris/3/files", []),
        ("nowhere", []),
    ],
)
def test_models_are_named_by_their_directory(
    tmp_path: Path, folder: str, models: list[str]
) -> None:
    for path in ("iris/1", "iris/3/files", "flowers/10", "flowers/.git"):
        (tmp_path / path).mkdir(parents=True)
    assert script_reports.models_in(str(tmp_path / folder)) == models


def test_there_are_none_without_a_directory() -> None:
    assert script_reports.models_in("") == []


@pytest.mark.parametrize(
    ("settings", "on"),
    [
        (Settings(), False),
        (Settings(app_insights_key=KEY), False),
        (Settings(app_insights_enabled=True), False),
        (Settings(app_insights_enabled=True, app_insights_key=KEY), True),
    ],
)
def test_what_is_printed_is_told_where_it_is_on(
    json_logs: None,
    server_log: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    on: bool,
) -> None:
    monkeypatch.setattr(script_reports, "_of_this_process", None)
    before = list(_printed.handlers)
    script_reports.install(settings)
    try:
        say("hello")
        told = script_reports.of_this_process()
        assert told is not None
        assert len(told.frames()) == on
        told.raised((), ValueError("to be told"))  # to traces, if to nobody else
        assert len(told.frames()) == 1
    finally:
        _printed.handlers = before
