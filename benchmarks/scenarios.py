"""The scenarios: which entry script is served and which request is posted to it.

To add one, write a function that returns a Scenario and put it into SCENARIOS.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from failure import BenchmarkError

HERE = Path(__file__).resolve().parent
DIGITS = HERE.parent / "examples" / "digits"
TRAIN_TIMEOUT_SECONDS = 300.0  # takes a few seconds, most of them importing scikit-learn


@dataclass(frozen=True)
class Scenario:
    """One entry script and one request body; `packages` are what the script imports."""

    name: str
    about: str
    entry_script: Path
    model_dir: Path
    body: bytes
    packages: tuple[str, ...] = ()


def noop() -> Scenario:
    """The server alone: run() returns a constant."""
    return Scenario(
        name="noop",
        about="run() returns a constant",
        entry_script=HERE / "scripts" / "noop.py",
        model_dir=HERE / "scripts",
        body=b'{"data": []}',
    )


def digits() -> Scenario:
    """One row to the scikit-learn model of examples/digits, trained first if it is not there."""
    _train_digits()
    sample = json.loads((DIGITS / "sample_request.json").read_text(encoding="utf-8"))
    return Scenario(
        name="digits",
        about="examples/digits, one row of 64 pixels a request",
        entry_script=DIGITS / "score.py",
        model_dir=DIGITS / "model",
        body=json.dumps({"data": sample["data"][:1]}).encode(),
        packages=("scikit-learn", "joblib", "numpy"),
    )


def _train_digits() -> None:
    """Run train.py, which does nothing when the model is there; raises BenchmarkError."""
    try:
        subprocess.run(
            [sys.executable, str(DIGITS / "train.py")],
            capture_output=True,
            text=True,
            timeout=TRAIN_TIMEOUT_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise BenchmarkError(
            f"examples/digits/train.py failed:\n{error.stderr.rstrip()}"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise BenchmarkError(f"examples/digits/train.py: {error}") from error


SCENARIOS: dict[str, Callable[[], Scenario]] = {"noop": noop, "digits": digits}
