"""A logging.json whose handlers and filters fail, or stand still: requests and probes go on."""

from __future__ import annotations

import json

from tests.live.conftest import Serve
from tests.servers import wait_until

ECHO = "def init(): pass\ndef run(data): return data\n"

MINE = """
import logging, pathlib, time

class StandsStill(logging.Handler):
    def emit(self, record):
        if "GET /score" in record.getMessage() or "POST /score" in record.getMessage():
            time.sleep(600)

class Refuses(logging.Filter):
    def filter(self, record):
        if "POST /score" in record.getMessage():
            raise ValueError("a filter of the user's")
        return True
"""


def config(handler: str, filters: list[str]) -> str:
    """A logging.json with a handler of this class, and these filters, for all that is ours."""
    loggers = ("azmlinfsrv", "gunicorn.access", "gunicorn.error")
    return json.dumps(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"refuses": {"()": "mine.Refuses"}},
            "handlers": {"mine": {"class": handler}},
            "loggers": {
                name: {"level": "INFO", "handlers": ["mine"], "filters": filters}
                for name in loggers
            },
        }
    )


def test_a_handler_that_stands_still_holds_up_nobody(serve: Serve) -> None:
    files = {"mine.py": MINE, "logging.json": config("mine.StandsStill", [])}
    with serve(ECHO, files=files, env={"PYTHONPATH": "."}) as server:
        for number in range(20):
            assert server.score(str(number)).json() == str(number)
            assert server.get("/health/live").status == 200


def test_a_filter_that_raises_ends_no_request(serve: Serve) -> None:
    files = {"mine.py": MINE, "logging.json": config("logging.StreamHandler", ["refuses"])}
    with serve(ECHO, files=files, env={"PYTHONPATH": "."}) as server:
        connection = server.connect()
        for number in range(20):
            connection.request("POST", "/score", str(number))
            assert json.loads(connection.getresponse().read()) == str(number)
        wait_until(lambda: "a filter of the user's" in server.output, "the filter's error is told")
