"""Environments on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from scoreserve.deploy.conda import prefixes
from scoreserve.deploy.conda.prefixes import Prefixes
from scoreserve.errors import DeploymentError


@pytest.fixture
def known(tmp_path: Path) -> Prefixes:
    return Prefixes(tmp_path, tmp_path / "base", (tmp_path / "envs", tmp_path / "own"))


def make(path: Path) -> Path:
    path.mkdir(parents=True)
    prefixes.mark(path)
    return path


def test_are_found_by_name_in_any_of_the_folders(known: Prefixes) -> None:
    first, second = make(known.root / "envs" / "first"), make(known.root / "own" / "second")
    (known.root / "envs" / "something else").mkdir()
    assert known.named("first") == first
    assert known.named("second") == second
    assert known.named("base") == known.base
    assert list(known.all()) == [first, second]
    assert [known.name_of(path) for path in (first, known.base, Path("/x"))] == [
        "first",
        "base",
        "",
    ]


def test_an_unknown_name_is_told_with_those_that_there_are(known: Prefixes) -> None:
    make(known.root / "envs" / "first")
    with pytest.raises(DeploymentError, match=r"no environment 'none'; there are base, first"):
        known.named("none")


@pytest.mark.parametrize("name", ["", "a/b", "a b", "a:b", "#a", "..", "."])
def test_what_cannot_be_a_name(name: str) -> None:
    with pytest.raises(DeploymentError, match="cannot name an environment"):
        prefixes.check_name(name)


def test_new_ones_go_into_the_first_folder_that_can_be_written(
    known: Prefixes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert known.place_for("new") == known.root / "envs" / "new"
    writable = {known.root / "own"}
    (known.root / "envs").mkdir()
    (known.root / "own").mkdir()
    monkeypatch.setattr("os.access", lambda path, mode: path in writable)
    assert known.place_for("new") == known.root / "own" / "new"
    writable.clear()
    with pytest.raises(DeploymentError, match="can be written; give a path with --prefix"):
        known.place_for("new")


def test_a_link_is_removed_alone(known: Prefixes) -> None:
    target = make(known.root / "target")
    link = known.root / "link"
    link.symlink_to(target)
    prefixes.remove(link)
    assert not link.exists()
    assert prefixes.is_environment(target)
    prefixes.remove(target)
    assert not target.exists()


def test_variables_are_kept_and_added_to(tmp_path: Path) -> None:
    make(tmp_path / "env")
    assert prefixes.variables_of(tmp_path / "env") == {}
    prefixes.set_variables(tmp_path / "env", {"A": "1", "B": "2"})
    prefixes.set_variables(tmp_path / "env", {"B": "3"})
    assert prefixes.variables_of(tmp_path / "env") == {"A": "1", "B": "3"}


def test_what_was_asked_for_last_is_known(tmp_path: Path) -> None:
    make(tmp_path / "env")
    assert prefixes.specs_of(tmp_path / "env") == []
    prefixes.mark(tmp_path / "env", ["numpy=1.26", "python=3.11"])
    prefixes.mark(tmp_path / "env", ["numpy=2"])
    assert prefixes.specs_of(tmp_path / "env") == ["numpy=2"]


def test_variables_name_other_folders() -> None:
    known = prefixes.here({"CONDA_ENVS_PATH": "/a:/b", "HOME": "/home/me"})
    own = Path("/home/me/.conda/envs")
    assert known.folders == (Path("/a"), Path("/b"), Path("/opt/miniconda/envs"), own)
