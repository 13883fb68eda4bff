"""Calls of run() for several payloads at once, by text and by arguments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from scoreserve.errors import ScriptFailed
from scoreserve.settings import Settings
from scoreserve.worker.rows.merged_runs import MergedRuns
from scoreserve.worker.rows.reasons import NotMerged
from scoreserve.worker.script.calling import convention_of
from scoreserve.worker.script.script_runner import ScriptRunner

pytestmark = pytest.mark.usefixtures("own_alarm", "server_log")


class Script:
    """Keeps what it is called with, changes it, and fails on "bad"."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def run(self, data: Any) -> Any:
        self.seen.append(json.dumps(data))
        if data == "bad":
            raise ValueError(data)
        if isinstance(data, list):
            data.clear()
        return "result"


def runs_of(script: Script, *, by_text: bool, max_rows: int = 8) -> MergedRuns:
    runner = ScriptRunner(script.run, convention_of(script.run), Settings())
    return MergedRuns(runner, max_rows, "data" if by_text else None)


def reason_against(runs: MergedRuns, arguments: Mapping[str, Any]) -> str:
    """Why a call is never merged."""
    with pytest.raises(NotMerged) as refused:
        runs.sample(arguments)
    return refused.value.reason


class TestByText:
    def test_run_gets_one_text_with_all_rows(self) -> None:
        script = Script()
        runs = runs_of(script, by_text=True)
        members = [runs.sample({"data": text}) for text in ("[[ 1.50 ]]", "[[2e0], [3.0]]")]
        assert runs.together(members, members[0].call) == "result"
        assert json.loads(script.seen[0]) == "[[ 1.50 ], [2e0], [3.0]]"

    def test_once_more_it_gets_the_text_as_it_came(self) -> None:
        script = Script()
        runs = runs_of(script, by_text=True)
        text = '[ {"a": 1.50, "a": 2}\n]'
        assert runs.again(runs.sample({"data": text})) == "result"
        assert json.loads(script.seen[0]) == text

    def test_frames_are_forgotten_in_the_end_and_found_again(self) -> None:
        runs = runs_of(Script(), by_text=True)
        texts = [json.dumps({"data": [0.5], "k": k}) for k in range(20)]
        kinds = [runs.sample({"data": text}).kind for text in texts]
        assert [runs.sample({"data": text}).kind for text in texts] == kinds
        assert len(runs._frames) == 8

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "not_json"),
            ("[NaN]", "not_json"),
            ("[123456789012345678901]", "long_integer"),
            ("5", "no_rows"),
            ("[1, 2.0]", "uneven_rows"),
            (json.dumps(list(range(9))), "too_many_rows"),
            ("[" * 50 + "]" * 50, "too_deep"),
        ],
    )
    def test_what_is_never_merged(self, text: str, reason: str) -> None:
        assert reason_against(runs_of(Script(), by_text=True), {"data": text}) == reason


class TestByArguments:
    def test_run_gets_all_rows_in_its_arguments_and_may_change_them(self) -> None:
        script = Script()
        runs = runs_of(script, by_text=False)
        members = [runs.sample({"data": rows}) for rows in ([[1.5]], [[2.0], [3.0]])]
        for _ in range(2):
            runs.together(members, members[0].call)
        assert script.seen == ["[[1.5], [2.0], [3.0]]"] * 2

    def test_once_more_it_gets_its_own_which_may_change_too(self) -> None:
        script = Script()
        runs = runs_of(script, by_text=False)
        member = runs.sample({"data": [[1.5]]})
        for _ in range(2):
            runs.again(member)
        assert script.seen == ["[[1.5]]", "[[1.5]]"]

    @pytest.mark.parametrize("depth", [40, 400, 700, 900])
    def test_what_is_nested_too_deeply_is_never_merged(self, depth: int) -> None:
        """As deep as the stdlib reads it."""
        deep = json.loads("[" * depth + "]" * depth)
        assert reason_against(runs_of(Script(), by_text=False), {"data": deep}) == "too_deep"


@pytest.mark.parametrize("by_text", [True, False])
def test_what_is_too_long_to_be_kept_is_never_merged(by_text: bool) -> None:
    """It may be long in whatever it has beside its rows."""
    runs = runs_of(Script(), by_text=by_text)
    arguments = {"data": "[1.0]" if by_text else [1.0]}
    call = runs.sample(arguments).call
    assert runs.member(replace(call, body_bytes=1 << 16))
    with pytest.raises(NotMerged, match="too_long"):
        runs.member(replace(call, body_bytes=(1 << 16) + 1))


@pytest.mark.parametrize("by_text", [True, False])
def test_some_of_its_rows(by_text: bool) -> None:
    script = Script()
    runs = runs_of(script, by_text=by_text)
    whole = runs.sample({"data": "[1.5, 2.5, 3.5]" if by_text else [1.5, 2.5, 3.5]})
    part = runs.some_rows(whole, 1, 3)
    assert part.rows == 2
    assert part.kind is whole.kind
    runs.again(part)
    assert script.seen == ['"[2.5, 3.5]"' if by_text else "[2.5, 3.5]"]


def test_a_run_that_fails_is_told() -> None:
    runs = MergedRuns(ScriptRunner(json.loads, convention_of(Script().run), Settings()), 8, "data")
    with pytest.raises(ScriptFailed):
        runs.again(runs.sample({"data": '["x"]'}))
