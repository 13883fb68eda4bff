"""Requests of the Open Inference Protocol (V2): tensors in, tensors out."""

from __future__ import annotations

from typing import Any, Final

from scoreserve import protocols
from scoreserve.heads import RequestHead
from scoreserve.protocols import JSON_LENGTH
from scoreserve.wire import Buffer
from scoreserve.worker.protocols import v2_request, v2_response
from scoreserve.worker.protocols.inputs import Arguments
from scoreserve.worker.protocols.outputs import tensors_of
from scoreserve.worker.protocols.request import ProtocolRequest, Service, content_type
from scoreserve.worker.protocols.tensors import BYTES, Tensor
from scoreserve.worker.protocols.v2_request import InferRequest

_RAW: Final = "raw"
_OCTETS: Final = b"application/octet-stream"


class V2Request(ProtocolRequest):
    """One inference request."""

    protocol = protocols.V2

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self._request = InferRequest(None, ())

    def arguments(self, head: RequestHead, body: Buffer) -> Arguments:
        self._request = request = v2_request.read(head, body)
        tensors, inputs = request.inputs, self.service.inputs
        if len(tensors) == 1 and _is_raw(tensors[0]):
            arguments = inputs.of_json(tensors[0].array.flat[0])
        else:
            arguments = inputs.of_tensors(tensors)
        # What the answer depends on; the arrays are run()'s.
        self._request = InferRequest(request.id, (), request.outputs, request.binary)
        return arguments

    def written(self, value: Any) -> tuple[bytes, bytes]:
        strict = self.service.strict_json
        outputs = tensors_of(value, strict_json=strict)
        body, json_bytes = v2_response.write(
            self._request, outputs, self.service.model, strict_json=strict
        )
        if json_bytes is None:
            return body, content_type()
        return body, content_type(_OCTETS) + b"%b: %d\r\n" % (JSON_LENGTH, json_bytes)


def _is_raw(tensor: Tensor) -> bool:
    """Whether a tensor is a whole body, as POST /score would have it."""
    return (
        tensor.datatype == BYTES
        and tensor.array.shape == (1,)
        and _RAW in (tensor.name, tensor.parameters.get("content_type"))
    )
