"""Which Python an environment gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from scoreserve.deploy.conda import pythons
from scoreserve.deploy.conda.pythons import admits, choose
from scoreserve.errors import DeploymentError

OURS = (3, 13)


@pytest.mark.parametrize(
    "asked",
    [
        *("", "3", "3.*", "3.13", "=3.13", "==3.13.2", "3.13.*", "=3.13.1=h123_0", "3.13.1 h123_0"),
        *(">=3.8", ">=3.8,<3.14", ">3.12", "!=3.12", "<=3.13", "<3.13.5", ">=3.13.2", "~=3.11"),
        *("~=3.13.1", "=3.8|=3.13", "what is this"),
    ],
)
def test_the_image_s_own_where_it_is_admitted(asked: str) -> None:
    assert choose(asked, OURS) == OURS


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ("=3.10", (3, 10)),
        ("3.11.5", (3, 11)),
        (">=3.8,<3.12", (3, 11)),
        ("<3.13", (3, 12)),
        ("~=3.12.1", (3, 12)),
        (">3.13", (3, 14)),
        ("=3.8|=3.11", (3, 11)),
    ],
)
def test_else_the_newest_that_the_server_runs_on(asked: str, chosen: tuple[int, int]) -> None:
    assert choose(asked, OURS) == chosen


@pytest.mark.parametrize("asked", ["=3.8", "3.8.13", "<3.10", "2.7", ">=3.6,<=3.9"])
def test_none_where_the_server_runs_on_none_of_them(asked: str) -> None:
    assert choose(asked, OURS) is None


def test_an_exact_release_admits_its_minor_version_only() -> None:
    assert admits("==3.11.2", (3, 11))
    assert not admits("==3.11.2", (3, 12))
    assert not admits("<3.11", (3, 11))
    assert not admits(">3.11", (3, 11))


def test_one_on_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python3.77"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert pythons.find((3, 77), tmp_path / "pythons") == str(python)


def test_else_uv_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "pythons"
    uv = tmp_path / "uv"
    made = folder / "cpython-3.77.1-linux" / "bin"
    uv.write_text(f"#!/bin/sh\n/bin/mkdir -p {made}\n/usr/bin/touch {made}/python3.77\n")
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert pythons.find((3, 77), folder) == str(made / "python3.77")


def test_what_uv_says_when_it_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho 'error: no download for cpython-3.77' >&2\nexit 2\n")
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        DeploymentError, match=r"Python 3\.77: error: no download for cpython-3\.77"
    ):
        pythons.find((3, 77), tmp_path / "pythons")
