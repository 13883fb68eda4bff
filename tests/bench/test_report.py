"""What is printed of the figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from scoreserve.bench.choice import Choice
from scoreserve.bench.load import Figures
from scoreserve.bench.report import report, table
from scoreserve.bench.servers import Subject
from scoreserve.bench.sweep import PLAINEST, Findings

SUBJECT = Subject(Path("/home/score.py"), Path("/home/the model"), [])
BATCHED = Choice(1, 8)


def figures(rate: int, **errors: int) -> Figures:
    return Figures(
        rate, 1.0, 2.0, 3.0, {name.replace("_", " "): n for name, n in errors.items()}, 0.1
    )


def told(findings: Findings) -> str:
    return "\n".join(report(findings, SUBJECT))


def test_columns_are_aligned() -> None:
    lines = list(table(("a", "n"), [("one", "1"), ("three", "1,000")]))
    assert lines == ["a          n", "one        1", "three  1,000"]


def test_settings_are_suggested_with_the_reason() -> None:
    findings = Findings(
        readings={PLAINEST: [figures(1000)], BATCHED: [figures(4000)]},
        memory_mib={PLAINEST: 100.0, BATCHED: 100.0},
    )
    text = told(findings)
    assert "1 worker, no batching" in text
    assert "Use 1 worker, batches up to 8: 4.00 times the requests" in text
    assert "scoreserve serve /home/score.py --model-dir '/home/the model'" in text
    assert "--workers 1 --max-batch-size 8" in text
    assert "WORKER_COUNT=1 SCORESERVE_MAX_BATCH_SIZE=8" in text


def test_a_model_without_a_script_is_suggested_as_one() -> None:
    findings = Findings(readings={PLAINEST: [figures(1000)]})
    subject = Subject(Path("/home/model.onnx"), None, [], has_script=False)
    assert "scoreserve serve --model /home/model.onnx --workers 1" in "\n".join(
        report(findings, subject)
    )


def test_settings_under_which_requests_failed_are_not_suggested() -> None:
    findings = Findings(
        readings={PLAINEST: [figures(1000)], BATCHED: [figures(4000, status_503=12)]}
    )
    text = told(findings)
    assert "12 of 4,000 requests failed (status 503: 12)" in text
    assert "Use 1 worker, no batching" in text


def test_nothing_is_suggested_where_the_plainest_settings_fail() -> None:
    assert "No settings are suggested" in told(Findings(readings={PLAINEST: [figures(9, x=1)]}))
    assert told(Findings()) == "Nothing was measured."


@pytest.mark.parametrize(
    ("batching", "said"),
    [
        (
            {
                "methods": [{"model": "Ridge", "method": "predict", "off": None}],
                "merged_requests": 900,
                "merged_calls": 100,
            },
            "calls meet in Ridge.predict()\nBatching: 900 requests shared 100 calls",
        ),
        (
            {"methods": [{"model": "Ridge", "method": "predict", "off": "no_gain"}]},
            "calls do not meet in Ridge.predict(): no_gain",
        ),
        ({"methods": []}, "run() calls no method of a model that is known"),
        ({"off": "a row differed"}, "switched off under load: a row differed"),
    ],
)
def test_it_says_whether_calls_met_and_why_not(batching: dict[str, object], said: str) -> None:
    findings = Findings(
        readings={PLAINEST: [figures(1000)], BATCHED: [figures(1000)]},
        batching={PLAINEST: {}, BATCHED: batching},
    )
    assert said in told(findings)


def test_what_makes_figures_doubtful_is_said() -> None:
    few = Figures(5, 1.0, 2.0, 3.0, {}, busy=0.99)
    findings = Findings(readings={PLAINEST: [few]}, busy=0.99, cut_short=True, answers_differ=True)
    text = told(findings)
    for part in ("under 100 requests", "busy all the time", "--limit", "not compared"):
        assert part in text
