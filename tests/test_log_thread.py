"""Log handlers in a thread: who logs neither waits for them nor fails with them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from scoreserve.log_thread import LogThread

LIMIT_SECONDS = 30.0


class Handler(logging.Handler):
    """Keeps what it is told, in which thread, once `go_on` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()
        self.messages: list[str] = []
        self.threads: set[int] = set()

    def emit(self, record: logging.LogRecord) -> None:
        assert self.go_on.wait(LIMIT_SECONDS)
        self.messages.append(record.getMessage())
        self.threads.add(threading.get_ident())


@pytest.fixture
def handler() -> Iterator[Handler]:
    handler = Handler()
    logger = logging.getLogger("azmlinfsrv")
    handle = logging.Logger.handle
    before = logger.handlers, logger.level, logger.propagate, logger.filters
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    yield handler
    logging.Logger.handle = handle  # type: ignore[method-assign]
    logger.handlers, level, logger.propagate, logger.filters = before
    logger.setLevel(level)


def test_who_logs_does_not_wait(handler: Handler) -> None:
    thread = LogThread()
    thread.start()
    logging.getLogger("azmlinfsrv.print").info("from a child")
    logging.getLogger("azmlinfsrv").info("a %s", "message")
    logging.getLogger("azmlinfsrv").debug("below the level")
    assert handler.messages == []
    handler.go_on.set()
    thread.stop(LIMIT_SECONDS)
    assert handler.messages == ["from a child", "a message"]
    assert threading.get_ident() not in handler.threads
    logging.getLogger("azmlinfsrv").info("after the end")
    assert threading.get_ident() in handler.threads


def test_what_a_filter_raises_ends_nothing(
    handler: Handler, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(record: logging.LogRecord) -> bool:
        if record.getMessage() == "bad":
            raise ValueError("by the filter")
        return True

    logger = logging.getLogger("azmlinfsrv")
    logger.filters = [refuse]
    handler.go_on.set()
    thread = LogThread()
    thread.start()
    logger.info("bad")
    logger.info("good")
    thread.stop(LIMIT_SECONDS)
    assert handler.messages == ["good"]
    assert "by the filter" in capsys.readouterr().err


def test_what_is_too_much_is_dropped_and_told(handler: Handler) -> None:
    logger = logging.getLogger("azmlinfsrv")
    thread = LogThread(most=10)
    thread.start()
    for number in range(50):
        logger.info("%d", number)
    handler.go_on.set()
    while len(handler.messages) < 10:
        pass
    logger.info("last")
    thread.stop(LIMIT_SECONDS)
    assert handler.messages[-1] == "last"
    assert "log records were dropped" in handler.messages[-2]
    assert len(handler.messages) < 20


def test_a_handler_that_stands_still_does_not_hold_up_the_end(handler: Handler) -> None:
    thread = LogThread(most=1)
    thread.start()
    for number in range(5):
        logging.getLogger("azmlinfsrv").info("%d", number)
    thread.stop(0.01)
    logging.getLogger("azmlinfsrv").info("said to nobody")
    handler.go_on.set()
