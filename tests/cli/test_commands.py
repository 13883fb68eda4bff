"""The command line, up to the moment in which the server would start."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import scoreserve
from scoreserve import __version__, logs, settings, start_lines
from scoreserve.cli import azmlinfsrv, commands
from scoreserve.errors import EXIT_BROKEN_PIPE, EXIT_INTERRUPTED
from scoreserve.front import arbiter
from scoreserve.settings import Settings
from tests.conftest import WriteFile

Command = Callable[[Sequence[str]], None]

pytestmark = pytest.mark.usefixtures("clean_environ", "clean_loggers", "nothing_set")


@pytest.fixture
def nothing_set(clean_environ: None) -> None:
    """No setting comes from the environment of whoever runs the tests."""
    os.environ.clear()


class Started(BaseException):
    """The server would start with these settings."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.environ = dict(os.environ)


@pytest.fixture
def start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[Command, Sequence[str]], Started]:
    """What a command line would start, in this test's directory."""

    class FakeArbiter:
        def __init__(self, settings: Settings, *, custom_logs: bool) -> None:
            self._settings = settings

        def run(self) -> None:
            raise Started(self._settings)

    monkeypatch.setattr(arbiter, "Arbiter", FakeArbiter)
    monkeypatch.chdir(tmp_path)

    def start(command: Command, arguments: Sequence[str]) -> Started:
        with pytest.raises(Started) as caught:
            command(arguments)
        return caught.value

    return start


Start = Callable[[Command, Sequence[str]], Started]


def exit_code(command: Command, arguments: Sequence[str]) -> object:
    """What the process would exit with, without any server."""
    with pytest.raises(SystemExit) as caught:
        command(arguments)
    return caught.value.code


