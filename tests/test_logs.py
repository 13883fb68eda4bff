"""Log lines: their format, their streams, and the user's own logging.json."""

from __future__ import annotations

import contextvars
import io
import json
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from logging.config import dictConfig
from pathlib import Path
from typing import Any

import pytest

from scoreserve import logs, tracing
from scoreserve.errors import ConfigurationError
from scoreserve.settings import Settings
from tests.conftest import WriteFile
from tests.worker.fakes import encoded_head

pytestmark = pytest.mark.usefixtures("clean_loggers")

MOMENT = 1_700_000_000.25  # 2023-11-14 22:13:20.250 UTC
ON_STDOUT = ("azmlinfsrv", "azmlinfsrv.print", "azmlinfsrv.user_script", "gunicorn.access")
NAMES = (*ON_STDOUT, "gunicorn.error", "uvicorn")


@pytest.fixture(autouse=True)
def mine() -> Iterator[logging.Logger]:
    """A logger for logging.json to set up, which is then as it was."""
    logger = logging.getLogger("mine")
    yield logger
    logger.handlers, logger.propagate = [], True
    logger.setLevel(logging.NOTSET)


@pytest.fixture
def clean_warnings() -> Iterator[None]:
    """Takes back what JSON lines change beside the server's own loggers."""
    assert logging.lastResort is not None
    before = logging.lastResort.formatter
    yield
    logging.captureWarnings(False)
    logging.lastResort.setFormatter(before)
    logging.getLogger("py.warnings").handlers = []
    logging.getLogger("py.warnings").propagate = True


def record(level: int = logging.INFO, message: str = "said") -> logging.LogRecord:
    entry = logging.LogRecord("azmlinfsrv.part", level, "file.py", 1, message, None, None)
    entry.created, entry.msecs, entry.process = MOMENT, 250.0, 42
    return entry


def config(**more: Any) -> str:
    """A logging.json whose logger `mine` writes to stdout; what is there already stays."""
    whole = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"short": {"format": "%(name)s: %(message)s"}},
        "handlers": {
            "out": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
                "formatter": "short",
            }
        },
        "loggers": {"mine": {"level": "DEBUG", "handlers": ["out"], "propagate": False}},
    }
    return json.dumps({**whole, **more})


class TestFormat:
    def test_is_the_references(self) -> None:
        line = logs.UtcFormatter().format(record())
        assert line == "2023-11-14 22:13:20,250 I [42] azmlinfsrv.part - said"

    def test_is_in_utc_wherever_the_server_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import time

        monkeypatch.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        try:
            assert logs.UtcFormatter().format(record()).startswith("2023-11-14 22:13:20,250")
        finally:
            monkeypatch.undo()
            time.tzset()

    @pytest.mark.parametrize(
        ("level", "letter"),
        [(10, "D"), (20, "I"), (30, "W"), (40, "E"), (50, "C")],
    )
    def test_has_a_letter_for_the_level(self, level: int, letter: str) -> None:
        assert f" {letter} [42] " in logs.UtcFormatter().format(record(level))

    def test_may_be_another(self) -> None:
        """In a logging.json, by the names that dictConfig gives them."""
        formatter = logs.UtcFormatter("{asctime} {message}", datefmt="%H:%M", style="{")
        assert formatter.format(record()) == "22:13 said"


class Terminal(io.StringIO):
    """A stream that is one."""

    def isatty(self) -> bool:
        return True


