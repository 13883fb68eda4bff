"""What the server's last words say of a script that cannot serve."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from scoreserve.errors import BootError
from scoreserve.settings import Settings
from scoreserve.start_failure import StartFailure
from scoreserve.worker.script import distributions, start_failures, user_frames
from scoreserve.worker.script.calling import convention_of
from scoreserve.worker.script.entry_script import import_path, load
from scoreserve.worker.script.script_runner import run_init

Fail = Callable[..., StartFailure]


@pytest.fixture
def fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fail:
    """How a server fails with this script: in init(), if it gets that far."""
    monkeypatch.chdir(tmp_path)

    def fail(script: str, **settings: Any) -> StartFailure:
        (tmp_path / "score.py").write_text(script, encoding="utf-8")
        chosen = Settings(app_root=str(tmp_path), entry_script="score.py", **settings)
        stage = "import"
        with pytest.raises(BaseException) as caught:  # noqa: PT011 - as the worker does
            loaded = load(chosen)
            convention_of(loaded.run)
            stage = "init()"
            run_init(loaded.init)
        error = caught.value
        assert error.__traceback__ is not None
        without_this_file = error.with_traceback(error.__traceback__.tb_next)
        return start_failures.of_script(without_this_file, stage, chosen)

    return fail


RUN = "\ndef run(data): pass\n"


class TestPlace:
    def test_is_the_last_line_of_the_users_own(self, fail: Fail, tmp_path: Path) -> None:
        (tmp_path / "mine.py").write_text("import json\ndef read():\n    json.loads('x')\n")
        script = f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\nimport mine\n"
        failure = fail(f"{script}def init():\n    mine.read()\n{RUN}")
        assert failure.where == f"{tmp_path}/mine.py, line 3, in read()\njson.loads('x')"
        assert failure.what.startswith("JSONDecodeError: Expecting value")
        assert failure.what.endswith("(raised in init())")

    def test_is_that_of_a_syntax_error(self, fail: Fail, tmp_path: Path) -> None:
        failure = fail("import json\n\ndef init(:\n")
        assert failure.where == f"{tmp_path}/score.py, line 3\ndef init(:"
        assert failure.what == "SyntaxError: invalid syntax"

    def test_is_the_script_where_no_line_of_it_runs(self, fail: Fail, tmp_path: Path) -> None:
        failure = fail(f"def init(model): pass{RUN}")
        assert failure.where == f"{tmp_path}/score.py"
        assert failure.remedy == "init() is called without arguments: define it as `def init():`."

    @pytest.mark.parametrize(
        ("path", "users"),
        [
            (start_failures.__file__, False),
            ("scoreserve/worker/script/script_runner.py", False),
            (re.__file__, False),
            (pytest.__file__, False),
            ("/app/.venv/lib/python3.11/site-packages/mine.py", False),
            ("/usr/lib/python3/dist-packages/mine.py", False),
            ("<frozen importlib._bootstrap>", False),
            ("/app/score.py", True),
            (__file__, True),
        ],
    )
    def test_is_no_line_of_ours_or_of_a_library(self, path: str, users: bool) -> None:
        assert user_frames.is_users(path) is users

    def test_a_traceback_may_have_none(self) -> None:
        assert user_frames.users_part(None) is None
        assert user_frames.place_of(ValueError()) is None


class TestMissingModules:
    @pytest.mark.parametrize(
        ("line", "distribution"),
        [
            ("import no_such_module", "no_such_module"),
            ("from no_such_module.part import thing", "no_such_module"),
        ],
    )
    def test_are_told_with_what_to_install(
        self, fail: Fail, tmp_path: Path, line: str, distribution: str
    ) -> None:
        failure = fail(f"import json\n\n{line}\n{RUN}")
        assert failure == StartFailure(
            "No module named 'no_such_module'",
            f"{tmp_path}/score.py, line 3\n{line}",
            f"pip install {distribution}",
        )

    @pytest.mark.parametrize(
        ("module", "distribution"),
        [
            ("sklearn.ensemble", "scikit-learn"),
            ("cv2", "opencv-python-headless"),
            ("PIL.Image", "pillow"),
            ("yaml", "pyyaml"),
            ("azure.storage.blob.aio", "azure-storage-blob"),
            ("google.cloud.storage", "google-cloud-storage"),
            ("xgboost.sklearn", "xgboost"),
        ],
    )
    def test_have_other_names_where_they_are_installed_from(
        self, module: str, distribution: str
    ) -> None:
        assert distributions.distribution_of(module) == distribution

    def test_the_line_says_more_than_the_exception(self, fail: Fail) -> None:
        failure = fail(f"from azure.no_such_part import Client\n{RUN}")
        assert failure.remedy == "pip install azure-no_such_part"

    @pytest.mark.parametrize("module", ["azureml.studio", "azureml.designer"])
    def test_of_the_designer_cannot_be_had(
        self, fail: Fail, monkeypatch: pytest.MonkeyPatch, module: str
    ) -> None:
        package = ModuleType("azureml")  # which the server has, for others that it stands in for
        package.__path__ = []
        monkeypatch.setitem(sys.modules, "azureml", package)
        failure = fail(f"from {module}.core.score import Model\n{RUN}")
        assert failure.what == f"No module named '{module}'"
        assert failure.remedy.startswith(
            f"{module} is code of Azure's designer, which is there for"
        )
        assert failure.remedy.endswith("load that in init().")

    def test_of_a_library_that_is_there_are_of_another_version(self, fail: Fail) -> None:
        remedy = fail(f"import pytest.no_such_part\n{RUN}").remedy
        assert f"pytest {pytest.__version__} is installed, and has no pytest.no_such_part" in remedy
        assert remedy.endswith("pip install 'pytest==...'")

    @pytest.mark.parametrize("with_init", [True, False])
    def test_may_be_missing_from_a_package_of_ones_own(
        self, fail: Fail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_init: bool
    ) -> None:
        monkeypatch.syspath_prepend(tmp_path)
        package = tmp_path / f"own_package_{with_init}"
        package.mkdir()
        if with_init:
            (package / "__init__.py").touch()
        assert fail(f"from {package.name}.helper import scale\n{RUN}").remedy == (
            f"{package.name} is your own, in {package}, and has no helper: put helper.py there.\n"
            "A line of .amlignore or .gitignore may have left it out."
        )

    def test_of_an_environment_beside_the_script_are_not_ones_own(
        self, fail: Fail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        installed = tmp_path / "venv" / "site-packages"
        (installed / "some_namespace").mkdir(parents=True)
        monkeypatch.syspath_prepend(installed)
        remedy = fail(f"from some_namespace.part import Client\n{RUN}").remedy
        assert remedy == "pip install some_namespace"

    def test_may_lie_where_nobody_looks(self, fail: Fail, tmp_path: Path) -> None:
        (tmp_path / "src").mkdir()
        (tmp_path / "src" / "no_such_helper.py").touch()
        assert fail(f"import no_such_helper\n{RUN}").remedy == (
            f"no_such_helper lies in {tmp_path}/src, where modules are not looked for.\n"
            "Set AZUREML_SOURCE_DIRECTORY=src"
        )


class TestModelDirectory:
    OPENS = (
        "import os\ndef init():\n"
        "    open(os.path.join(os.environ['AZUREML_MODEL_DIR'], 'model.pkl'))\n" + RUN
    )

    def test_that_is_not_there_is_told_by_its_absolute_path(
        self, fail: Fail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AZUREML_MODEL_DIR", "model")
        assert fail(self.OPENS, model_dir="model").remedy == (
            f"The model directory {tmp_path}/model does not exist: name the right one, with"
            " --model-dir DIR."
        )

    def test_is_told_with_what_it_holds(
        self, fail: Fail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AZUREML_MODEL_DIR", "model")
        (tmp_path / "model").mkdir()
        remedy = f"The model directory {tmp_path}/model holds"
        assert fail(self.OPENS, model_dir="model").remedy == f"{remedy}: nothing."
        (tmp_path / "model" / "model.joblib").touch()
        assert fail(self.OPENS, model_dir="model").remedy == f"{remedy}: model.joblib."

    @pytest.mark.parametrize(
        "found", ["os.environ['AZUREML_MODEL_DIR']", "os.getenv('AZUREML_MODEL_DIR')"]
    )
    def test_that_is_not_set_is_asked_for(
        self, fail: Fail, monkeypatch: pytest.MonkeyPatch, found: str
    ) -> None:
        monkeypatch.delenv("AZUREML_MODEL_DIR", raising=False)
        script = f"import os\ndef init(): os.path.join({found}, 'model.pkl')\n{RUN}"
        assert "AZUREML_MODEL_DIR is not set" in fail(script).remedy


class TestPickles:
    LOADS = (
        "import pickle\n"
        "def init():\n"
        "    with open('model.pkl', 'rb') as file:\n"
        "        pickle.load(file)\n" + RUN
    )

    def test_that_cannot_be_read_are_told_with_the_versions_that_are_here(
        self, fail: Fail, tmp_path: Path
    ) -> None:
        (tmp_path / "model.pkl").write_bytes(b"\x80\x05nonsense")
        assert "numpy " in fail(self.LOADS).remedy

    def test_may_be_pointers_of_git_lfs(self, fail: Fail, tmp_path: Path) -> None:
        (tmp_path / "model.pkl").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
        assert "git lfs pull" in fail(self.LOADS).remedy

    def test_may_need_a_module_of_the_users(self, fail: Fail, tmp_path: Path) -> None:
        (tmp_path / "model.pkl").write_bytes(b"cno_such_features\nScaler\n.")
        assert "put no_such_features.py beside the script" in fail(self.LOADS).remedy

    def test_may_need_what_was_in_a_notebook(self, fail: Fail, tmp_path: Path) -> None:
        (tmp_path / "model.pkl").write_bytes(b"c__main__\nNoSuchTokenizer\n.")
        assert "Define NoSuchTokenizer in the entry script" in fail(self.LOADS).remedy


class TestScripts:
    def test_without_a_function_are_told_which_they_have(self, fail: Fail, tmp_path: Path) -> None:
        failure = fail("import json\ndef init(): pass\ndef predict(data): pass\n")
        assert failure == StartFailure(
            "The script has no run()",
            f"{tmp_path}/score.py",
            "Define `def run(data):` in it: it has init(), predict().",
        )

    def test_whose_run_cannot_be_called_are_told_the_line(self, fail: Fail, tmp_path: Path) -> None:
        failure = fail("def init(): pass\n\ndef run(*data): pass\n")
        assert failure.where == f"{tmp_path}/score.py, line 3\ndef run(*data): pass"
        assert "def run(data):" in failure.remedy

    @pytest.mark.parametrize(
        ("named", "remedy"),
        [
            ("scroe.py", "Did you mean score.py, which is there?"),
            ("code", "This is a folder: name the Python file in it."),
            ("nowhere/score.py", "cannot be looked into"),
        ],
    )
    def test_that_are_not_there_are_told_with_what_is(
        self, tmp_path: Path, named: str, remedy: str
    ) -> None:
        (tmp_path / "code").mkdir()
        (tmp_path / "score.py").touch()
        with pytest.raises(BootError) as caught:
            import_path(str(tmp_path / named))
        failure = start_failures.of_script(caught.value, "import", Settings())
        assert failure.what == f"There is no entry script at {tmp_path / named}"
        assert remedy in failure.remedy

    @pytest.mark.parametrize(
        ("script", "what", "remedy"),
        [
            ("import sys\nsys.exit(3)\n", "SystemExit: 3", "sys.exit()"),
            ("raise MemoryError\n", "MemoryError", "more memory"),
            ("raise KeyError('mine')\n", "KeyError: 'mine'", "Correct the script"),
            ("from json import nothing_there\n", "ImportError: cannot import name", "Correct"),
            ("from pytest import nothing_there\n", "ImportError: cannot import name", "pytest "),
            (
                "class Odd(Exception):\n    def __str__(self): raise self\nraise Odd\n",
                "Odd: its message cannot be made",
                "Correct the script",
            ),
        ],
    )
    def test_whatever_they_raise(self, fail: Fail, script: str, what: str, remedy: str) -> None:
        failure = fail(script)
        assert failure.what.startswith(what)
        assert remedy in failure.remedy

    def test_that_the_server_may_not_read(self, tmp_path: Path) -> None:
        error = PermissionError(13, "Permission denied", str(tmp_path / "score.py"))
        failure = start_failures.of_script(error, "import", Settings(entry_script="score.py"))
        assert str(os.getuid()) in failure.remedy
