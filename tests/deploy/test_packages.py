"""How packages come into an image: what pip or conda is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from scoreserve.deploy.deployment import CondaFile
from scoreserve.deploy.packages import Packages, lay_out, packages
from scoreserve.errors import DeploymentError


def of(folder: Path, *dependencies: Any, solver: str = "auto", **options: Any) -> Packages:
    document = {"name": "e", "dependencies": list(dependencies)}
    return packages(CondaFile(document, folder, "conda.yml"), solver, **options)


def test_pip_installs_what_pypi_has(tmp_path: Path) -> None:
    found = of(tmp_path, "numpy=2", {"pip": ["joblib"]})
    lay_out(tmp_path / "environment", found)
    assert (tmp_path / "environment/requirements.txt").read_text() == "numpy==2.*\njoblib\n"


def test_conda_installs_all_where_it_must(tmp_path: Path) -> None:
    found = of(tmp_path, "numpy=2", "r-base", {"pip": ["joblib"]})
    assert found.notes == ("conda.yml: conda installs all of it, for r-base",)
    lay_out(tmp_path / "environment", found)
    written = yaml.safe_load((tmp_path / "environment/conda.yml").read_text())
    assert written == {"dependencies": ["numpy=2", "r-base", {"pip": ["joblib"]}]}


def test_conda_installs_by_request(tmp_path: Path) -> None:
    found = of(tmp_path, "numpy", solver="conda")
    assert (found.document is not None, found.solver) == (True, "conda")
    assert of(tmp_path, "r-base").solver == "auto"


def test_what_is_not_on_pypi_is_told_where_pip_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match=r"conda\.yml: r-base, libfoo: not on PyPI"):
        of(tmp_path, "r-base", "libfoo", solver="pip")


@pytest.mark.parametrize(
    ("asked", "image", "told"),
    [
        ("3.11", "", "packages go into the image's own Python (--solver conda asks for this one)"),
        ("3.8", "", "the server needs Python 3.10 or newer: packages go into the image's own"),
        ("3.8", "3.13", "packages go into the image's own Python 3.13"),
    ],
)
def test_the_image_s_python_in_the_place_of_another_is_told_or_refused(
    tmp_path: Path, asked: str, image: str, told: str
) -> None:
    found = of(tmp_path, f"python={asked}", image_python=image)
    (note,) = found.notes
    assert note.startswith(f"conda.yml: python={asked}: ")
    assert told in note
    assert (found.document, found.python) == (None, asked)
    with pytest.raises(DeploymentError, match=rf"conda\.yml: python={asked}: packages would go"):
        of(tmp_path, f"python={asked}", image_python=image, strict=True)


def test_the_image_s_own_python_is_worth_no_word(tmp_path: Path) -> None:
    found = of(tmp_path, "python=3.13", image_python="3.13", strict=True)
    assert (found.notes, found.document, found.python) == ((), None, "")


def test_another_python_that_serves_gets_an_environment_of_its_own(tmp_path: Path) -> None:
    found = of(tmp_path, "python=3.11", "numpy", image_python="3.13")
    assert found.document is not None
    assert found.notes == (
        "conda.yml: python=3.11: an environment of its own, since the image has Python 3.13",
    )
    assert of(tmp_path, "python=3.11", image_python="3.13", solver="pip").document is None


@pytest.mark.parametrize(
    "line",
    [
        "./wheels/a.whl",
        "wheels/a.whl",
        "./package[extra]",
        "-r more.txt",
        "--requirement=more.txt",
        "--find-links wheels  # mine",
    ],
)
def test_files_beside_the_conda_file_go_along(tmp_path: Path, line: str) -> None:
    for name in ("wheels/a.whl", "package/setup.py", "more.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    lay_out(tmp_path / "environment", of(tmp_path, {"pip": [line]}))
    assert (tmp_path / "environment/requirements.txt").read_text() == f"{line}\n"
    copied = {path.name for path in (tmp_path / "environment").rglob("*") if path.is_file()}
    assert len(copied) == 2


def test_what_a_file_of_requirements_names_goes_along_too(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/one.txt").write_text("-c two.txt\n./a.whl\n")
    (tmp_path / "sub/two.txt").touch()
    (tmp_path / "a.whl").touch()
    found = of(tmp_path, {"pip": ["-r sub/one.txt"]})
    assert set(found.files) == {"sub/one.txt", "sub/two.txt", "a.whl"}


@pytest.mark.parametrize(
    "line",
    [
        *("joblib", "joblib>=1; python_version < '3.9'", "--extra-index-url https://a.b/c"),
        *("git+https://a.b/c.git", "a @ https://a.b/c.whl", "https://a.b/c.whl", "--pre"),
        *("-f https://a.b/c", "name[extra]>=1"),
    ],
)
def test_what_is_elsewhere_needs_no_file(tmp_path: Path, line: str) -> None:
    assert of(tmp_path, {"pip": [line]}).files == {}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("./none.whl", "./none.whl: no such file or folder"),
        ("-r none.txt", "-r none.txt: no such file or folder"),
        ("../outside.whl", "../outside.whl: must lie in"),
        ("/outside.whl", "/outside.whl: "),
        ("-e .", "-e .: an image has no folder of yours"),
    ],
)
def test_what_cannot_go_along_is_told(tmp_path: Path, line: str, told: str) -> None:
    (tmp_path / "outside.whl").touch()
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(DeploymentError) as caught:
        of(folder, {"pip": [line]})
    assert str(caught.value).startswith("conda.yml: ")
    assert told in str(caught.value)
