"""What is decided without a process: thresholds, tries, rates, which script it is."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoreserve.batch import mlflow_inputs, tables
from scoreserve.batch.inputs import find
from scoreserve.batch.mlflow_inputs import require_readable
from scoreserve.batch.mlflow_script import predictions
from scoreserve.batch.progress import Pace, duration
from scoreserve.batch.ray_engine import gpus_an_actor
from scoreserve.batch.retries import MOST_KILLS, Retries
from scoreserve.batch.script_kind import kind_of, kind_without_script
from scoreserve.batch.tables import require_packages
from scoreserve.batch.tally import Tally, Thresholds
from scoreserve.batch.work import EXIT_TIMEOUT, Done, Form, Kind, MiniBatch, UnusableInput, Work
from scoreserve.settings import Settings

BATCH = MiniBatch(7, 70, 10, 10.0)


def tally(*batches: tuple[int, int]) -> Tally:
    """Of mini-batches with so many items, and succeeded ones."""
    found = Tally()
    for number, (items, succeeded) in enumerate(batches):
        found.add(Done(number, items, succeeded, 1, 0.0, failed=not succeeded))
    return found


@pytest.mark.parametrize(
    ("thresholds", "problem"),
    [
        (Thresholds(), ""),
        (Thresholds(items=13), ""),
        (Thresholds(items=12), "13 items failed, more than the error threshold of 12"),
        (Thresholds(items=0), "13 items failed, more than the error threshold of 0"),
        (Thresholds(mini_batches=1), ""),
        (Thresholds(mini_batches=0), "1 mini batches failed, more than the 0 allowed"),
        (Thresholds(percent_of_mini_batches=50), ""),
        (
            Thresholds(percent_of_mini_batches=40),
            "50.0 % of the mini batches failed, more than the 40 % allowed",
        ),
    ],
)
def test_thresholds(thresholds: Thresholds, problem: str) -> None:
    assert tally((10, 0), (10, 7)).verdict(thresholds, appends=True) == problem


def test_a_job_without_any_success_has_failed() -> None:
    told = tally((1, 0), (1, 0)).verdict(Thresholds(), appends=True)
    assert told == "All 2 mini batches failed. There is no result returned."
    assert not tally((1, 0)).verdict(Thresholds(), appends=False)
    found = Tally()
    found.add(Done(0, 3, 0, 1, 0.0))  # run() returned []
    assert found.verdict(Thresholds(), appends=True).startswith("None of 3 items succeeded.")
    assert not tally().verdict(Thresholds(), appends=True)


def test_a_mini_batch_that_ends_its_process_is_tried_as_often_as_may_be() -> None:
    retries = Retries(3)
    assert retries.process_ended(BATCH, 1) is None
    assert retries.process_ended(BATCH, EXIT_TIMEOUT) is None
    failed = retries.process_ended(BATCH, EXIT_TIMEOUT)
    assert failed is not None
    assert (failed.number, failed.items, failed.succeeded, failed.tries) == (7, 10, 0, 3)
    assert "too long" in failed.error


def test_kills_from_outside_are_counted_apart() -> None:
    retries = Retries(1)
    for _ in range(MOST_KILLS - 1):
        assert retries.process_ended(BATCH, -signal.SIGKILL) is None
    failed = retries.process_ended(BATCH, -signal.SIGKILL)
    assert failed is not None
    assert "SIGKILL" in failed.error


@pytest.mark.parametrize(
    ("kind", "seconds"), [(Kind.BATCH, 60), (Kind.MLFLOW, 60), (Kind.ONLINE, 120)]
)
def test_a_line_is_interrupted_long_before_its_process_is_ended(kind: Kind, seconds: int) -> None:
    assert Work("{}", kind, Form.JSONL, "out").longest_run_seconds == seconds


@pytest.mark.parametrize(
    ("gpus", "workers", "share"), [(0, 4, 0), (4, 4, 1), (4, 2, 1), (2, 4, 0.5), (2, 5, 1 / 3)]
)
def test_gpus_are_shared_where_there_are_too_few(gpus: int, workers: int, share: float) -> None:
    assert gpus_an_actor(gpus, workers) == share


def test_the_time_that_is_left_is_of_this_run() -> None:
    """Half was done before it; a quarter took 10 s, so the last one will as well."""
    pace = Pace(items=100, seconds=10.0, share=0.75, skipped=0.5)
    assert (pace.rate, pace.left_seconds) == (10.0, 10.0)
    assert Pace(0, 1.0, 0.5, 0.5).left_seconds is None


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (61, "1:01"), (3725, "1:02:05")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ("def run(mini_batch): ...", Kind.BATCH),
        ("def run(raw_data): ...", Kind.ONLINE),
        ("def run(data, context): ...", Kind.BATCH),
        ("@input_schema('data', sample)\ndef run(data): ...", Kind.ONLINE),
        ("@decorators.input_schema('data', sample)\ndef run(data): ...", Kind.ONLINE),
        ("async def run(raw_data): ...", Kind.ONLINE),
        ("from driver import run", Kind.BATCH),
    ],
)
def test_the_kind_of_script(script: str, kind: Kind, tmp_path: Path) -> None:
    path = tmp_path / "score.py"
    path.write_text(script, encoding="utf-8")
    assert kind_of(path) is kind


@pytest.mark.parametrize("script", ["@rawhttp\ndef run(request): ...", "def run("])
def test_scripts_that_cannot_be_batches(script: str, tmp_path: Path) -> None:
    path = tmp_path / "score.py"
    path.write_text(script, encoding="utf-8")
    with pytest.raises(UnusableInput, match=r"score\.py"):
        kind_of(path)


@pytest.mark.parametrize(
    ("model", "data", "kind"),
    [
        ("MLmodel", "rows.csv", Kind.MLFLOW),
        ("MLmodel", "picture.png", Kind.MLFLOW),
        ("MLmodel", "requests.jsonl", Kind.ONLINE),
        ("model.onnx", "rows.csv", Kind.ONLINE),
    ],
)
def test_the_kind_without_a_script(model: str, data: str, kind: Kind, tmp_path: Path) -> None:
    folder = tmp_path / "models/1"
    folder.mkdir(parents=True)
    (folder / model).write_bytes(b"model")
    (tmp_path / data).touch()
    files = find([str(tmp_path / data)])
    assert kind_without_script(Settings(model=str(folder.parent)), files) is kind


def test_no_model_is_told(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").touch()
    with pytest.raises(UnusableInput, match="There is no model in this directory"):
        kind_without_script(Settings(model=str(tmp_path)), find([str(tmp_path)]))


def test_files_that_no_mlflow_model_is_given_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.CSV").touch()
    require_readable(find([str(tmp_path)]))
    (tmp_path / "d.txt").touch()
    with pytest.raises(UnusableInput, match=r"d\.txt'\. File type 'txt' is not supported"):
        require_readable(find([str(tmp_path)]))


def test_a_package_that_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"pandas"}
    for module in (tables, mlflow_inputs):
        monkeypatch.setattr(module, "find_spec", lambda name: name in installed or None)
    require_packages(Form.CSV)
    with pytest.raises(UnusableInput, match="parquet needs the package pyarrow: pip install"):
        require_packages(Form.PARQUET)
    (tmp_path / "picture.png").touch()
    with pytest.raises(UnusableInput, match="images need the package pillow: pip install"):
        require_readable(find([str(tmp_path)]))


@pytest.mark.parametrize(
    ("result", "items", "values"),
    [
        (np.array([1, 2]), 2, [1, 2]),
        (np.array([[0.25, 0.75], [1, 0]]), 2, [[0.25, 0.75], [1, 0]]),
        (pd.Series(["a", "b"]), 2, ["a", "b"]),
        (pd.DataFrame({"class": [1, 2]}), 2, [1, 2]),
        (pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), 2, [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]),
        ({"a": np.array([1, 2]), "b": [3, 4]}, 2, [{"a": 1, "b": 3}, {"a": 2, "b": 4}]),
        (["a", "b"], 2, ["a", "b"]),
        ([0.1, 0.9], 1, [[0.1, 0.9]]),  # of the only image
        ("all is well", 3, [["all is well"]]),
    ],
)
def test_predictions_are_one_for_each_item(result: Any, items: int, values: list[Any]) -> None:
    assert predictions(result, items) == values
