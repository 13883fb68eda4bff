"""MLServer: a custom runtime that speaks the V2 inference protocol, its native one."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse

from benchmarks.peers.work import configuration, load_work


class Score(MLModel):
    """Scores in MLServer's inference worker."""

    async def load(self) -> bool:
        """Load the model, once an inference worker."""
        self.work = load_work()
        self.raw = configuration().name == "image"
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Score one tensor; when MLServer batches, it holds the rows of several requests."""
        reply = self.work.score(self._data(payload.inputs[0]))
        named = reply if isinstance(reply, dict) else {"predictions": reply}
        return InferenceResponse(
            model_name=self.name,
            outputs=[
                NumpyCodec.encode_output(name, np.asarray(values)) for name, values in named.items()
            ],
        )

    def _data(self, tensor: Any) -> Any:
        """Rows as an array; the bytes of an image come in base64, since they travel in JSON."""
        if self.raw:
            return base64.b64decode(tensor.data[0])
        return NumpyCodec.decode_input(tensor)