class TestColor:
    @pytest.fixture(autouse=True)
    def nothing_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")

    def test_is_for_terminals(self) -> None:
        assert logs.wants_color(Terminal())
        assert not logs.wants_color(io.StringIO())

    @pytest.mark.parametrize(
        ("variable", "value", "wanted"),
        [("NO_COLOR", "1", False), ("NO_COLOR", "", True), ("TERM", "dumb", False)],
    )
    def test_is_not_wanted_by_all(
        self, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, wanted: bool
    ) -> None:
        monkeypatch.setenv(variable, value)
        assert logs.wants_color(Terminal()) is wanted

    @pytest.mark.parametrize(("asked", "wanted"), [("always", True), ("never", False)])
    def test_may_be_asked_for(
        self, monkeypatch: pytest.MonkeyPatch, asked: str, wanted: bool
    ) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        assert logs.wants_color(Terminal(), asked) is wanted
        assert logs.wants_color(io.StringIO(), asked) is wanted

    @pytest.mark.parametrize("level", [10, 20, 30, 40, 50, 25])
    def test_leaves_the_text_as_it_is(self, level: int) -> None:
        entry = record(level)
        line = logs.ColorFormatter().format(entry)
        assert re.sub(r"\x1b\[[\d;]*m", "", line) == logs.UtcFormatter().format(entry)
        assert line.endswith("said")

    @pytest.mark.parametrize(("asked", "colored"), [("always", True), ("auto", False)])
    def test_is_that_of_each_line(
        self, asked: str, colored: bool, capsys: pytest.CaptureFixture[str]
    ) -> None:
        logs.configure_default(log_color=asked)
        logging.getLogger("azmlinfsrv").error("said")
        assert ("\x1b[1;31mE\x1b[0m" in capsys.readouterr().out) is colored

    def test_is_none_of_json(
        self, capsys: pytest.CaptureFixture[str], clean_warnings: None
    ) -> None:
        logs.configure_default(log_format="json", log_color="always")
        logging.getLogger("azmlinfsrv").error("said")
        assert json.loads(capsys.readouterr().out)["message"] == "said"


