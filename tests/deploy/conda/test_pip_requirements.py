"""Conda files, and what stands for their packages on PyPI."""

from __future__ import annotations

from typing import Any

import pytest

from scoreserve.deploy.conda.environment_file import parse
from scoreserve.deploy.conda.pip_requirements import PipRequirements, pip_requirements
from scoreserve.errors import DeploymentError


def of(*dependencies: Any, **keys: Any) -> PipRequirements:
    """What stands for these entries of a conda file."""
    asked = parse({"dependencies": list(dependencies), **keys}, "conda.yml")
    return pip_requirements(asked, "conda.yml")


@pytest.mark.parametrize(
    ("conda", "pip"),
    [
        ("numpy", "numpy"),
        ("numpy=1.2", "numpy==1.2.*"),
        ("numpy=1.2.*", "numpy==1.2.*"),
        ("numpy==1.2.*", "numpy==1.2.*"),
        ("numpy==1.2.3", "numpy==1.2.3"),
        ("numpy=1.2.3=py38_0", "numpy==1.2.3"),
        ("numpy==1.2.3=py38_0", "numpy==1.2.3"),
        ("numpy>=1,<2", "numpy>=1,<2"),
        ("numpy >=1, <2", "numpy>=1,<2"),
        ("numpy 1.2.3", "numpy==1.2.3"),
        ("numpy 1.2.3 py38_0", "numpy==1.2.3"),
        ("numpy = 1.2", "numpy==1.2.*"),
        ("numpy<=1.2", "numpy<=1.2"),
        ("numpy *", "numpy"),
        ("pytorch=2.1", "torch==2.1.*"),
        ("py-xgboost", "xgboost"),
        ("opencv", "opencv-python-headless"),
        ("uvicorn[standard]>=0.20", "uvicorn[standard]>=0.20"),
        ("librosa", "librosa"),
    ],
)
def test_a_package_is_asked_for_as_pip_writes_it(conda: str, pip: str) -> None:
    assert of(conda) == PipRequirements((pip,))


@pytest.mark.parametrize("name", ["pip", "pip=21", "nomkl", "mkl", "libgcc-ng", "openssl"])
def test_what_wheels_bring_along_is_not_asked_for(name: str) -> None:
    assert of(name) == PipRequirements(())


@pytest.mark.parametrize(
    "entry", ["cudatoolkit=11.8", "r-base", "libfoo", "nodejs", "numpy=1.2|1.3", "gcc_linux-64"]
)
def test_what_pip_cannot_install_is_named(entry: str) -> None:
    assert of("numpy", entry).conda_only == (entry,)


@pytest.mark.parametrize(
    ("entry", "version"),
    [
        ("python=3.8", "3.8"),
        ("python=3.8.13", "3.8"),
        ("python==3.11.*", "3.11"),
        ("python 3.10", "3.10"),
        ("python=3.6.2=h02fb82a_12", "3.6"),
        ("python>=3.8", ""),
        ("python", ""),
    ],
)
def test_python_is_none_of_the_packages(entry: str, version: str) -> None:
    assert of(entry) == PipRequirements((), python=version)


def test_lines_below_pip_stay_as_they_are_and_come_last() -> None:
    found = of(
        {"pip": ["# a comment", "./wheels/x.whl", "--extra-index-url https://x", ""]}, "scipy"
    )
    assert found.lines == ("scipy", "./wheels/x.whl", "--extra-index-url https://x")


def test_azures_own_server_is_left_out_and_this_is_told() -> None:
    found = of({"pip": ["azureml-defaults>=1.0.45", "azureml-defaults-more"]})
    assert found.lines == ("azureml-defaults-more",)
    (note,) = found.notes
    assert note.startswith("conda.yml: azureml-defaults>=1.0.45: left out")


def test_packages_of_the_designer_are_left_out_and_this_is_told() -> None:
    found = of({"pip": ["azureml-designer-serving==0.0.14", "joblib"]})
    assert found.lines == ("joblib",)
    (note,) = found.notes
    assert note.startswith("conda.yml: azureml-designer-serving==0.0.14: left out: the designer's")


def test_a_channel_of_one_package_is_told() -> None:
    found = of("conda-forge::numpy=1.2")
    assert found.lines == ("numpy==1.2.*",)
    assert found.notes == ("conda.yml: conda-forge::numpy=1.2: from PyPI, not from conda-forge",)


def test_packages_below_conda_are_taken_with_a_note() -> None:
    asked = parse({"dependencies": [{"conda": ["pyodbc"], "pip": ["joblib"]}]}, "conda.yml")
    assert [package.name for package in asked.conda] == ["pyodbc"]
    assert asked.pip == ("joblib",)
    assert len(asked.notes) == 1


def test_variables_and_channels() -> None:
    asked = parse({"variables": {"A": 1}, "channels": ["b", "a"], "name": None}, "conda.yml")
    assert asked.variables == {"A": "1"}
    assert asked.channels == ("b", "a")


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"dependancies": []}, "did you mean dependencies?"),
        ({"dependencies": "numpy"}, "must be a list"),
        ({"dependencies": [{"pypi": ["x"]}]}, "pypi: an entry is `name=1.2`"),
        ({"dependencies": [{"pip": "x"}]}, "dependencies: pip: must be a list"),
        ({"dependencies": ["numpy[version='>=1']"]}, "an entry is `name=1.2`"),
        ({"dependencies": [3]}, "3: an entry is"),
        ({"variables": ["A=1"]}, "variables: must be an object"),
    ],
)
def test_what_conda_would_refuse_is_refused(document: dict[str, Any], told: str) -> None:
    with pytest.raises(DeploymentError, match=r"^conda\.yml: ") as caught:
        parse(document, "conda.yml")
    assert told in str(caught.value)
