"""Calling run(): what comes of results, exceptions and timeouts."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from scoreserve import heads, logs
from scoreserve.settings import Settings
from scoreserve.wire import Outcome, WireJob
from scoreserve.worker.script import alarm
from scoreserve.worker.script.calling import Call, convention_of
from scoreserve.worker.script.responses import StreamedOutcome
from scoreserve.worker.script.script_runner import ScriptRunner
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


def test_an_input_that_is_refused_never_reaches_run(score: Score) -> None:
    calls: list[Any] = []

    def run(data: Any) -> None:
        calls.append(data)

    outcome = score(run, job_of(b"\xff"))
    assert isinstance(outcome, Outcome)
    assert outcome.status == 400
    assert score(run, job_of(head=head_of("OPTIONS"))).status == 405  # type: ignore[union-attr]
    assert calls == []


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

    def test_of_the_scripts_own_counts_too(self, score: Score) -> None:
        def run(data: Any) -> None:
            raise TimeoutError

        assert message(score(run, scoring_timeout_ms=5000)) == "Scoring timeout after 5000 ms"

    @pytest.mark.parametrize("fails", [True, False])
    def test_ends_with_run(self, score: Score, fails: bool) -> None:
        def run(data: Any) -> float:
            return 1 / (not fails)

        score(run, scoring_timeout_ms=1)
        signal.raise_signal(signal.SIGALRM)  # were it still running, it would raise here

    def test_that_rings_before_its_time_is_over_is_not_heard(self, score: Score) -> None:
        """The timer may have been set for an earlier call."""

        def run(data: Any) -> Any:
            signal.raise_signal(signal.SIGALRM)
            return data

        assert score(run, scoring_timeout_ms=60_000).status == 200  # type: ignore[union-attr]

    def test_holds_though_the_script_used_the_timer_itself(
        self, own_alarm: None, server_log: pytest.LogCaptureFixture
    ) -> None:
        """As some libraries do, for a timeout of their own in an earlier call."""

        def run(data: Any) -> Any:
            if data == "first":
                signal.setitimer(signal.ITIMER_REAL, 0)
            else:
                until = time.monotonic() + 5
                while time.monotonic() < until:
                    pass
            return data

        runner = ScriptRunner(run, convention_of(run), Settings(scoring_timeout_ms=20))
        first, second = runner.read([job_of(b"first"), job_of(b"second")])
        assert isinstance(first, Call)
        assert isinstance(second, Call)
        runner.score(first)
        time.sleep(2 * alarm._ASK_SECONDS)
        assert message(runner.score(second)) == "Scoring timeout after 20 ms"


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
