"""LightGBM: the classes of its scikit-learn interface, and Booster.predict on arrays and frames.

Its reference (https://lightgbm.readthedocs.io/en/stable/pythonapi/lightgbm.Booster.html) says of
predict's result "shape = (n_samples,)" or "(n_samples, n_classes)", of leaves and contributions
too. A row goes down each tree by itself. What does not go by rows: files by their names, and
the classes for Dask.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from lightgbm.basic import Booster

from scoreserve.worker.model.libraries.library import (
    RowsCall,
    class_name,
    first_argument,
    methods_of,
    subclasses,
    without_rows,
)

_METHODS = ("predict", "predict_proba")
_ROOT = frozenset({"lightgbm"})
_MODULES = frozenset({"lightgbm.basic", "lightgbm.sklearn"})
_INPUTS = ("X", "data")


class LightGBM:
    name = "LightGBM"

    def methods(self) -> Iterable[tuple[type, str]]:
        found: list[type] = [Booster]
        interface = sys.modules.get("lightgbm.sklearn")
        if interface is not None:
            found += subclasses(interface.LGBMModel)
        return methods_of((cls for cls in found if cls.__module__ in _MODULES), _METHODS, _ROOT)

    def refusal_of_model(self, model: Any, method: str) -> str:
        return refusal_of_model(model, method)

    def refusal_of_call(
        self, model: Any, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> str:
        reason = without_rows(args, kwargs, _INPUTS)
        if not reason and isinstance(first_argument(args, kwargs, _INPUTS).rows, str):
            return "its input is a file"
        return reason

    def rows_argument(
        self, model: Any, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> RowsCall:
        return first_argument(args, kwargs, _INPUTS)

    def exact(self, model: Any, method: str) -> bool:
        return True


LIBRARY = LightGBM()


def refusal_of_model(model: Any, method: str) -> str:
    if type(model).__module__ not in _MODULES:
        return f"{class_name(model)} is not one of LightGBM's own for data in memory"
    return ""
