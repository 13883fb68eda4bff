"""How each server wants to be asked: the request on the wire, and the reply in common terms."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from benchmarks.scenarios import JSON, Scenario


@dataclass(frozen=True)
class Post:
    """One request as it goes over the wire."""

    path: str
    body: bytes
    content_type: str


class Dialect:
    """Azure ML's own: POST /score, the reply is the result. Most peers can be given it too."""

    def __init__(self, health: str = "/", probe: str | None = None) -> None:
        """`health` is 200 once the server can score; `probe` is what an orchestrator asks."""
        self.health = health
        self.probe = probe or health

    def post(self, scenario: Scenario) -> Post:
        """The scenario's request."""
        return Post("/score", scenario.body, scenario.content_type)

    def reply(self, content: bytes) -> object:
        """The decoded result; raises ValueError."""
        result: object = json.loads(content)
        return result


class ImageInJson(Dialect):
    """For a server that takes JSON only: the image in base64."""

    def post(self, scenario: Scenario) -> Post:
        """Rows as they are, an image wrapped."""
        if scenario.is_json:
            return super().post(scenario)
        text = base64.b64encode(scenario.body).decode()
        return Post("/score", json.dumps({"image": text}).encode(), JSON)


class V2(Dialect):
    """The V2 (open inference) protocol: named tensors with shape and type."""

    def __init__(self, model: str) -> None:
        """`model` is the name that the model is served under."""
        super().__init__(health=f"/v2/models/{model}/ready", probe="/v2/health/ready")
        self.path = f"/v2/models/{model}/infer"

    def post(self, scenario: Scenario) -> Post:
        """One input tensor; its data are the scenario's rows, unparsed."""
        if scenario.is_json:
            shape, kind, data = list(scenario.shape), "FP64", scenario.rows_text
        else:
            shape, kind = [1], "BYTES"
            data = json.dumps([base64.b64encode(scenario.body).decode()])
        tensor = f'{{"name": "data", "shape": {shape}, "datatype": "{kind}", "data": {data}}}'
        return Post(self.path, f'{{"inputs": [{tensor}]}}'.encode(), JSON)

    def reply(self, content: bytes) -> object:
        """A list of predictions, or an object of named lists."""
        outputs = json.loads(content)["outputs"]
        named = {output["name"]: output["data"] for output in outputs}
        return named.get("predictions", named)
