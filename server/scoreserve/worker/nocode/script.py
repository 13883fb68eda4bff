"""The built-in entry script: init() and run(), as an author would have written them for a model."""

from __future__ import annotations

import logging
from typing import Any

from scoreserve._stateless import stateless
from scoreserve.worker.nocode import bodies
from scoreserve.worker.nocode.model import Model
from scoreserve.worker.script.model_interface import Tensors

_log = logging.getLogger("azmlinfsrv")


class BuiltInScript:
    """Serves a model. `most_rows` is how many rows may meet in a call of it."""

    def __init__(self, model: Model, most_rows: int) -> None:
        self._model = model
        self._most_rows = most_rows

    def init(self) -> None:
        """Has the model allocate what it needs: before the first request, not with it."""
        for rows in sorted({1, self._most_rows}):
            sample = self._model.sample(rows)
            if sample is None:
                return
            try:
                self._model.outputs(sample)
            except Exception as error:  # what the library raises for its own sample
                _log.warning("The model could not be warmed up with %d rows: %s", rows, error)

    @stateless
    def run(self, raw_data: Any) -> Any:
        """The predictions for a body, see ModelInterface. Raises BadInput."""
        body = bodies.read(raw_data)
        outputs = self._model.outputs(body)
        if body.as_arrays:
            return Tensors(outputs)
        plain = {
            name: value.tolist() if hasattr(value, "tolist") else value
            for name, value in outputs.items()
        }
        if len(plain) > 1 or (body.azure_form and self._model.names_results):
            return plain
        return next(iter(plain.values()))
