"""The commands beside `serve`, in an image: a project is made, checked and measured there."""

from __future__ import annotations

import pytest

from tests.images.conftest import CPU, Run

pytestmark = pytest.mark.images

ALL = (
    "scoreserve init /tmp/project && cd /tmp/project && scoreserve check"
    " && scoreserve bench --seconds 1 --rounds 1 --workers 1 --batch-sizes 1"
)


def test_a_project_is_made_checked_and_measured(run: Run) -> None:
    with run(CPU, "sh", "-c", ALL, env={"AZUREML_ENTRY_SCRIPT": ""}) as container:
        assert container.wait_exit() == 0, container.logs
        assert "Ready to serve." in container.logs
        assert "WORKER_COUNT=1 SCORESERVE_MAX_BATCH_SIZE=1" in container.logs


SCORED = (
    "cd /tmp && printf '1\\n2\\n' > requests.jsonl && printf 'a\\n1\\n' > rows.csv"
    ' && scoreserve batch "$AML_APP_ROOT/score.py" --input requests.jsonl --output out --ordered'
    " && cat out/predictions.jsonl"
    ' && ! scoreserve batch "$AML_APP_ROOT/score.py" --input rows.csv --output out-rows'
)


def test_files_are_scored(run: Run) -> None:
    """What tables need is not in the image, and is named."""
    script = "def init(): ...\ndef run(raw_data): return int(raw_data) * 2\n"
    with run(CPU, "sh", "-c", SCORED, script=script) as container:
        assert container.wait_exit() == 0, container.logs
        assert '{"index": 1, "result": 4}' in container.logs
        assert "csv needs the package pandas: pip install pandas" in container.logs
