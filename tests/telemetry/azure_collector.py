"""The real azureml-ai-monitoring, in a folder of its own: other tests find no azureml by it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / ".venv-collector"

needed = pytest.mark.skipif(
    not FOLDER.exists(), reason="needs azureml-ai-monitoring: make .venv-collector/.installed"
)


def on_path() -> dict[str, str]:
    """What the environment of a process needs so that scripts in it can import the package."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(FOLDER), os.getenv("PYTHONPATH")]))}