class TestAzmlinfsrv:
    """The reference's command: its flags, its exit codes."""

    def test_every_flag_of_the_reference_is_understood(self, start: Start, tmp_path: Path) -> None:
        flags = {
            "--entry_script": "code/score.py",
            "--model_dir": "model",
            "--port": "6000",
            "--health_port": "6001",
            "--worker_count": "2",
            "--appinsights_instrumentation_key": "00000000-0000-0000-0000-000000000000",
            "--access_control_allow_origins": "microsoft.com, bing.com",
            "--config_file": "mine.json",
        }
        chosen = start(azmlinfsrv.main, [part for flag in flags.items() for part in flag]).settings
        assert chosen.entry_script == str(tmp_path / "code/score.py")
        assert chosen.config_file == str(tmp_path / "mine.json")
        assert (chosen.model_dir, chosen.cors_origins) == ("model", "microsoft.com, bing.com")
        assert (chosen.port, chosen.health_port, chosen.workers) == (6000, 6001, 2)
        assert chosen.app_insights_key == flags["--appinsights_instrumentation_key"]

    def test_flags_may_be_shortened(self, start: Start) -> None:
        chosen = start(azmlinfsrv.main, ["--entry", "score.py", "--worker", "2"]).settings
        assert chosen.workers == 2

    def test_without_arguments_it_exits_with_1(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert exit_code(azmlinfsrv.main, []) == 1
        assert "--entry_script or provide a path" in capsys.readouterr().out

    def test_the_log_is_as_the_references_unless_another_is_asked_for(
        self, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        chosen = start(azmlinfsrv.main, ["--entry", "score.py"]).settings
        assert (chosen.access_log, chosen.log_color) == ("two", "never")
        assert start(commands.main, ["serve"]).settings.access_log == "one"
        monkeypatch.setenv("SCORESERVE_ACCESS_LOG", "one")
        chosen = start(azmlinfsrv.main, ["--entry", "score.py"]).settings
        assert (chosen.access_log, chosen.log_color) == ("one", "never")

    def test_a_config_file_is_enough(self, start: Start, write_file: WriteFile) -> None:
        write_file("mine.json", json.dumps({"AZUREML_ENTRY_SCRIPT": "score.py"}))
        chosen = start(azmlinfsrv.main, ["--config_file", "mine.json"]).settings
        assert chosen.entry_script == "score.py"

    @pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
    def test_a_bad_port_exits_with_1_and_names_the_flag(
        self, port: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert exit_code(azmlinfsrv.main, ["--entry_script", "score.py", "--port", port]) == 1
        error = capsys.readouterr().err
        assert "--port" in error
        assert repr(port) in error

    @pytest.mark.parametrize("arguments", [["--no-such-flag"], ["--port"], ["--help"]])
    def test_a_wrong_flag_and_help_exit_with_1(
        self, arguments: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert exit_code(azmlinfsrv.main, arguments) == 1
        assert "--entry_script" in capsys.readouterr().out


class TestEntryScript:
    """Its path is made absolute; its links stay links."""

    @pytest.fixture
    def chosen(self, start: Start, tmp_path: Path) -> Callable[[str], str | None]:
        def chosen(path: str) -> str | None:
            return start(azmlinfsrv.main, ["--entry_script", path]).settings.entry_script

        (tmp_path / "real/inner").mkdir(parents=True)
        (tmp_path / "real/score.py").touch()
        (tmp_path / "link").symlink_to(tmp_path / "real/inner")
        (tmp_path / "score.py").symlink_to(tmp_path / "real/score.py")
        return chosen

    @pytest.mark.parametrize(
        ("path", "absolute"),
        [
            ("score.py", "score.py"),
            ("./score.py", "score.py"),
            ("real/../score.py", "score.py"),
            ("link/../score.py", "link/../score.py"),  # which is real/score.py
        ],
    )
    def test_is_not_resolved(
        self, chosen: Callable[[str], str | None], tmp_path: Path, path: str, absolute: str
    ) -> None:
        assert chosen(path) == f"{tmp_path}/{absolute}"

    def test_may_be_absolute(self, chosen: Callable[[str], str | None], tmp_path: Path) -> None:
        assert chosen(f"{tmp_path}/link/../score.py") == f"{tmp_path}/link/../score.py"


class TestScoreserve:
    def test_every_flag_sets_its_setting(self, start: Start) -> None:
        arguments = ["serve", "--port", "6000", "--workers", "2", "--host", "127.0.0.1"]
        arguments += ["--strict-json", "yes", "--max-body-bytes", "10", "--drain-seconds", "0"]
        chosen = start(commands.main, arguments).settings
        assert (chosen.port, chosen.workers, chosen.host) == (6000, 2, "127.0.0.1")
        assert (chosen.strict_json, chosen.max_body_bytes, chosen.drain_seconds) == (True, 10, 0)

    def test_a_switch_needs_no_value(self, start: Start) -> None:
        chosen = start(commands.main, ["serve", "--reload", "--strict-json", "--share-cpus", "no"])
        settings = chosen.settings
        assert (settings.reload, settings.strict_json, settings.share_cpus) == (True, True, False)

    def test_no_flag_is_needed(self, start: Start, tmp_path: Path) -> None:
        chosen = start(commands.main, ["serve"]).settings
        assert chosen == Settings(app_root=str(tmp_path))

    def test_a_bad_variable_exits_with_3_and_is_named(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("WORKER_COUNT", "none")
        assert exit_code(commands.main, ["serve"]) == 3
        words = " ".join(capsys.readouterr().err.split())
        assert "What WORKER_COUNT: Input should be a valid integer" in words
        assert "The value is 'none'. Where environment variable: WORKER_COUNT To do" in words

    def test_as_the_reference_does_from_its_command(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("WORKER_COUNT", "none")
        assert exit_code(azmlinfsrv.main, ["--entry_script", "score.py"]) == 3
        out, err = capsys.readouterr()
        assert "Configuration Error" in out
        assert "(environment variable: WORKER_COUNT). The value is 'none'." in out
        assert "scoreserve could not start" in err

    def test_a_bad_log_level_is_refused_as_a_flag(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert exit_code(commands.main, ["serve", "--log-level", "LOUD"]) == 2
        assert "'LOUD'" in capsys.readouterr().err

    def test_a_bad_log_level_is_a_warning_where_the_reference_starts(
        self, start: Start, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AZUREML_LOG_LEVEL", "LOUD")
        assert start(commands.main, ["serve"]).settings.log_level == "INFO"
        out = capsys.readouterr().out
        assert " W [" in out
        assert "AZUREML_LOG_LEVEL: " in out
        assert "'LOUD'" in out

    def test_a_malformed_config_file_exits_with_3(
        self, write_file: WriteFile, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = write_file("mine.json", "{")
        assert exit_code(commands.main, ["serve", "--config-file", str(path)]) == 3
        assert f"What {path}: is not valid JSON" in " ".join(capsys.readouterr().err.split())

    def test_unknown_keys_are_warned_of(
        self, start: Start, write_file: WriteFile, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_file("config.json", json.dumps({"WORKER_COUNTS": 2, "mine": 1}))
        start(commands.main, ["serve"])
        out = capsys.readouterr().out
        assert "Extra keys = ['WORKER_COUNTS', 'mine']" in out
        assert "Did you mean WORKER_COUNT?" in out

    def test_misspelt_variables_are_warned_of(
        self, start: Start, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SCORESERVE_MAX_BATCHSIZE", "64")
        assert start(commands.main, ["serve"]).settings.max_batch_size == 1
        out = capsys.readouterr().out
        assert " W [" in out
        assert "Did you mean SCORESERVE_MAX_BATCH_SIZE?" in out

    @pytest.mark.parametrize("columns", [80, 60, 200])
    def test_help_lists_every_setting(
        self, columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", str(columns))
        assert exit_code(commands.main, ["serve", "--help"]) == 0
        lines = capsys.readouterr().out.splitlines()
        words = {word.strip("()") for line in lines for word in line.split()}
        for heading, rows in settings.groups():
            assert f"{heading}:" in lines
            assert {source.env[0] for _, source in rows} <= words
            assert {source.flag for _, source in rows if source.flag} <= words
        if columns >= 80:
            assert max(map(len, lines)) <= min(columns, 100)

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (
                ["serve", "--entry-scrpt", "score.py"],
                "scoreserve serve: no flag --entry-scrpt: did you mean --entry-script?",
            ),
            (
                ["serve", "--entry_script=score.py"],
                "scoreserve serve: no flag --entry_script: did you mean --entry-script?",
            ),
            (
                ["serve", "--quux"],
                "scoreserve serve: no flag --quux; `scoreserve serve --help` lists what there is",
            ),
            (
                ["serve", "score.py", "model"],
                "scoreserve serve: unexpected argument 'model';"
                " `scoreserve serve --help` lists what there is",
            ),
            (
                ["serve", "score.py", "--entry-script", "other.py"],
                "scoreserve serve: the script is named twice, as SCRIPT and by --entry-script",
            ),
            (
                ["serve", "--workers", "none"],
                "scoreserve serve: --workers: Input should be a valid integer, unable to parse"
                " string as an integer, not 'none'",
            ),
            (
                ["serve", "--batching", "modle"],
                "scoreserve serve: --batching: Input should be 'model' or 'rows' or 'off'"
                " (did you mean 'model'?), not 'modle'",
            ),
            (
                ["check", "score.py", "--output", "jsn"],
                "scoreserve check: --output: invalid choice: 'jsn' (choose from 'text', 'json'):"
                " did you mean json?",
            ),
            (["serv"], "scoreserve: no command serv: did you mean serve?"),
            (["--versoin"], "scoreserve: no flag --versoin: did you mean --version?"),
        ],
    )
    def test_what_is_wrong_is_told_in_one_line(
        self, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert exit_code(commands.main, arguments) == 2
        out, err = capsys.readouterr()
        assert (out, err) == ("", f"{told}\n")

    def test_the_script_needs_no_flag(self, start: Start, tmp_path: Path) -> None:
        chosen = start(commands.main, ["serve", "score.py", "--workers", "2"]).settings
        assert (chosen.entry_script, chosen.workers) == (str(tmp_path / "score.py"), 2)

    def test_version(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert exit_code(commands.main, ["--version"]) == 0
        compiled = " (compiled)" if list(Path(scoreserve.__file__).parent.glob("wire.*.so")) else ""
        assert capsys.readouterr().out == f"scoreserve {__version__}{compiled}\n"

    def test_without_a_command_it_tells_which_there_are(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert exit_code(commands.main, []) == 2
        assert "serve an entry script" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (azmlinfsrv.main, ["--entry_script", "score.py", "--model_dir", "model"]),
        (commands.main, ["serve", "--entry-script", "score.py", "--model-dir", "model"]),
    ],
    ids=["azmlinfsrv", "scoreserve"],
)
def test_scripts_find_the_flags_in_the_environment(
    start: Start, tmp_path: Path, command: Command, arguments: list[str]
) -> None:
    environ = start(command, arguments).environ
    assert environ["AZUREML_ENTRY_SCRIPT"] == str(tmp_path / "score.py")
    assert environ["AZUREML_MODEL_DIR"] == "model"
    assert environ["AML_APP_ROOT"] == str(tmp_path)


class TestStartLines:
    """What is said at the start."""

    @pytest.fixture(autouse=True)
    def docs_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        find = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name: name == "flask_swagger_ui" or find(name)
        )

    def printed(self, start: Start, capsys: pytest.CaptureFixture[str], *flags: str) -> list[str]:
        """Those of `scoreserve serve` with these flags."""
        start(commands.main, ["serve", *flags, "--share-cpus", "no"])
        return capsys.readouterr().out.splitlines()

    def test_are_six(
        self, start: Start, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        (tmp_path / "model").mkdir()
        flags = ("score.py", "--model-dir", "model", "--port", "6000", "--workers", "2")
        first, *rest = self.printed(start, capsys, *flags)
        assert first == f"{start_lines.version()} on Python {platform.python_version()}"
        url = "http://localhost:6000"
        assert rest == [
            f"  score    POST {url}/score",
            f"  pages    {url}/docs  {url}/status  {url}/metrics",
            f"  script   {tmp_path}/score.py",
            f"  model    {tmp_path}/model",
            "  workers  2, batching off",
        ]

    @pytest.mark.parametrize(
        ("flags", "line"),
        [
            (["--host", "127.0.0.1"], "  score    POST http://127.0.0.1:5001/score"),
            (["--host", "::"], "  score    POST http://localhost:5001/score"),
            (["--host", "::1"], "  score    POST http://[::1]:5001/score"),
            (["--pages", "no"], "  pages    http://localhost:5001/metrics"),
            ([], "  model    no directory is named (--model-dir)"),
            (["--max-batch-size", "64", "--batching", "off"], "  workers  1, batching off"),
            (
                ["--max-batch-size", "64"],
                "  workers  1, batching in the model: up to 64 requests share a call of predict",
            ),
            (
                ["--max-batch-size", "64", "--batching", "rows"],
                "  workers  1, batching by rows: up to 64 rows share a call of run()",
            ),
        ],
    )
    def test_say_what_is_set(
        self, start: Start, capsys: pytest.CaptureFixture[str], flags: list[str], line: str
    ) -> None:
        assert line in self.printed(start, capsys, *flags)

    def test_say_where_what_is_missing_would_be(
        self, start: Start, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        assert f"  script   {tmp_path}/main.py" in self.printed(start, capsys)
        lines = self.printed(start, capsys, "score.py", "--model-dir", "nowhere")
        assert f"  model    {tmp_path}/nowhere, which does not exist" in lines

    def test_are_one_record_of_json(
        self, start: Start, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(logs.JsonFormatter, "wanted", False)
        monkeypatch.setattr(logging, "captureWarnings", lambda capture: None)
        (line,) = self.printed(start, capsys, "--log-format", "json")
        assert len(json.loads(line)["message"].splitlines()) == 6

    def test_are_the_references_from_its_own_command(
        self, start: Start, capsys: pytest.CaptureFixture[str]
    ) -> None:
        start(azmlinfsrv.main, ["--entry", "score.py", "--worker", "2", "--port", "6000"])
        out = capsys.readouterr().out
        assert f"scoreserve v{__version__}" in out
        assert "Worker Count: 2" in out
        assert "POST  127.0.0.1:6000/score" in out


def test_both_commands_are_installed() -> None:
    scripts = Path(sys.executable).parent
    assert (scripts / "scoreserve").exists()
    assert (scripts / "azmlinfsrv").exists()


def test_ctrl_c_while_a_command_is_read_shows_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(written: Sequence[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "_run", interrupted)
    with pytest.raises(SystemExit) as ended:
        commands.main(["batch"])
    assert ended.value.code == EXIT_INTERRUPTED
    assert not capsys.readouterr().err


def test_whoever_reads_it_may_have_enough() -> None:
    """`scoreserve --help | head -1`"""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as output:
        ended = subprocess.run(
            [sys.executable, "-m", "scoreserve", "--help"],
            stdout=output,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert ended.returncode == EXIT_BROKEN_PIPE
    assert b"Traceback" not in ended.stderr
