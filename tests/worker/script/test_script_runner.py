"""Calling run(): what comes of results, exceptions and timeouts."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from scoreserve import heads, logs
from scoreserve.errors import ScriptFailed
from scoreserve.settings import Settings
from scoreserve.wire import Outcome, WireJob
from scoreserve.worker.script import alarm
from scoreserve.worker.script.calling import Call, convention_of
from scoreserve.worker.script.responses import StreamedOutcome
from scoreserve.worker.script.script_runner import ScriptRunner, run_init
from tests.worker.fakes import head_of, job_of

Score = Callable[..., Outcome | StreamedOutcome]


@pytest.fixture
def score(own_alarm: None, server_log: pytest.LogCaptureFixture) -> Iterator[Score]:
    """What comes of one job for this run()."""
    scorers: list[ScriptRunner] = []

    def score(
        run: Callable[..., Any], job: WireJob | None = None, **settings: Any
    ) -> Outcome | StreamedOutcome:
        runner = ScriptRunner(run, convention_of(run), Settings(**settings))
        scorers.append(runner)
        (call,) = runner.read([job or job_of(b"[1]")])
        return call if isinstance(call, Outcome) else runner.score(call)

    yield score
    for runner in scorers:
        if runner._coroutines is not None:
            runner.end()
            runner._coroutines._loop.close()  # it lives as long as the process


def message(outcome: Outcome | StreamedOutcome) -> str:
    """What the client of a failed job is told."""
    assert isinstance(outcome, Outcome)
    assert not outcome.ran
    (text,) = json.loads(outcome.body).values()
    return str(text)


def test_a_result_is_the_body(score: Score) -> None:
    outcome = score(lambda data: {"got": data})
    assert isinstance(outcome, Outcome)
    assert (outcome.status, outcome.body) == (200, b'{"got":"[1]"}')
    assert outcome.ran


def test_a_traceback_is_for_the_log_unless_it_is_asked_for(score: Score) -> None:
    def run(data: Any) -> None:
        raise ValueError("a secret of the model")

    usual = score(run)
    assert isinstance(usual, Outcome)
    assert json.loads(usual.body) == {"message": ScriptFailed().message}
    shown = score(run, show_tracebacks=True)
    assert isinstance(shown, Outcome)
    assert shown.status == usual.status == 500
    told = json.loads(shown.body)
    assert told["message"] == ScriptFailed().message
    assert told["traceback"][0] == "Traceback (most recent call last):"
    assert told["traceback"][-1] == "ValueError: a secret of the model"
    assert sum("File" in line for line in told["traceback"]) == 1  # the script's own frames
    refused = score(run, job_of(b"\xff"), show_tracebacks=True)
    assert isinstance(refused, Outcome)
    assert list(json.loads(refused.body)) == ["message"]


def test_an_input_that_is_refused_never_reaches_run(score: Score) -> None:
    calls: list[Any] = []

    def run(data: Any) -> None:
        calls.append(data)

    outcome = score(run, job_of(b"\xff"))
    assert isinstance(outcome, Outcome)
    assert outcome.status == 400
    assert score(run, job_of(head=head_of("OPTIONS"))).status == 405  # type: ignore[union-attr]
    assert calls == []


def test_an_input_that_there_is_no_memory_for_is_a_500(
    score: Score, monkeypatch: pytest.MonkeyPatch, server_log: pytest.LogCaptureFixture
) -> None:
    class Short(json.JSONDecoder):
        def decode(self, *arguments: Any) -> Any:
            raise MemoryError

    monkeypatch.setattr(json, "_default_decoder", Short())
    outcome = score(lambda data: data, job_of(head=head_of("GET", query="a=1")))
    monkeypatch.undo()
    assert "internal error" in message(outcome)
    assert isinstance(outcome, Outcome)
    assert outcome.status == 500
    assert "no memory for the input" in server_log.text
    assert score(lambda data: data).status == 200  # type: ignore[union-attr]


def test_what_is_logged_is_about_the_request_that_is_scored(score: Score, json_logs: None) -> None:
    def identified(name: bytes) -> WireJob:
        return replace(job_of(), head=heads.encode_head(head_of(), name))

    def run(data: Any) -> str:
        return logs.request_id()

    async def run_async(data: Any) -> str:
        return logs.request_id()

    def run_streaming(data: Any) -> Iterator[str]:
        yield logs.request_id()

    for name in ("one", "other"):
        for plain in (run, run_async):
            outcome = score(plain, identified(name.encode()))
            assert isinstance(outcome, Outcome)
            assert json.loads(outcome.body) == name
        streamed = score(run_streaming, identified(name.encode()))
        assert isinstance(streamed, StreamedOutcome)
        assert b"".join(streamed.chunks) == name.encode()


def test_an_exception_is_a_500_and_its_traceback_is_logged_from_the_script_on(
    score: Score, server_log: pytest.LogCaptureFixture
) -> None:
    def run(data: Any) -> None:
        raise KeyError("mine")

    assert message(score(run)) == (
        "An unexpected error occurred in scoring script. Check the logs for more info."
    )
    *_, logged = server_log.messages
    assert "KeyError: 'mine'" in logged
    assert "in run" in logged
    assert "script/script_runner.py" not in logged


@pytest.mark.parametrize(
    ("request_id", "named"),
    [
        (b"mine", "request mine"),
        (b"\x9b1m", r"request \x9b1m"),
        (b"", "a request without an id"),
    ],
)
def test_a_traceback_names_its_request_in_text_too(
    score: Score, server_log: pytest.LogCaptureFixture, request_id: bytes, named: str
) -> None:
    def run(data: Any) -> None:
        raise KeyError("mine")

    score(run, replace(job_of(), head=heads.encode_head(head_of(), request_id)))
    *_, logged = server_log.messages
    assert logged.startswith(f"Encountered Exception in {named}: Traceback (most recent call last)")


def test_a_result_without_json_form_is_a_500_and_its_type_is_logged(
    score: Score, server_log: pytest.LogCaptureFixture
) -> None:
    outcome = score(lambda data: {data})
    assert message(outcome) == (
        "An unexpected internal error occurred. Check the logs for more info."
    )
    *_, logged = server_log.messages
    assert "set is not JSON serializable" in logged


@pytest.mark.parametrize(
    "error",
    [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError()],
    ids=repr,
)
def test_what_would_end_the_process_only_fails_the_request(
    score: Score, error: BaseException
) -> None:
    def run(data: Any) -> None:
        raise error

    assert message(score(run)).startswith("An unexpected error occurred in scoring script.")


class TestTimeout:
    def test_interrupts_run(self, score: Score) -> None:
        def run(data: Any) -> None:
            while True:
                pass

        assert message(score(run, scoring_timeout_ms=20)) == "Scoring timeout after 20 ms"

    def test_interrupts_a_coroutine(self, score: Score) -> None:
        async def run(data: Any) -> None:
            await asyncio.Event().wait()

        assert message(score(run, scoring_timeout_ms=20)) == "Scoring timeout after 20 ms"

    @pytest.mark.parametrize(
        "error",
        [TimeoutError("mine"), asyncio.TimeoutError(), concurrent.futures.TimeoutError()],
        ids=["builtin", "asyncio", "futures"],
    )
    def test_of_the_scripts_own_is_an_exception_like_others(
        self, score: Score, server_log: pytest.LogCaptureFixture, error: Exception
    ) -> None:
        def run(data: Any) -> None:
            raise error

        assert message(score(run)).startswith("An unexpected error occurred in scoring script.")
        assert "TimeoutError" in server_log.messages[-1]
        assert not any("allocated time" in line for line in server_log.messages)

    @pytest.mark.skipif(sys.version_info < (3, 11), reason="has no groups of exceptions")
    def test_interrupts_a_task_of_a_group(self, score: Score) -> None:
        """Which is told as a group of exceptions."""

        async def block() -> None:
            time.sleep(30)

        async def run(data: Any) -> None:
            async with asyncio.TaskGroup() as group:  # type: ignore[attr-defined,unused-ignore]
                group.create_task(block())

        assert message(score(run, scoring_timeout_ms=20)) == "Scoring timeout after 20 ms"

    @pytest.mark.parametrize("fails", [True, False])
    def test_ends_with_run(self, score: Score, fails: bool) -> None:
        def run(data: Any) -> float:
            return 1 / (not fails)

        score(run, scoring_timeout_ms=1)
        time.sleep(0.01)
        signal.raise_signal(alarm.SIGNAL)  # were it still running, it would raise here

    def test_that_rings_before_its_time_is_over_is_not_heard(self, score: Score) -> None:
        """It may have been for an earlier call."""

        def run(data: Any) -> Any:
            signal.raise_signal(alarm.SIGNAL)
            return data

        assert score(run, scoring_timeout_ms=60_000).status == 200  # type: ignore[union-attr]

    def test_holds_though_the_script_has_the_timer_of_the_process(self, score: Score) -> None:
        heard: list[int] = []

        def run(data: Any) -> None:
            signal.signal(signal.SIGALRM, lambda number, _: heard.append(number))
            signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
            while True:
                time.sleep(1)

        assert message(score(run, scoring_timeout_ms=50)) == "Scoring timeout after 50 ms"
        assert heard


class TestAsync:
    def test_a_coroutine_is_awaited(self, score: Score) -> None:
        async def run(data: Any) -> Any:
            await asyncio.sleep(0)
            return [data]

        outcome = score(run)
        assert isinstance(outcome, Outcome)
        assert outcome.body == b'["[1]"]'

    def test_an_async_generator_is_streamed(self, score: Score) -> None:
        async def run(data: Any) -> AsyncIterator[str]:
            yield "a"
            await asyncio.sleep(0)
            yield "b"

        outcome = score(run)
        assert isinstance(outcome, StreamedOutcome)
        assert list(outcome.chunks) == [b"a", b"b"]

    def test_init_is_awaited_where_run_is(
        self, own_alarm: None, server_log: pytest.LogCaptureFixture
    ) -> None:
        loops: list[asyncio.AbstractEventLoop] = []

        async def init() -> None:
            loops.append(asyncio.get_running_loop())

        async def run(data: Any) -> bool:
            return asyncio.get_running_loop() is loops[0]

        coroutines = run_init(init)
        runner = ScriptRunner(run, convention_of(run), Settings(), coroutines)
        (call,) = runner.read([job_of()])
        assert isinstance(call, Call)
        outcome = runner.score(call)
        assert isinstance(outcome, Outcome)
        assert outcome.body == b"true"
        loops[0].close()

    def test_an_init_that_is_not_async_needs_no_loop(self) -> None:
        assert run_init(lambda: "whatever") is None
