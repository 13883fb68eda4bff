"""XGBoost's and LightGBM's own model files: trees that take numbers, by the names of features or in
their order. null is a missing value, which both know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from scoreserve.errors import BadInput
from scoreserve.model_files import refused
from scoreserve.settings import Settings
from scoreserve.worker.nocode import tabular
from scoreserve.worker.nocode.bodies import Body
from scoreserve.worker.nocode.features import Features
from scoreserve.worker.nocode.model import library, loading
from scoreserve.worker.script.model_interface import ModelInterface

_OUTPUT = "predict"
_NUMBERS = "biuf"
# What LightGBM calls features that had no names.
_NUMBERED = "Column_"


def load_xgboost(path: str, name: str, kind: str, settings: Settings) -> Booster:
    """The model in this file. Raises BootError."""
    xgboost = library("xgboost", "xgboost", path)
    booster, warnings = loading(path, lambda: xgboost.Booster(model_file=path))
    best = booster.attributes().get("best_iteration")
    rounds = {"iteration_range": (0, int(best) + 1)} if best else {}
    # Not predict: its DMatrix takes longer to make than the trees take.
    return Booster(
        ModelInterface(name, kind, path, warnings=warnings),
        Features(booster.feature_names, booster.num_features()),
        lambda rows: booster.inplace_predict(rows, **rounds),
    )


def load_lightgbm(path: str, name: str, kind: str, settings: Settings) -> Booster:
    """The model in this file. Raises BootError."""
    lightgbm = library("lightgbm", "lightgbm", path)
    booster, warnings = loading(path, lambda: lightgbm.Booster(model_file=path))
    if booster.pandas_categorical:
        raise refused(
            "The model was fitted to a frame with categories, whose columns it does not name: it"
            " needs an entry script",
            path,
            "Write one, and name it with --entry-script.",
        )
    names = booster.feature_name()
    numbered = all(name == f"{_NUMBERED}{number}" for number, name in enumerate(names))
    return Booster(
        ModelInterface(name, kind, path, warnings=warnings),
        Features(None if numbered else names, booster.num_feature()),
        lambda rows: booster.predict(rows),  # noqa: PLW0108 - what is bound now never meets
    )


class Booster:
    """A model of trees. `predict` takes an array of rows."""

    names_results = False

    def __init__(
        self, interface: ModelInterface, features: Features, predict: Callable[[Any], Any]
    ) -> None:
        self._features = features
        self._predict = predict
        self.interface, self._row = tabular.described(
            interface, features, self.outputs, tabular.zeros(features), names_results=False
        )

    def outputs(self, body: Body) -> Mapping[str, Any]:
        """The predictions."""
        if body.method not in (None, _OUTPUT):
            raise BadInput(f"The model has no method {body.method!r}: it has {_OUTPUT}.")
        rows = self._features.of(body)
        if rows.dtype.kind not in _NUMBERS:
            wrong = next((value for value in rows.flat if isinstance(value, str)), None)
            raise BadInput(f"The model takes numbers, and the request has {wrong!r}.")
        return {_OUTPUT: self._predict(np.ascontiguousarray(rows))}

    def sample(self, rows: int) -> Body | None:
        return tabular.sample(self._features, self._row, rows)
