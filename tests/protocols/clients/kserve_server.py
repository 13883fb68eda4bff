"""KServe's model server around a model that adds up the numbers of each row. Arguments: a
directory, the port.
"""

from __future__ import annotations

import sys
from typing import Any

from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer


class Sums(Model):
    """Called `echo`, as our own model is in these tests."""

    def __init__(self) -> None:
        super().__init__("echo")
        self.ready = True

    def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:
        if not isinstance(payload, InferRequest):
            return {"predictions": [sum(row) for row in payload["instances"]]}
        sums = payload.inputs[0].as_numpy().sum(axis=1)
        output = InferOutput("output-0", list(sums.shape), payload.inputs[0].datatype)
        output.set_data_from_numpy(sums)
        return InferResponse(
            payload.id or "made up",
            "echo",
            [output],
            use_binary_outputs=payload.use_binary_outputs,
            requested_outputs=payload.request_outputs,
        )


def main(directory: str, port: str) -> None:
    ModelServer(http_port=int(port), enable_grpc=False, workers=1).start([Sums()])


if __name__ == "__main__":
    main(*sys.argv[1:])
