"""When the answer of a forked worker is that of a spawned one, and how either is told."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scoreserve import batched, wire
from scoreserve.settings import Settings
from scoreserve.worker.script.calling import convention_of
from scoreserve.worker.script.script_runner import ScriptRunner
from scoreserve.worker.template import trial
from scoreserve.worker_setup import Answer, Trial, TrialResult, WorkerSetup
from tests.conftest import WriteFile

EXPECTED = Answer("sample_request.json", 200, '{"label": [0.5, 1]}', 0.1)


@pytest.mark.parametrize(
    ("status", "body", "same"),
    [
        (200, '{"label": [0.5, 1]}', True),
        (200, '{"label":[0.5000000001,1]}', True),
        (200, '{"label": [0.6, 1]}', False),
        (200, '{"label": [0.5, 1], "more": 1}', False),
        (200, "no JSON", False),
        (500, '{"label": [0.5, 1]}', False),
    ],
    ids=["equal", "last digits", "another number", "another shape", "no JSON", "failed"],
)
def test_a_difference_is_told_and_what_it_is_logged(
    server_log: pytest.LogCaptureFixture, status: int, body: str, same: bool
) -> None:
    answer = EXPECTED._replace(status=status, body=body)
    told = trial.difference(EXPECTED, answer)
    assert (told == "") is same
    if not same:
        assert told == "a forked worker answers sample_request.json otherwise than a spawned one"
        assert f"A forked worker answers sample_request.json: {status} {body}" in server_log.text


def test_answers_that_are_never_the_same_are_compared_by_status() -> None:
    unsteady = EXPECTED._replace(steady=False)
    assert trial.difference(unsteady, EXPECTED._replace(body="[2]")) == ""
    assert trial.difference(unsteady, EXPECTED._replace(body="[2]", status=500)) != ""


Take = Callable[..., TrialResult]


@pytest.fixture
def take(tmp_path: Path) -> Take:
    """Takes the trial with this run(), as a spawned worker, and returns what the front is told."""

    def take(run: Callable[..., Any]) -> TrialResult:
        settings = Settings(app_root=str(tmp_path))
        convention = convention_of(run)
        runner = ScriptRunner(run, convention, settings)
        frames: list[bytes] = []
        setup = WorkerSetup(settings, trial=Trial())
        trial.take(setup, run, convention, runner, frames.append)
        (frame,) = frames
        assert wire.read_prefix(frame)[0] == wire.TRIED
        return TrialResult.from_json(frame[wire.PREFIX_BYTES :])

    return take


def answer(take: Take, run: Callable[..., Any]) -> Answer:
    found = take(run).answer
    assert found is not None
    return found


def test_a_spawned_worker_tells_its_answer(take: Take, write_file: WriteFile) -> None:
    write_file("sample_request.json", '{"data": [1, 2]}')
    told = answer(take, lambda data: sum(json.loads(data)["data"]))
    assert told[:3] == ("sample_request.json", 200, "3")
    assert told.steady
    assert told.seconds > 0
    assert told.resident_bytes > 1 << 20


def test_it_is_called_twice_to_see_whether_it_answers_alike(
    take: Take, write_file: WriteFile
) -> None:
    write_file("sample_request.json", "{}")
    assert not answer(take, lambda data: random.random()).steady


def test_a_run_that_raises_is_an_answer_too(take: Take, write_file: WriteFile) -> None:
    write_file("sample_request.json", "{}")
    assert answer(take, lambda data: 1 / 0).status == 500


def test_a_stream_is_read_to_its_end(take: Take, write_file: WriteFile) -> None:
    def run(data: str) -> Any:
        yield "one "
        yield "two"

    write_file("sample_request.json", "{}")
    assert answer(take, run).body == "one two"


def test_a_batched_run_gets_a_list(take: Take, write_file: WriteFile) -> None:
    @batched(max_batch_size=4)
    def run(data: list[str]) -> list[int]:
        return [len(each) for each in data]

    write_file("sample_request.json", "{}")
    assert answer(take, run).body == "[2]"


def test_without_a_sample_it_says_what_to_do(take: Take) -> None:
    told = take(lambda data: data)
    assert told.answer is None
    assert "put the body of a request into sample_request.json" in told.why


@pytest.mark.parametrize("trial_", [None, Trial(), Trial(EXPECTED)])
def test_a_setup_is_read_as_it_was_written(trial_: Trial | None) -> None:
    setup = WorkerSetup(Settings(workers=3, app_root="/app"), 2, trial_)
    assert WorkerSetup.from_json(setup.to_json()) == setup
