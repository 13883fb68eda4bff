"""tritonclient[http]: what NVIDIA's client for Triton can ask. Argument: the port."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import numpy as np
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

MODEL = "echo"
ARRAYS = {
    "BOOL": np.array([[True, False]]),
    "UINT8": np.array([[0, 255]], np.uint8),
    "UINT64": np.array([2**64 - 1], np.uint64),
    "INT8": np.array([-128, 127], np.int8),
    "INT64": np.array([[-(2**63)], [2**63 - 1]]),
    "FP16": np.array([1.5, -2], np.float16),
    "FP32": np.arange(6, dtype=np.float32).reshape(1, 2, 3) / 3,
    "FP64": np.array([0.1, np.inf]),
    "BYTES": np.array([["a", "ä"], ["", "b" * 1000]], dtype=object),
}


def tensor(array: Any, *, binary: bool) -> Any:
    datatype = np_to_triton_dtype(array.dtype)
    found = triton.InferInput("data", list(array.shape), datatype)
    found.set_data_from_numpy(array, binary_data=binary)
    return found


def same(result: Any, array: Any) -> bool:
    """Whether an echo is what was sent, to the bit and in its type."""
    found = result.as_numpy("output-0")
    if array.dtype.kind == "O":
        texts = [each.decode() if isinstance(each, bytes) else each for each in found.ravel()]
        return bool(texts == array.ravel().tolist() and found.shape == array.shape)
    return bool(found.dtype == array.dtype and np.array_equal(found, array))


def echoes(client: Any) -> dict[str, bool]:
    """Each datatype, in binary form and in JSON, there and back."""
    outcome = {}
    for name, array in ARRAYS.items():
        for there in (True, False):
            for back in (True, False):
                if name == "FP16" and not there:
                    continue  # which the protocol has not in JSON
                output = triton.InferRequestedOutput("output-0", binary_data=back)
                result = client.infer(MODEL, [tensor(array, binary=there)], outputs=[output])
                outcome[f"{name} {there} {back}"] = same(result, array)
    return outcome


def refusal(client: Any, array: Any) -> list[str | None]:
    """Status and message of what the client raises."""
    try:
        client.infer("strict", [tensor(array, binary=True)])
    except InferenceServerException as error:
        return [error.status(), error.message()]
    return []


async def asynchronous(url: str) -> bool:
    array = ARRAYS["FP32"]
    async with triton_aio.InferenceServerClient(url) as client:
        asked = [client.infer(MODEL, [tensor(array * n, binary=True)]) for n in range(8)]
        results = await asyncio.gather(*asked)
    return all(same(result, array * n) for n, result in enumerate(results))


def main(port: str) -> dict[str, Any]:
    url = f"127.0.0.1:{port}"
    client = triton.InferenceServerClient(url, concurrency=4)
    array = ARRAYS["FP32"]
    futures = [client.async_infer(MODEL, [tensor(array * n, binary=True)]) for n in range(8)]
    compressed = {
        coding: same(
            client.infer(
                MODEL,
                [tensor(array, binary=True)],
                request_compression_algorithm=coding,
                response_compression_algorithm=coding,
            ),
            array,
        )
        for coding in ("gzip", "deflate")
    }
    identified = client.infer(MODEL, [tensor(array, binary=False)], request_id="id-7")
    unknown = []
    try:
        client.infer("nobody", [tensor(array, binary=True)])
    except InferenceServerException as error:
        unknown = [error.status(), error.message()]
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model_ready": client.is_model_ready(MODEL),
        "version_ready": client.is_model_ready(MODEL, "1"),
        "server": client.get_server_metadata(),
        "model": client.get_model_metadata(MODEL),
        "echoes": echoes(client),
        "compressed": compressed,
        "async_infer": [same(each.get_result(), array * n) for n, each in enumerate(futures)],
        "aio": asyncio.run(asynchronous(url)),
        "id": identified.get_response()["id"],
        "unknown": unknown,
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
