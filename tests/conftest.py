"""Settings of hypothesis, and the fixtures that more than one folder uses."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import hypothesis
import pytest

# No limit on the time of an example, nor on that of making them up: the machines that run this are
# small and busy.
hypothesis.settings.register_profile(
    "scoreserve",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    print_blob=True,
)
hypothesis.settings.load_profile("scoreserve")

# A shell has what it runs in the background ignore Ctrl-C, and all that this starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

SERVER_LOGGERS = ("azmlinfsrv", "gunicorn.access", "gunicorn.error", "uvicorn")

WriteFile = Callable[[str, str], Path]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test printed can be told from process to process, lone surrogates too."""
    report = yield
    report.sections = [
        (title, text.encode("utf-8", "backslashreplace").decode())
        for title, text in report.sections
    ]
    return report


@pytest.fixture
def write_file(tmp_path: Path) -> WriteFile:
    """Writes a text file, by its path in this test's directory; returns the whole path."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def clean_environ() -> Iterator[None]:
    """Takes back what the test does to os.environ."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def clean_modules() -> Iterator[None]:
    """Takes back what the test does to sys.path and sys.modules."""
    path, modules = list(sys.path), dict(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - set(modules):
        del sys.modules[name]


@pytest.fixture
def clean_loggers() -> Iterator[None]:
    """Takes back what the test does to the server's own loggers."""
    loggers = [logging.getLogger(name) for name in SERVER_LOGGERS]
    before = [(each.handlers, each.level, each.propagate) for each in loggers]
    yield
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


class _OfThisTest(logging.Filter):
    """Leaves out what is logged by threads that other tests have left behind."""

    def __init__(self) -> None:
        super().__init__()
        self._left = {*threading.enumerate()} - {threading.current_thread()}

    def filter(self, record: logging.LogRecord) -> bool:
        return threading.current_thread() not in self._left


@pytest.fixture
def server_log(
    clean_loggers: None, caplog: pytest.LogCaptureFixture
) -> Iterator[pytest.LogCaptureFixture]:
    """What the server logs, from INFO on, whether or not its loggers are set up."""
    logger = logging.getLogger("azmlinfsrv")
    logger.handlers, logger.propagate = [caplog.handler], False
    logger.setLevel(logging.INFO)
    with caplog.filtering(_OfThisTest()):
        yield caplog
