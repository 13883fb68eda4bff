"""What .amlignore and .gitignore leave out of the code's folder, and when they are followed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from scoreserve.deploy.context import lay_out_service
from scoreserve.deploy.deployment import Deployment
from scoreserve.deploy.files.reading import Named, read_deployment
from scoreserve.deploy.ignore_files import ignore_file
from scoreserve.errors import DeploymentError
from tests.conftest import WriteFile

SCRIPT = "def init(): pass\ndef run(data): return data\n"
CODE = ("score.py", "data/big.bin", "data/keep.txt", "lib/data/rows.csv", "rows.csv")
V2 = """
name: blue
endpoint_name: my-endpoint
code_configuration: {code: code, scoring_script: score.py}
environment: {image: mcr.microsoft.com/azureml/minimal-ubuntu22.04}
"""
V1 = '{"entryScript": "score.py", "sourceDirectory": "code", "environment": {"name": "none"}}'


@pytest.fixture
def project(write_file: WriteFile, tmp_path: Path) -> Path:
    for name in CODE:
        write_file(f"code/{name}", SCRIPT if name == "score.py" else name)
    write_file("deployment.yml", V2)
    write_file("inferenceconfig.json", V1)
    return tmp_path


def v2(project: Path) -> Named:
    return Named(deployment=project / "deployment.yml")


def v1(project: Path) -> Named:
    return Named(inference_config=project / "inferenceconfig.json")


def laid_out(deployment: Deployment, folder: Path) -> set[str]:
    lay_out_service(folder, deployment)
    code = folder / "azureml-app/code"
    found = {path.relative_to(code).as_posix() for path in code.rglob("*") if path.is_file()}
    return {name for name in found if not name.endswith("ignore")}


@pytest.mark.parametrize(
    ("files", "left"),
    [
        ({}, set(CODE)),
        ({".gitignore": "*.csv\n"}, {"score.py", "data/big.bin", "data/keep.txt"}),
        ({".gitignore": "*.csv\n", ".amlignore": "*.bin\n"}, set(CODE) - {"data/big.bin"}),
        ({".amlignore": "", ".gitignore": "*.csv\n"}, set(CODE)),
        ({".amlignore": "# none\n\ndata/\n"}, {"score.py", "rows.csv"}),
        ({".amlignore": "/data\n"}, {"score.py", "rows.csv", "lib/data/rows.csv"}),
        (
            {".amlignore": "/data/*\n!/data/keep.txt\n"},
            {"score.py", "rows.csv", "lib/data/rows.csv", "data/keep.txt"},
        ),
        ({"data/.gitignore": "*\n"}, set(CODE)),
    ],
)
def test_what_stays_out(project: Path, files: Mapping[str, str], left: set[str]) -> None:
    for name, text in files.items():
        (project / "code" / name).write_text(text)
    found = read_deployment(v2(project), project)
    assert laid_out(found, project / "context") == left


@pytest.mark.parametrize(
    ("version", "wanted", "followed", "noted"),
    [
        (v2, None, True, "code/.gitignore: what it names stays out"),
        (v2, False, False, ""),
        (v1, None, False, "code/.gitignore: not followed, as Azure has it in v1"),
        (v1, True, True, "code/.gitignore: what it names stays out"),
        (v1, False, False, ""),
    ],
)
def test_it_is_followed_as_in_azure_unless_told_otherwise(
    project: Path, version: Callable[[Path], Named], wanted: bool | None, followed: bool, noted: str
) -> None:
    (project / "code/.gitignore").write_text("*.bin\n")
    found = read_deployment(replace(version(project), ignore_files=wanted), project)
    assert ("data/big.bin" in laid_out(found, project / "context")) is not followed
    assert any(note.startswith(noted) for note in found.notes) if noted else not found.notes


@pytest.mark.parametrize(
    ("text", "told"),
    [("*.py\n", r"\.amlignore: leaves the entry script out, score\.py"), ("!\n", r"\.amlignore: ")],
)
def test_what_cannot_be_meant_is_refused(project: Path, text: str, told: str) -> None:
    (project / "code/.amlignore").write_text(text)
    with pytest.raises(DeploymentError, match=told):
        read_deployment(v2(project), project)


def test_a_script_alone_has_none(project: Path) -> None:
    assert ignore_file(project / "code/score.py") is None
