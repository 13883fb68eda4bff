"""MLServer around a model that sums each row. Arguments: a directory, the port."""

from __future__ import annotations

import asyncio
import sys

from mlserver import MLModel, MLServer
from mlserver.codecs import NumpyCodec
from mlserver.settings import ModelParameters, ModelSettings, Settings
from mlserver.types import InferenceRequest, InferenceResponse


class Sums(MLModel):
    """Called `echo`, as our own model is in these tests."""

    async def load(self) -> bool:
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        rows = NumpyCodec.decode_input(payload.inputs[0])
        output = NumpyCodec.encode_output("output-0", rows.sum(axis=1))
        return InferenceResponse(
            id=payload.id, model_name=self.name, model_version=self.version, outputs=[output]
        )


async def main(directory: str, port: str) -> None:
    settings = Settings(
        host="127.0.0.1", http_port=int(port), grpc_port=0, metrics_endpoint=None, debug=False
    )
    settings.parallel_workers = 0
    parameters = ModelParameters(version="1")
    model = ModelSettings(name="echo", implementation=Sums, parameters=parameters)
    await MLServer(settings).start([model])


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
