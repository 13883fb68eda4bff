"""Azure's YAML of batches, as options."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from scoreserve.batch.deployment_file import BatchOptions, read_options
from scoreserve.batch.tally import Thresholds
from scoreserve.errors import DeploymentError


def read(folder: Path, text: str) -> BatchOptions:
    (folder / "code").mkdir(exist_ok=True)
    (folder / "code/score.py").touch()
    (folder / "model").mkdir(exist_ok=True)
    path = folder / "deployment.yml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return read_options(path)


MODEL_DEPLOYMENT = """
    $schema: https://azuremlschemas.azureedge.net/latest/modelBatchDeployment.schema.json
    name: digits
    endpoint_name: digits-batch
    type: model
    model: {path: model}
    code_configuration: {code: code, scoring_script: score.py}
    compute: azureml:cluster
    resources: {instance_count: 2}
    settings:
      max_concurrency_per_instance: 3
      mini_batch_size: 20
      output_action: append_row
      output_file_name: digits.csv
      retry_settings: {max_retries: 1, timeout: 45}
      error_threshold: 5
      logging_level: info
      environment_variables: {LEVEL: 3, API_VERSION: 2023-03-15-preview}
    environment_variables: {LEVEL: 2, WAYS: many}
    """
FLAT_DEPLOYMENT = """
    name: digits
    model: azureml:digits:1
    code_configuration: {code: code, scoring_script: score.py}
    mini_batch_size: 20
    output_action: summary_only
    """
PARALLEL_JOB = """
    type: parallel
    mini_batch_size: 10MB
    mini_batch_error_threshold: 4
    max_concurrency_per_instance: 2
    retry_settings: {max_retries: 0, timeout: 20}
    task:
      type: run_function
      code: code
      entry_script: score.py
      program_arguments: --level 2 --name "a b"
      append_row_to: ${{outputs.predictions}}
    """
PARALLEL_RUN_CONFIG = """
    source_directory: code
    entry_script: score.py
    mini_batch_size: "1KB"
    error_threshold: 10
    allowed_failed_count: 3
    allowed_failed_percent: 20
    run_max_try: 2
    run_invocation_timeout: 90
    process_count_per_node: 4
    node_count: 2
    partition_keys: [user]
    append_row_file_name: rows.txt
    """


def test_a_model_deployment(tmp_path: Path) -> None:
    found = read(tmp_path, MODEL_DEPLOYMENT)
    assert found.script == str(tmp_path / "code/score.py")
    assert found.model_dir == str(tmp_path / "model")
    assert (found.workers, found.mini_batch_size, found.output_file) == (3, (20, ""), "digits.csv")
    assert (found.max_tries, found.run_timeout_seconds) == (2, 45)
    assert found.thresholds == Thresholds(items=5)
    assert found.variables == {"LEVEL": "3", "API_VERSION": "2023-03-15-preview", "WAYS": "many"}
    assert any("instance_count" in note and "--ray-address" in note for note in found.notes)


def test_the_old_form_has_no_settings(tmp_path: Path) -> None:
    found = read(tmp_path, FLAT_DEPLOYMENT)
    assert found.summary_only
    assert (found.mini_batch_size, found.max_tries, found.run_timeout_seconds) == ((20, ""), 4, 30)
    assert found.model_dir is None
    assert any("--model-dir" in note for note in found.notes)


def test_a_parallel_job(tmp_path: Path) -> None:
    found = read(tmp_path, PARALLEL_JOB)
    assert found.script == str(tmp_path / "code/score.py")
    assert found.arguments == ("--level", "2", "--name", "a b")
    assert (found.mini_batch_size, found.max_tries, found.summary_only) == ((10, "mb"), 1, False)
    assert found.thresholds == Thresholds(mini_batches=4)


def test_a_parallel_run_config(tmp_path: Path) -> None:
    found = read(tmp_path, PARALLEL_RUN_CONFIG)
    assert (found.max_tries, found.run_timeout_seconds, found.workers) == (2, 90, 4)
    assert found.thresholds == Thresholds(10, 3, 20.0)
    assert found.output_file == "rows.txt"
    assert any("node_count" in note for note in found.notes)
    assert any("partition_keys: ignored" in note for note in found.notes)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            "type: pipeline\ncomponent: azureml:hello@latest",
            "type: a pipeline of components has no",
        ),
        ("type: modle", "type: must be one of model, pipeline"),
        ("mini_batch_size: many", "mini_batch_size: must be a number"),
        ("error_threshold: .inf", "error_threshold: must be a number, not inf"),
        (f"error_threshold: 1{'0' * 400}", "error_threshold: must be a number"),
        ("environment_variables: {A=B: c}", "no variable can have the name 'A=B'"),
        (r'environment_variables: {A: "\0"}', "no variable can have the name 'A', or its value"),
        (
            """task: {code: code, entry_script: score.py, program_arguments: '--name "a'}""",
            "program_arguments: cannot be split as a shell does: No closing quotation",
        ),
        ("output_action: print", "output_action: must be one of append_row, summary_only"),
        ("model: nowhere", "model: no such file"),
        ("code_configuration: {scoring_script: nothing.py}", "scoring_script: no such file"),
    ],
)
def test_what_is_wrong_is_told_with_its_field(wrong: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match=told):
        read(tmp_path, wrong)
