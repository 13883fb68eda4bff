"""The entry script: found, imported, or reported."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from scoreserve.errors import BootError
from scoreserve.settings import Settings
from scoreserve.worker.script import entry_script
from scoreserve.worker.script.entry_script import EntryScript
from tests.conftest import WriteFile

SCRIPT = "def init(): pass\ndef run(data): return data\n"

pytestmark = pytest.mark.usefixtures("clean_modules")

Load = Callable[[str], EntryScript]


@pytest.fixture
def load(write_file: WriteFile) -> Load:
    """The entry script with this text."""

    def load(text: str) -> EntryScript:
        path = write_file("score.py", text)
        return entry_script.load(Settings(entry_script=str(path)))

    return load


def refusal(load: Load, text: str) -> str:
    with pytest.raises(BootError) as caught:
        load(text)
    return str(caught.value)


class TestLoading:
    def test_finds_init_and_run(self, load: Load) -> None:
        script = load("def init(): return 'i'\ndef run(data): return data")
        assert (script.init(), script.run("r")) == ("i", "r")

    def test_a_script_may_have_any_file_name(self, write_file: WriteFile) -> None:
        path = write_file("my score-v2.txt", SCRIPT)
        assert entry_script.load(Settings(entry_script=str(path))).run(1) == 1

    def test_a_script_lies_under_the_app_root(self, write_file: WriteFile, tmp_path: Path) -> None:
        write_file("code/score.py", SCRIPT)
        settings = Settings(app_root=str(tmp_path), entry_script="code/score.py")
        assert entry_script.load(settings).run(1) == 1

    def test_the_module_can_be_looked_up_by_its_classes(self, load: Load) -> None:
        """dataclasses, typing and pickle all do."""
        script = load(
            "from __future__ import annotations\n"
            "import dataclasses, pickle, typing\n"
            "@dataclasses.dataclass\n"
            "class Row:\n    a: typing.ClassVar[int] = 1\n    b: int = 2\n"
            "def init(): return pickle.loads(pickle.dumps(Row(3))).b\n"
            "def run(data): return list(typing.get_type_hints(Row))\n"
        )
        assert script.init() == 3
        assert script.run("") == ["a", "b"]
        assert script.run.__module__ == "entry_module"

    def test_what_stands_under_name_is_main_is_not_run(self, load: Load) -> None:
        load(SCRIPT + "if __name__ == '__main__': raise RuntimeError\n")

    def test_no_bytecode_is_written_for_it(self, load: Load, tmp_path: Path) -> None:
        load(SCRIPT)
        assert [path.name for path in tmp_path.iterdir()] == ["score.py"]

    def test_a_changed_script_of_the_same_size_and_time_is_loaded(
        self, load: Load, tmp_path: Path
    ) -> None:
        load(SCRIPT + "VERSION = 1\n")
        times = (tmp_path / "score.py").stat()
        script = (tmp_path / "score.py").read_text().replace("return data", "return 1234")
        (tmp_path / "score.py").write_text(script)
        os.utime(tmp_path / "score.py", ns=(times.st_atime_ns, times.st_mtime_ns))
        loaded = entry_script.load(Settings(entry_script=str(tmp_path / "score.py")))
        assert loaded.run("data") == 1234

    @pytest.mark.parametrize("error", ["SystemExit(5)", "KeyboardInterrupt", "ValueError('x')"])
    def test_what_its_import_raises_comes_through(self, load: Load, error: str) -> None:
        with pytest.raises((SystemExit, KeyboardInterrupt, ValueError)):
            load(f"raise {error}")

    def test_a_syntax_error_comes_through_with_its_line(self, load: Load) -> None:
        with pytest.raises(SyntaxError) as caught:
            load("def init(:\n")
        assert caught.value.lineno == 1


class TestRefusal:
    def test_no_file(self, tmp_path: Path) -> None:
        path = str(tmp_path / "absent.py")
        with pytest.raises(BootError, match=path):
            entry_script.load(Settings(entry_script=path))

    def test_a_directory(self, tmp_path: Path) -> None:
        with pytest.raises(BootError, match=str(tmp_path)):
            entry_script.load(Settings(entry_script=str(tmp_path)))

    @pytest.mark.parametrize("name", ["init", "run"])
    def test_a_missing_function_is_named(self, load: Load, name: str) -> None:
        assert f"{name}()" in refusal(load, SCRIPT.replace(name, "other"))


class TestMain:
    @pytest.fixture
    def settings(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
        """No entry script is named; the app root is on sys.path, as the worker puts it there."""
        monkeypatch.delitem(sys.modules, "main", raising=False)
        monkeypatch.syspath_prepend(str(tmp_path))
        return Settings(app_root=str(tmp_path))

    def test_is_the_script_when_none_is_named(
        self, settings: Settings, write_file: WriteFile
    ) -> None:
        write_file("main.py", SCRIPT)
        assert entry_script.load(settings).run(1) == 1

    def test_that_is_absent_is_reported_with_what_is_there(
        self, settings: Settings, write_file: WriteFile
    ) -> None:
        write_file("score.py", SCRIPT)
        with pytest.raises(BootError) as caught:
            entry_script.load(settings)
        assert "main.py" in str(caught.value)
        assert "['score.py']" in str(caught.value)

    def test_that_misses_an_import_of_its_own_is_not_absent(
        self, settings: Settings, write_file: WriteFile
    ) -> None:
        write_file("main.py", "import no_such_module_anywhere")
        with pytest.raises(ModuleNotFoundError, match="no_such_module_anywhere"):
            entry_script.load(settings)


class TestDriverModule:
    def test_supplies_run_but_not_init(self, load: Load) -> None:
        script = load(
            "import types\n"
            "driver_module = types.ModuleType('driver')\n"
            "driver_module.__file__ = 'driver.py'\n"
            "driver_module.init = lambda: 'inner'\n"
            "driver_module.run = lambda data: 'inner'\n"
            "def init(): return 'outer'\n"
            "def run(data): return 'outer'\n"
        )
        assert (script.init(), script.run("")) == ("outer", "inner")

    @pytest.mark.parametrize("driver", ["'text'", "__import__('types').ModuleType('driver')"])
    def test_is_a_module_with_run_or_nothing_special(self, load: Load, driver: str) -> None:
        assert load(f"{SCRIPT}driver_module = {driver}\n").run(1) == 1


class TestImportPath:
    @pytest.fixture(autouse=True)
    def only_a_library(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """sys.path as it is before; the current directory is the test's own."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "path", ["/lib"])

    def test_the_scripts_directories_come_last(self, tmp_path: Path) -> None:
        entry_script.prepare_import_path(Settings(app_root=str(tmp_path), source_dir="src"))
        assert sys.path == ["/lib", str(tmp_path), str(tmp_path / "src")]

    def test_a_current_directory_of_its_own_comes_first(self, tmp_path: Path) -> None:
        entry_script.prepare_import_path(Settings(app_root="/app"))
        assert sys.path == [str(tmp_path), "/lib", "/app"]

    def test_a_current_directory_that_is_gone_is_left_out(self, tmp_path: Path) -> None:
        tmp_path.rmdir()
        entry_script.prepare_import_path(Settings(app_root="/app"))
        assert sys.path == ["/lib", "/app"]

    def test_no_directory_is_there_twice(self, tmp_path: Path) -> None:
        settings = Settings(app_root=str(tmp_path), source_dir=str(tmp_path))
        for _ in range(2):
            entry_script.prepare_import_path(settings)
        assert sys.path == ["/lib", str(tmp_path)]


