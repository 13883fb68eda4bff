"""The models that ship in the onnx package, with inputs and outputs, over V2 in both forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from scoreserve.errors import BootError  # noqa: E402
from scoreserve.settings import Settings  # noqa: E402
from scoreserve.worker.nocode import loading  # noqa: E402
from scoreserve.worker.protocols import v2_response  # noqa: E402
from scoreserve.worker.protocols.outputs import array_of  # noqa: E402
from scoreserve.worker.protocols.tensors import (  # noqa: E402
    BYTES,
    Tensor,
    datatype_of,
    from_bytes,
    from_json,
    to_bytes,
)
from scoreserve.worker.protocols.v2_request import InferRequest  # noqa: E402
from tests.worker.nocode.test_onnx_models import (  # noqa: E402
    NOT_FOR_ONNXRUNTIME,
    backend_models,
    tensor_of,
)
from tests.worker.protocols.requests import INFER, Served, binary_body, binary_input  # noqa: E402


def tensor(name: str, array: Any) -> Tensor:
    """An array of the package's as a tensor."""
    known = array_of(np.asarray(array))
    assert known is not None
    datatype = BYTES if known.dtype.kind == "O" else datatype_of(known.dtype)
    assert datatype is not None
    return Tensor(name, datatype, known)


def in_binary(served: Served, inputs: list[Tensor]) -> dict[str, Any]:
    """The arrays that come back as raw bytes, for inputs that went so."""
    raw = [to_bytes(each) for each in inputs]
    members = {
        "parameters": {"binary_data_output": True},
        "inputs": [
            binary_input(each.name, list(each.array.shape), each.datatype, len(data))
            for each, data in zip(inputs, raw, strict=True)
        ],
    }
    outcome = served.ask(INFER, *binary_body(members, *raw))
    assert outcome.status == 200, outcome.body
    head = dict(line.split(b": ") for line in outcome.head.splitlines())
    start = int(head[b"inference-header-content-length"])
    found = {}
    for output in json.loads(outcome.body[:start])["outputs"]:
        end = start + output["parameters"]["binary_data_size"]
        described = output["name"], output["datatype"], output["shape"]
        found[output["name"]] = from_bytes(*described, outcome.body[start:end])
        start = end
    assert start == len(outcome.body)
    return found


def in_json(served: Served, inputs: list[Tensor]) -> dict[str, Any]:
    """The same in JSON."""
    written, _ = v2_response.write(InferRequest(None, ()), inputs, served.model)
    answer = served.infer({"inputs": json.loads(written)["outputs"]})
    return {
        output["name"]: np.array(output["data"], dtype=object).reshape(output["shape"])
        if output["datatype"] in (BYTES, "FP16")
        else from_json(output["name"], output["datatype"], output["shape"], output["data"])
        for output in answer["outputs"]
    }


@pytest.mark.parametrize("path", backend_models())
def test_models_answer_as_they_should(path: Path) -> None:
    try:
        script = loading.load(Settings(model=str(path)))
    except BootError as error:
        if not any(words in str(error) for words in NOT_FOR_ONNXRUNTIME):
            raise
        pytest.skip("onnxruntime does not have it")
    interface = script.model
    assert interface is not None
    served = Served(script.run, model=interface)
    for data in path.parent.glob("test_data_set_*"):
        inputs = [
            tensor(spec.name, tensor_of(data / f"input_{number}.pb"))
            for number, spec in enumerate(interface.inputs)
        ]
        forms = [in_binary(served, inputs)]
        if all(each.datatype not in ("FP16", "BF16") for each in inputs):
            forms.append(in_json(served, inputs))
        for found in forms:
            for number, spec in enumerate(interface.outputs):
                wanted = tensor_of(data / f"output_{number}.pb")
                if wanted.dtype.kind == "O":
                    texts = [
                        each.decode() if isinstance(each, bytes) else each
                        for each in found[spec.name].ravel()
                    ]
                    assert texts == wanted.astype(str).ravel().tolist()
                    continue
                actual = found[spec.name].astype(wanted.dtype)
                shape = wanted.shape or (1,)  # which the protocol has not
                np.testing.assert_allclose(actual, wanted.reshape(shape), rtol=1e-3, atol=1e-5)
