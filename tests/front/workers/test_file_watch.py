"""What --reload watches, and when it tells of a change."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from scoreserve.front.workers.file_watch import (
    FileWatch,
    differences,
    look,
    look_at_model,
    watched_folders,
)
from scoreserve.settings import Settings
from tests.conftest import WriteFile


@pytest.fixture
def names(tmp_path: Path) -> Callable[..., set[str]]:
    """The files that a look at this test's directory sees, relative to it."""

    def names(most: int = 10_000) -> set[str]:
        return {os.path.relpath(path, tmp_path) for path in look([str(tmp_path)], most)}

    return names


class TestLooking:
    def test_sees_python_files_in_the_folder_and_below(
        self, names: Callable[..., set[str]], write_file: WriteFile
    ) -> None:
        for name in ("score.py", "lib/inner/a.py", "notes.txt", "lib/data.json"):
            write_file(name, "")
        assert names() == {"score.py", "lib/inner/a.py"}

    @pytest.mark.parametrize(
        "name",
        [
            *(".git/a.py", ".venv/a.py", "__pycache__/a.py", "node_modules/a.py"),
            *("env/lib/a.py", "env/a.py"),
        ],
    )
    def test_leaves_out_what_is_not_the_users_own(
        self, names: Callable[..., set[str]], write_file: WriteFile, name: str
    ) -> None:
        write_file("env/pyvenv.cfg", "")
        write_file(name, "")
        assert names() == set()

    def test_stops_at_the_folder_that_is_too_much(
        self, names: Callable[..., set[str]], write_file: WriteFile
    ) -> None:
        for name in ("near.py", "a/far.py", "a/b/farther.py"):
            write_file(name, "")
        assert names(2) == {"near.py"}

    def test_survives_links_to_nothing_and_folders_that_are_not_there(
        self, names: Callable[..., set[str]], write_file: WriteFile, tmp_path: Path
    ) -> None:
        write_file("score.py", "")
        (tmp_path / ".#score.py").symlink_to("somebody@somewhere")  # an editor's lock
        (tmp_path / "loop").symlink_to(tmp_path)
        assert names() == {"score.py"}
        assert look([str(tmp_path / "nowhere")]) == {}

    def test_follows_a_link_to_a_folder_that_is_replaced(
        self, write_file: WriteFile, tmp_path: Path
    ) -> None:
        """As Kubernetes mounts a ConfigMap: the folder behind the link is another after a while."""
        write_file("mount/..one/score.py", "1")
        write_file("mount/..two/score.py", "22")
        data = tmp_path / "mount/..data"
        data.symlink_to("..one")
        (tmp_path / "mount/score.py").symlink_to("..data/score.py")
        script = str(tmp_path / "mount/score.py")
        folders = watched_folders(Settings(app_root=str(tmp_path / "app"), entry_script=script))
        before = look(folders)
        data.unlink()
        data.symlink_to("..two")
        assert differences(before, look(folders)) == [script]

    def test_differences_are_new_changed_and_missing_files(self) -> None:
        before = {"same": (1, 1), "time": (1, 1), "size": (1, 1), "gone": (1, 1)}
        after = {"same": (1, 1), "time": (2, 1), "size": (1, 2), "new": (1, 1)}
        assert differences(before, after) == ["gone", "new", "size", "time"]


class TestFolders:
    def test_the_scripts_own_unless_it_is_in_the_app_root(self, tmp_path: Path) -> None:
        root = str(tmp_path / "app")
        within = Settings(app_root=root, entry_script="code/score.py")
        elsewhere = Settings(app_root=root, entry_script=str(tmp_path / "other/score.py"))
        assert watched_folders(within) == [root]
        assert watched_folders(elsewhere) == [root, str(tmp_path / "other")]
        assert watched_folders(Settings(app_root=root)) == [root]


def test_a_change_is_told_once_and_when_it_is_complete(
    tmp_path: Path, write_file: WriteFile
) -> None:
    """Two files are written between one look and the next."""
    write_file("score.py", "1")
    edits = iter([("score.py", "22"), ("lib.py", "1"), None, None, ("score.py", "333"), None, None])
    told: list[str] = []

    async def sleep(seconds: float) -> None:
        try:
            edit = next(edits)
        except StopIteration:
            raise asyncio.CancelledError from None
        if edit is not None:
            write_file(*edit)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(FileWatch(Settings(app_root=str(tmp_path))).watch(told.append, sleep))
    assert len(told) == 2
    assert "score.py" in told[0]
    assert "lib.py" in told[0]
    assert "lib.py" not in told[1]


def test_what_changes_while_the_workers_start_is_told(
    tmp_path: Path, write_file: WriteFile
) -> None:
    """They may have read what was there before."""
    write_file("score.py", "1")
    watch = FileWatch(Settings(app_root=str(tmp_path)))
    write_file("score.py", "22")
    told: list[str] = []
    looks = iter(range(2))

    async def sleep(seconds: float) -> None:
        if next(looks, None) is None:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(watch.watch(told.append, sleep))
    assert told == [f"{tmp_path / 'score.py'} changed"]


class TestModels:
    """That are served without a script."""

    def test_are_watched_by_their_path(self, write_file: WriteFile) -> None:
        path = write_file("m.onnx", "one")
        before = look_at_model(str(path))
        write_file("m.onnx", "another")
        assert differences(before, look_at_model(str(path))) == [str(path)]
        path.unlink()
        assert look_at_model(str(path)) == {}

    def test_of_many_files_are_watched_whole(self, write_file: WriteFile, tmp_path: Path) -> None:
        for name in ("m/MLmodel", "m/data/model.skops"):
            write_file(name, "")
        seen = look_at_model(str(tmp_path / "m"))
        assert {os.path.relpath(path, tmp_path) for path in seen} == {
            "m/MLmodel",
            "m/data/model.skops",
        }
        assert len(look_at_model(str(tmp_path / "m"), most=1)) == 1