class TestModelDirectory:
    @pytest.fixture
    def model(self, write_file: WriteFile, tmp_path: Path) -> Path:
        for name in ("model/b/weights.bin", "model/b/config.json", "model/a.pkl"):
            write_file(name, "")
        (tmp_path / "model/c").mkdir()
        return tmp_path / "model"

    def test_the_tree_is_sorted_and_indented(self, model: Path) -> None:
        assert list(entry_script.tree(str(model))) == [
            "model/",
            "    a.pkl",
            "    b/",
            "        config.json",
            "        weights.bin",
            "    c/",
        ]

    def test_a_slash_at_the_end_changes_nothing(self, model: Path) -> None:
        assert list(entry_script.tree(f"{model}/")) == list(entry_script.tree(str(model)))

    def test_links_are_shown_and_not_followed(self, model: Path) -> None:
        (model / "self").symlink_to(model)
        (model / "dangling").symlink_to(model / "absent")
        lines = list(islice(entry_script.tree(str(model)), 100))
        assert f"    self -> {model}" in lines
        assert "    dangling" in lines

    def test_a_large_one_is_cut(
        self, model: Path, write_file: WriteFile, server_log: pytest.LogCaptureFixture
    ) -> None:
        for number in range(300):
            write_file(f"model/{number:03}", "")
        entry_script.log_model_directory(str(model))
        assert server_log.messages[0] == "Model Directory Contents:"
        assert server_log.messages[-1] == "Output Truncated. First 200 lines shown."
        assert len(server_log.messages) == 202

    @pytest.mark.parametrize("path", [None, "", "/no/such/directory"])
    def test_an_absent_one_is_said_to_be(
        self, path: str | None, server_log: pytest.LogCaptureFixture
    ) -> None:
        entry_script.log_model_directory(path)
        (message,) = server_log.messages
        assert ("does not exist" in message) if path else ("not set" in message)
