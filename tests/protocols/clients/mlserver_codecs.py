"""MLServer's codecs write requests and read our answers. Arguments: the ports of scripts
that echo an array and bytes, and of one that gets a frame.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from typing import Any

import numpy as np
import pandas as pd
from mlserver.codecs import (
    Base64Codec,
    NumpyRequestCodec,
    PandasCodec,
    StringCodec,
    StringRequestCodec,
)
from mlserver.types import InferenceRequest, InferenceResponse

FRAME = pd.DataFrame({"size": [1.5, 2.0], "name": ["a", "ä"]})


def infer(port: str, request: InferenceRequest) -> InferenceResponse:
    body = request.model_dump_json(exclude_none=True).encode()
    url = f"http://127.0.0.1:{port}/v2/models/echo/infer"
    with urllib.request.urlopen(urllib.request.Request(url, body)) as answer:
        return InferenceResponse.model_validate_json(answer.read())


def main(echo: str, octets: str, frames: str) -> dict[str, Any]:
    rows = np.arange(6, dtype=np.float32).reshape(2, 3)
    numbers = infer(echo, NumpyRequestCodec.encode_request(rows))
    words = infer(echo, StringRequestCodec.encode_request(["a", "ä"]))
    raw = InferenceRequest(inputs=[Base64Codec.encode_input("data", [b"\xff\0", b"a"])])
    table = infer(frames, PandasCodec.encode_request(FRAME))
    bare = PandasCodec.encode_request(FRAME, use_bytes=False)
    return {
        "numpy": np.array_equal(NumpyRequestCodec.decode_response(numbers), rows),
        "strings": StringRequestCodec.decode_response(words),
        "base64": [item.hex() for item in Base64Codec.decode_output(infer(octets, raw).outputs[0])],
        "frame": PandasCodec.decode_response(table).to_dict(orient="list"),
        "strings of a frame": StringCodec.decode_output(infer(frames, bare).outputs[0]),
    }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
