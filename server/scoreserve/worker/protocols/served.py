"""Which protocol a job belongs to: what the worker asks before it reads one.

Made once a worker, before it is ready; raises BootError where numpy is not there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from scoreserve import heads
from scoreserve._batched import batched_run
from scoreserve.protocols import FORMATS, MLFLOW, V1, V2, model_of, of_path
from scoreserve.settings import Settings
from scoreserve.worker.protocols import formats
from scoreserve.worker.protocols.formats import FormatRequest
from scoreserve.worker.protocols.inputs import Inputs, SchemaInputs, TextInputs
from scoreserve.worker.protocols.metadata import described, described_model
from scoreserve.worker.protocols.mlflow import MlflowRequest
from scoreserve.worker.protocols.model_inputs import ModelInputs
from scoreserve.worker.protocols.request import ProtocolRequest, RawRequest, Service
from scoreserve.worker.protocols.signature import parameters_of
from scoreserve.worker.protocols.v1 import V1Request
from scoreserve.worker.protocols.v2 import V2Request
from scoreserve.worker.script.calling import Convention
from scoreserve.worker.script.model_interface import ModelInterface

_log = logging.getLogger("azmlinfsrv")

_REQUESTS: Final[dict[str, type[ProtocolRequest]]] = {
    V2: V2Request,
    V1: V1Request,
    MLFLOW: MlflowRequest,
}
_SCORE: Final = b"/score"


class ServedProtocols:
    """The protocols that are served around one run(). `tensors` describes it, in V2."""

    def __init__(
        self,
        run: Callable[..., Any],
        convention: Convention,
        settings: Settings,
        model: ModelInterface | None = None,
    ) -> None:
        inputs = _inputs(run, convention, settings, model)
        self._service = Service(
            convention.reader, inputs, model_of(settings), strict_json=settings.strict_json
        )
        self._raw = convention.raw
        self._max_bytes = settings.max_body_bytes
        # A plain run() goes on getting the body's text.
        by_hand = batched_run(run) is not None
        self._formats = (
            FORMATS in settings.protocols.split(",")
            and not self._raw
            and (by_hand or not isinstance(inputs, TextInputs))
        )
        parameters = inputs.parameters if isinstance(inputs, SchemaInputs) else ()
        if model is not None and isinstance(inputs, ModelInputs):
            self.tensors = described_model(model)
        else:
            self.tensors = described(run, parameters)

    def request_of(self, head: bytes) -> ProtocolRequest | None:
        """The request that a job with this encoded head is; None: one of /score's own."""
        path = heads.path_of(head)
        protocol = "" if path == _SCORE else of_path(path)
        if not protocol:
            if self._formats and formats.concerns(heads.decode_head(head)):
                return FormatRequest(self._service, self._max_bytes)
            return None
        if self._raw:
            return RawRequest(self._service, protocol)
        return _REQUESTS[protocol](self._service)


def _inputs(
    run: Callable[..., Any],
    convention: Convention,
    settings: Settings,
    model: ModelInterface | None,
) -> Inputs:
    parameter = convention.text_parameter
    if parameter is None:
        return SchemaInputs(parameters_of(run), convention.reader)
    if model is not None:
        merged = settings.max_batch_size > 1 and settings.batching == "rows"
        return ModelInputs(parameter, model, convention.reader, as_text=merged)
    _log.info(
        "Tensors become JSON for run(), whose %s is a text: @input_schema has run() get arrays",
        parameter,
    )
    return TextInputs(parameter, settings.v2_key, convention.reader)
