"""V2 requests as clients write them, and runs of a script that answers them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scoreserve import heads
from scoreserve.heads import RequestHead
from scoreserve.protocols import model_of
from scoreserve.settings import Settings
from scoreserve.wire import Outcome, WireJob
from scoreserve.worker.protocols.bodies.inflate import inflating
from scoreserve.worker.protocols.served import ServedProtocols
from scoreserve.worker.script.calling import Call, convention_of
from scoreserve.worker.script.model_interface import ModelInterface
from scoreserve.worker.script.script_runner import ScriptRunner

INFER = "/v2/models/model/infer"
Headers = Sequence[tuple[str, str]]


def head_of(path: str = INFER, headers: Headers = (), method: str = "POST") -> RequestHead:
    """The head of a request."""
    pairs = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    return RequestHead(method.encode(), path.encode(), b"", b"1.1", b"http", b"", pairs)


def job_of(path: str, body: bytes, headers: Headers = (), method: str = "POST") -> WireJob:
    """A request as it comes to the worker, its body in a buffer that others use too."""
    head = heads.encode_head(head_of(path, headers, method))
    return WireJob(1, head, memoryview(bytearray(body)))


def json_input(name: str, array: Any, datatype: str) -> dict[str, Any]:
    """One input with its data in JSON."""
    found = np.asarray(array)
    return {
        "name": name,
        "shape": list(found.shape),
        "datatype": datatype,
        "data": found.tolist(),
    }


def binary_body(members: dict[str, Any], *raw: bytes) -> tuple[bytes, Headers]:
    """A body with raw bytes after its JSON, and the headers that say so."""
    text = json.dumps(members).encode()
    return text + b"".join(raw), [("inference-header-content-length", str(len(text)))]


def binary_input(name: str, shape: list[int], datatype: str, size: int) -> dict[str, Any]:
    """One input of so many raw bytes."""
    parameters = {"binary_data_size": size}
    return {"name": name, "shape": shape, "datatype": datatype, "parameters": parameters}


class Served:
    """A run() behind the protocols, as a worker has it."""

    def __init__(
        self, run: Callable[..., Any], *, model: ModelInterface | None = None, **settings: Any
    ) -> None:
        chosen = Settings(**{"protocols": "v2,v1,mlflow,formats", **settings})
        convention = convention_of(run)
        if chosen.gzip_bodies:
            convention.inflate = inflating(chosen.max_body_bytes)
        self.protocols = ServedProtocols(run, convention, chosen, model)
        self.model = model_of(chosen)
        self._runner = ScriptRunner(run, convention, chosen, protocols=self.protocols)

    def call(self, path: str, body: bytes, headers: Headers = ()) -> Call:
        """The call of run() that one request is."""
        (call,) = self._runner.read([job_of(path, body, headers)])
        assert isinstance(call, Call)
        return call

    def ask(self, path: str, body: bytes, headers: Headers = (), method: str = "POST") -> Outcome:
        """What becomes of one request."""
        (call,) = self._runner.read([job_of(path, body, headers, method)])
        outcome = call if isinstance(call, Outcome) else self._runner.score(call)
        assert isinstance(outcome, Outcome)
        return outcome

    def infer(self, members: dict[str, Any], *raw: bytes) -> Any:
        """The JSON of the answer to a V2 request."""
        body, headers = binary_body(members, *raw) if raw else (json.dumps(members).encode(), ())
        outcome = self.ask(INFER, body, headers)
        assert outcome.status == 200, outcome.body
        return json.loads(outcome.body)

    def refusal(self, path: str, body: bytes, headers: Headers = ()) -> tuple[int, Any]:
        """Status and JSON of an answer that is an error."""
        outcome = self.ask(path, body, headers)
        return outcome.status, json.loads(outcome.body)
