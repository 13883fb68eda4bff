"""Built-in scripts as a worker has them: a body's text in, what the client gets out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scoreserve.settings import Settings
from scoreserve.wire import Outcome
from scoreserve.worker.nocode import loading
from scoreserve.worker.script.calling import convention_of
from scoreserve.worker.script.model_interface import ModelInterface
from scoreserve.worker.script.script_runner import ScriptRunner, run_init
from tests.worker.fakes import head_of, job_of


class Served:
    """A model that is served, without a server."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        script = loading.load(settings)
        run_init(script.init)
        self.run = script.run
        assert script.model is not None
        self.interface: ModelInterface = script.model
        self._runner = ScriptRunner(script.run, convention_of(script.run), settings)

    def ask(self, value: Any, content_type: str = "application/json") -> tuple[int, Any]:
        """Status and JSON of the answer to a JSON value, or to a text as it is."""
        text = value if isinstance(value, str) else json.dumps(value)
        head = head_of(headers=[("content-type", content_type)])
        (call,) = self._runner.read([job_of(text.encode(), head)])
        outcome = call if isinstance(call, Outcome) else self._runner.score(call)
        assert isinstance(outcome, Outcome)
        return outcome.status, json.loads(outcome.body)

    def answer(self, value: Any) -> Any:
        """What a request that can be answered is answered."""
        status, answer = self.ask(value)
        assert status == 200, answer
        return answer

    def refusal(self, value: Any) -> str:
        """What a request that cannot be answered is told."""
        status, answer = self.ask(value)
        assert status == 400, answer
        return str(answer["message"])


Serve = Callable[..., Served]


@pytest.fixture
def serve(own_alarm: None) -> Serve:
    """Serves the model at a path, with these settings."""

    def serve(path: Path | str, **settings: Any) -> Served:
        return Served(Settings(model=str(path), **settings))

    return serve