class TestJson:
    def test_is_known_to_be_wanted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Else nobody keeps who is being scored."""
        monkeypatch.setattr(logs.JsonFormatter, "wanted", False)
        logs.UtcFormatter()
        assert not logs.JsonFormatter.wanted
        logs.JsonFormatter()
        assert logs.JsonFormatter.wanted

    def test_is_one_object(self) -> None:
        assert json.loads(logs.JsonFormatter().format(record())) == {
            "time": "2023-11-14T22:13:20.250Z",
            "level": "INFO",
            "logger": "azmlinfsrv.part",
            "message": "said",
            "pid": 42,
            "role": "arbiter",
        }

    @pytest.mark.parametrize(
        ("part", "shown"), [(0.0, "000"), (0.0625, "062"), (0.9990234375, "999")]
    )
    def test_has_milliseconds(self, part: float, shown: str) -> None:
        assert logs.rfc3339(1_700_000_000 + part) == f"2023-11-14T22:13:20.{shown}Z"

    @pytest.mark.parametrize("message", ["two\nlines", '"}', "ä", "\ud800", "\x00\x1b[0m", "100%"])
    def test_is_one_line_whatever_is_said(self, message: str) -> None:
        line = logs.JsonFormatter().format(record(message=message))
        assert len(line.splitlines()) == 1
        assert json.loads(line)["message"] == message

    def test_is_written_by_the_stdlib_whatever_the_script_has_put_in_its_place(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as replaced:
            replaced.setattr(json, "dumps", lambda value: b"bytes")
            line = logs.JsonFormatter().format(record(message="said"))
        assert json.loads(line)["message"] == "said"

    def test_holds_tracebacks_and_stacks(self) -> None:
        entry = record()
        try:
            raise KeyError("mine")
        except KeyError:
            entry.exc_info = sys.exc_info()
        entry.stack_info = "Stack (most recent call last):\n  here"
        line = logs.JsonFormatter().format(entry)
        assert len(line.splitlines()) == 1
        assert json.loads(line)["exception"].endswith("KeyError: 'mine'")
        assert json.loads(line)["stack"].endswith("here")

    def test_says_which_request_is_scored(self) -> None:
        def scored() -> str:
            logs.scored_requests.set([(b"POST\0...\0mine", 1)])
            return logs.JsonFormatter().format(record())

        line = contextvars.copy_context().run(scored)
        assert json.loads(line)["request_id"] == "mine"
        assert "request_id" not in json.loads(logs.JsonFormatter().format(record()))

    def test_with_traces_on_it_has_the_ids_of_trace_and_span(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(logs.JsonFormatter, "traced", True)
        head = encoded_head(headers=[])

        def scored(*job_ids: int) -> Any:
            logs.scored_requests.set([(head + b"%d" % job_id, job_id) for job_id in job_ids])
            return json.loads(logs.JsonFormatter().format(record()))

        one = contextvars.copy_context().run(scored, 7)
        assert one["trace_id"] == tracing.trace_of(b"", b"7").id
        assert one["span_id"] == tracing.run_span_id(b"7", 7)
        shared = contextvars.copy_context().run(scored, 8, 7)
        assert shared["trace_id"] == tracing.batch_trace_id(b"7", 7)
        assert shared["span_id"] == tracing.batch_span_id(b"7", 7)
        assert "trace_id" not in json.loads(logs.JsonFormatter().format(record()))

    def test_about_known_samples_it_has_no_ids(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(logs.JsonFormatter, "traced", True)
        head = encoded_head(headers=[])

        def line() -> dict[str, Any]:
            logs.scored_requests.set([(head, 0), (head, 1)])
            found: dict[str, Any] = json.loads(logs.JsonFormatter().format(record()))
            return found

        found = contextvars.copy_context().run(line)
        assert not {"trace_id", "span_id", "request_id"} & found.keys()

    def test_a_record_may_name_its_request(self) -> None:
        entry = record()
        entry.request_id = "another"
        assert json.loads(logs.JsonFormatter().format(entry))["request_id"] == "another"

    @pytest.mark.parametrize("name", NAMES)
    def test_is_the_form_of_each_logger(
        self, name: str, capsys: pytest.CaptureFixture[str], clean_warnings: None
    ) -> None:
        logs.configure_default(log_format="json")
        logging.getLogger(name).warning("said")
        assert json.loads("".join(capsys.readouterr()))["logger"] == name

    def test_is_that_of_warnings(
        self, capsys: pytest.CaptureFixture[str], clean_warnings: None
    ) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logs.configure_default(log_format="json")
            warnings.warn("careful", stacklevel=1)
        line = json.loads(capsys.readouterr().err)
        assert (line["logger"], line["level"]) == ("py.warnings", "WARNING")
        assert "UserWarning: careful" in line["message"]

    def test_is_that_of_loggers_that_nothing_is_set_up_for(self, clean_warnings: None) -> None:
        logs.configure_default(log_format="json")
        assert logging.lastResort is not None
        line = logging.lastResort.format(record(logging.WARNING))
        assert json.loads(line)["message"] == "said"

    def test_a_logging_json_wins(
        self,
        write_file: WriteFile,
        tmp_path: Path,
        mine: logging.Logger,
        capsys: pytest.CaptureFixture[str],
        clean_warnings: None,
    ) -> None:
        write_file("logging.json", config())
        assert logs.configure(Settings(app_root=str(tmp_path), log_format="json"))
        mine.debug("said")
        assert capsys.readouterr().out.endswith("\nmine: said\n")


class TestProbeFilter:
    @pytest.mark.parametrize(
        ("message", "kept"),
        [
            ('127.0.0.1 - - "GET / HTTP/1.1" 200', False),
            ('127.0.0.1 - - "GET /score HTTP/1.1" 200', True),
            ('127.0.0.1 - - "POST / HTTP/1.1" 405', True),
        ],
    )
    def test_leaves_out_health_probes(self, message: str, kept: bool) -> None:
        assert logs.ProbeFilter().filter(record(message=message)) is kept


class TestDefault:
    @pytest.mark.parametrize("name", NAMES)
    def test_each_logger_writes_one_line_to_its_stream(
        self, name: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        logs.configure_default()
        logging.getLogger(name).warning("said")
        out, err = capsys.readouterr()
        line, silent = (err, out) if name == "gunicorn.error" else (out, err)
        assert re.fullmatch(
            rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d,\d{{3}} W \[{os.getpid()}\]"
            rf" {re.escape(name)} - said\n",
            line,
        )
        assert silent == ""

    @pytest.mark.parametrize("name", ON_STDOUT)
    @pytest.mark.parametrize(
        ("level", "said"),
        [("DEBUG", "DI"), ("INFO", "I"), ("info", "I"), ("WARNING", ""), ("CRITICAL", "")],
    )
    def test_less_severe_lines_are_left_out(
        self, name: str, level: str, said: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        logs.configure_default(level)
        logging.getLogger(name).debug("said")
        logging.getLogger(name).info("said")
        found = re.findall(r" ([DI]) \[", capsys.readouterr().out)
        assert "".join(found) == said

    @pytest.mark.parametrize(("level", "count"), [("DEBUG", 1), ("WARNING", 1), ("ERROR", 0)])
    def test_uvicorn_only_warns(
        self, level: str, count: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        logs.configure_default(level)
        logging.getLogger("uvicorn.error").info("said")
        logging.getLogger("uvicorn.error").warning("said")
        assert capsys.readouterr().out.count("said") == count

    @pytest.mark.parametrize("level", ["LOUD", "", "20", "Level 20"])
    def test_an_unknown_level_is_refused(self, level: str) -> None:
        with pytest.raises(ConfigurationError) as caught:
            logs.configure_default(level)
        assert caught.value.setting == "AZUREML_LOG_LEVEL"
        assert repr(level) in caught.value.problem

    def test_twice_is_still_one_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        logs.configure_default()
        logs.configure_default()
        logging.getLogger("azmlinfsrv").info("said")
        assert capsys.readouterr().out.count("said") == 1

    def test_the_root_logger_is_left_to_the_script(self) -> None:
        root = logging.getLogger()
        before = (list(root.handlers), root.level)
        logs.configure_default("DEBUG")
        assert (root.handlers, root.level) == before


class TestLoggingJson:
    @pytest.mark.parametrize("place", ["app", "code"])
    def test_in_the_app_root_or_beside_the_script_replaces_ours(
        self,
        place: str,
        tmp_path: Path,
        write_file: WriteFile,
        capsys: pytest.CaptureFixture[str],
        mine: logging.Logger,
    ) -> None:
        path = write_file(f"{place}/logging.json", config())
        script = str(tmp_path / "code/score.py")
        assert logs.configure(Settings(app_root=str(tmp_path / "app"), entry_script=script))
        mine.debug("said")
        out = capsys.readouterr().out
        assert f"azmlinfsrv - Loaded logging config from {path}\n" in out
        assert out.endswith("\nmine: said\n")

    def test_in_the_app_root_comes_first(
        self, write_file: WriteFile, tmp_path: Path, mine: logging.Logger
    ) -> None:
        write_file("logging.json", config())
        write_file("code/logging.json", "malformed")
        assert logs.configure(Settings(app_root=str(tmp_path), entry_script="code/score.py"))
        assert mine.level == logging.DEBUG

    def test_is_found_beside_what_a_link_leads_to(
        self, write_file: WriteFile, tmp_path: Path, mine: logging.Logger
    ) -> None:
        write_file("code/logging.json", config())
        script = write_file("code/score.py", "")
        (tmp_path / "score.py").symlink_to(script)
        assert logs.configure(Settings(app_root=str(tmp_path), entry_script="score.py"))
        assert mine.level == logging.DEBUG

    def test_may_be_missing(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "logging.json").mkdir()  # no file, so none of ours
        assert not logs.configure(Settings(app_root=str(tmp_path), log_level="WARNING"))
        logging.getLogger("azmlinfsrv").info("unsaid")
        logging.getLogger("azmlinfsrv").warning("said")
        assert capsys.readouterr().out.count("said") == 1

    def test_may_name_the_references_classes(
        self, write_file: WriteFile, tmp_path: Path, mine: logging.Logger
    ) -> None:
        """As a copy of its own logging.json does."""
        theirs = "azureml_inference_server_http.log_config"
        write_file(
            "logging.json",
            config(
                formatters={"short": {"()": f"{theirs}.AMLLogFormatter"}},
                filters={"probes": {"()": f"{theirs}.RootAccessFilter"}},
                handlers={
                    "out": {
                        "class": "logging.StreamHandler",
                        "formatter": "short",
                        "filters": ["probes"],
                    }
                },
            ),
        )
        logs.configure(Settings(app_root=str(tmp_path)))
        (handler,) = mine.handlers
        assert type(handler.formatter) is logs.UtcFormatter
        assert [type(each) for each in handler.filters] == [logs.ProbeFilter]

    def test_may_give_the_references_formatter_a_format(
        self, write_file: WriteFile, tmp_path: Path, mine: logging.Logger
    ) -> None:
        formatter = {
            "()": "azureml_inference_server_http.log_config.AMLLogFormatter",
            "fmt": "%(asctime)s|%(message)s",
            "datefmt": "%H:%M",
        }
        write_file("logging.json", config(formatters={"short": formatter}))
        logs.configure(Settings(app_root=str(tmp_path)))
        (handler,) = mine.handlers
        assert handler.format(record()) == "22:13|said"

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "{}",
            "[]",
            "[1]",
            "1",
            "null",
            '{"version": 2}',
            config(handlers={"out": {"class": "no.such.Class"}}),
            config(handlers={"out": {"class": "logging.NoSuchHandler"}}),
            config(loggers={"mine": {"level": "LOUD"}}),
            config(loggers={"mine": {"handlers": ["other"]}}),
            config(loggers=["mine"]),
            config(handlers={"out": []}),
        ],
    )
    def test_that_cannot_be_used_is_refused_by_its_path(
        self, write_file: WriteFile, tmp_path: Path, text: str
    ) -> None:
        path = write_file("logging.json", text)
        with pytest.raises(ConfigurationError) as caught:
            logs.configure(Settings(app_root=str(tmp_path)))
        assert caught.value.setting == str(path)

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
    def test_may_be_as_editors_on_windows_save_it(
        self, tmp_path: Path, mine: logging.Logger, encoding: str
    ) -> None:
        (tmp_path / "logging.json").write_bytes(config().encode(encoding))
        assert logs.configure(Settings(app_root=str(tmp_path)))
        assert mine.level == logging.DEBUG

    def test_that_is_no_utf8_is_refused_by_its_path(self, tmp_path: Path) -> None:
        path = tmp_path / "logging.json"
        path.write_bytes(b'{"version": "\xe9"}')
        with pytest.raises(ConfigurationError) as caught:
            logs.configure(Settings(app_root=str(tmp_path)))
        assert caught.value.setting == str(path)


class TestBasicConfig:
    @pytest.fixture
    def begin(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
        """To be called in the test: until then pytest adds handlers of its own."""

        def begin() -> None:
            monkeypatch.setattr(logging, "basicConfig", logging.basicConfig)
            monkeypatch.setattr(logging.root, "handlers", [])
            monkeypatch.setattr(logging.root, "level", logging.WARNING)
            logs.basic_config_in_json()

        return begin

    @pytest.mark.parametrize("options", [{}, {"format": "%(message)s"}, {"level": "INFO"}])
    def test_makes_json(
        self,
        options: dict[str, Any],
        begin: Callable[[], None],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        begin()
        logging.basicConfig(**options)
        logging.getLogger("mine").warning("said")
        assert json.loads(capsys.readouterr().err)["message"] == "said"

    def test_is_called_by_the_functions_of_the_module(
        self, begin: Callable[[], None], capsys: pytest.CaptureFixture[str]
    ) -> None:
        begin()
        logging.warning("said")  # noqa: LOG015 - as scripts do
        assert json.loads(capsys.readouterr().err)["message"] == "said"

    def test_leaves_files_and_handlers_of_the_scripts_own(
        self, begin: Callable[[], None], tmp_path: Path
    ) -> None:
        begin()
        logging.basicConfig(filename=tmp_path / "log", format="%(message)s")
        logging.getLogger("mine").warning("said")
        logging.root.handlers[0].close()
        assert (tmp_path / "log").read_text() == "said\n"


class TestKeepEnabled:
    """Whatever the script configures by its defaults."""

    @pytest.fixture(autouse=True)
    def a_script_that_configures(self, clean_loggers: None) -> Iterator[None]:
        """Takes back what is done to all loggers."""
        loggers = [each for each in _loggers() if not each.disabled]
        root = logging.getLogger()
        before = root.handlers, root.level
        logs.configure_default()
        logs.keep_enabled()
        yield
        for each in loggers:
            each.disabled = False
        root.handlers, root.level = before

    @pytest.mark.parametrize("name", ["azmlinfsrv", "gunicorn.error", "gunicorn.access", "uvicorn"])
    def test_ours_say_what_they_said_before(self, name: str) -> None:
        logger = logging.getLogger(name)
        before = logger.handlers, logger.level, logger.propagate
        dictConfig({"version": 1})
        assert not logger.disabled
        assert (logger.handlers, logger.level, logger.propagate) == before

    def test_others_are_the_scripts_to_disable(self) -> None:
        other = logging.getLogger("other")
        dictConfig({"version": 1})
        assert other.disabled

    def test_ours_are_disabled_by_who_names_them(self) -> None:
        logger = logging.getLogger("azmlinfsrv")
        logger.disabled = True
        assert not logger.isEnabledFor(logging.CRITICAL)
        logger.disabled = False
        assert logger.isEnabledFor(logging.CRITICAL)


def _loggers() -> list[logging.Logger]:
    known = logging.root.manager.loggerDict.values()
    return [each for each in known if isinstance(each, logging.Logger)]
