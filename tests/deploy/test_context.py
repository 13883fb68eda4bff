"""What lies in a build context."""

from __future__ import annotations

import contextlib
import io
import tarfile
from pathlib import Path

import pytest

from scoreserve.deploy.context import lay_out_base, lay_out_service
from scoreserve.deploy.deployment import Code, Deployment, Model
from scoreserve.errors import DeploymentError


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def laid_out(folder: Path, deployment: Deployment) -> set[str]:
    context = folder / "context"
    context.mkdir()
    lay_out_service(context, deployment)
    return files_in(context)


def archive(path: Path, *names: str) -> Model:
    """A model in a .tar.gz with these files in it."""
    with tarfile.open(path, "w:gz") as file:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 1
            file.addfile(member, io.BytesIO(b"x"))
    return Model("m", "2", path, packed=True)


def test_code_and_models_lie_as_in_the_container(tmp_path: Path) -> None:
    (tmp_path / "source/__pycache__").mkdir(parents=True)
    for name in ("source/score.py", "source/.hidden", "source/__pycache__/x.pyc", "a.pkl"):
        (tmp_path / name).touch()
    found = Deployment(
        "s",
        code=Code(tmp_path / "source", "source", "source/score.py"),
        models=(Model("a", "1", tmp_path / "a.pkl"), Model("b", "7", tmp_path / "source")),
        collector_config="{}",
    )
    assert laid_out(tmp_path, found) == {
        *("azureml-app/source/score.py", "azureml-app/source/.hidden", "mdc-config.json"),
        *("azureml-models/a/1/a.pkl", "azureml-models/b/7/source/score.py"),
        "azureml-models/b/7/source/.hidden",
    }


def test_a_context_in_the_source_directory_is_no_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "score.py").touch()
    found = Deployment("s", code=Code(tmp_path, "here", "here/score.py"))
    assert laid_out(tmp_path, found) == {"azureml-app/here/score.py"}


def test_what_a_link_points_to_goes_along(tmp_path: Path) -> None:
    (tmp_path / "real.pkl").write_text("x")
    (tmp_path / "link.pkl").symlink_to("real.pkl")
    laid_out(tmp_path, Deployment("s", models=(Model("a", "1", tmp_path / "link.pkl"),)))
    copied = tmp_path / "context/azureml-models/a/1/link.pkl"
    assert copied.is_file()
    assert not copied.is_symlink()


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["model/a", "model/b"], {"model/a", "model/b"}),
        (["./model/a"], {"model/a"}),
        (["a.pkl"], {"a.pkl"}),
        (["a", "b/c"], {"m/a", "m/b/c"}),  # Model.get_model_path must find one entry
    ],
)
def test_a_downloaded_model_is_unpacked(tmp_path: Path, names: list[str], found: set[str]) -> None:
    model = archive(tmp_path / "x.tar.gz", *names)
    files = laid_out(tmp_path, Deployment("s", models=(model,)))
    assert files == {f"azureml-models/m/2/{name}" for name in found}


@pytest.mark.parametrize("name", ["../evil", "/evil"])
def test_an_archive_writes_nothing_outside(tmp_path: Path, name: str) -> None:
    model = archive(tmp_path / "x.tar.gz", name, "model/a")
    with contextlib.suppress(DeploymentError):  # or it is left out
        laid_out(tmp_path, Deployment("s", models=(model,)))
    assert not list(tmp_path.rglob("context/evil"))
    assert not Path("/evil").exists()


def test_an_archive_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_text("no archive")
    model = Model("m", "1", tmp_path / "x.tar.gz", packed=True)
    with pytest.raises(DeploymentError, match=r"x\.tar\.gz: cannot be unpacked: "):
        laid_out(tmp_path, Deployment("s", models=(model,)))


def test_the_user_s_own_context_keeps_ours_visible(tmp_path: Path) -> None:
    own, context = tmp_path / "own", tmp_path / "context"
    own.mkdir()
    context.mkdir()
    (own / ".dockerignore").write_text("*")
    (own / "Dockerfile").write_text("FROM a\n")
    (own / "data").touch()
    lay_out_base(context, own)
    assert files_in(context) == {".dockerignore", "data"}
    ignored = (context / ".dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    assert "!azureml-app" in ignored
    assert (own / ".dockerignore").read_text() == "*"


def test_a_name_that_we_need_is_told(tmp_path: Path) -> None:
    (tmp_path / "own/azureml-app").mkdir(parents=True)
    with pytest.raises(DeploymentError, match="azureml-app: this name is needed"):
        lay_out_base(tmp_path / "context", tmp_path / "own")
