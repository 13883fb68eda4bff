"""KServe's SDK, V1 and V2. Argument: the port."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

ROWS = np.arange(8, dtype=np.float32).reshape(2, 4)


async def v2(base: str, model: str) -> dict[str, Any]:
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0))
    answers = []
    for there in (True, False):
        for back in (True, False):
            rows = InferInput("data", list(ROWS.shape), "FP32")
            rows.set_data_from_numpy(ROWS, binary_data=there)
            wanted = [RequestedOutput("output-0", {"binary_data": back})]
            request = InferRequest(model, [rows], request_id="id-7", request_outputs=wanted)
            response = await client.infer(base, request, model_name=model)
            answers.append([response.id, response.outputs[0].as_numpy().tolist()])
    return {
        "live": await client.is_server_live(base),
        "ready": await client.is_server_ready(base),
        "model_ready": await client.is_model_ready(base, model),
        "answers": answers,
    }


async def v1(base: str, model: str) -> dict[str, Any]:
    client = InferenceRESTClient(RESTConfig(protocol="v1", retries=0))
    return {
        "model_ready": await client.is_model_ready(base, model),
        "answer": await client.infer(base, {"instances": ROWS.tolist()}, model_name=model),
    }


async def main(port: str, model: str) -> dict[str, Any]:
    base = f"http://127.0.0.1:{port}"
    return {"v2": await v2(base, model), "v1": await v1(base, model)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
