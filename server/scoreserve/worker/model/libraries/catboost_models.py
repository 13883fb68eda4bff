"""CatBoost: predict, predict_proba and predict_log_proba on arrays, frames and lists of rows.

Its reference (https://catboost.ai/docs/en/concepts/python-reference_catboost_predict) applies the
model to "objects" and gives values "for each object". A row goes down each oblivious tree by
itself. What does not go by rows:

    one flat row, whose result is one value
    Pools, which cannot be put together with others
    virtual ensembles and staged predictions, which are other methods
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from catboost.core import CatBoost

from scoreserve.worker.model.libraries.library import (
    RowsCall,
    class_name,
    first_argument,
    methods_of,
    subclasses,
    without_rows,
)

_METHODS = ("predict", "predict_proba", "predict_log_proba")
_ROOT = frozenset({"catboost"})
_MODULE = "catboost.core"
_INPUTS = ("data", "X")


class CatBoostModels:
    name = "CatBoost"

    def methods(self) -> Iterable[tuple[type, str]]:
        return methods_of(subclasses(CatBoost), _METHODS, _ROOT)

    def refusal_of_model(self, model: Any, method: str) -> str:
        return refusal_of_model(model, method)

    def refusal_of_call(
        self, model: Any, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> str:
        reason = without_rows(args, kwargs, _INPUTS)
        return reason or _refusal_of_input(first_argument(args, kwargs, _INPUTS).rows)

    def rows_argument(
        self, model: Any, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> RowsCall:
        return first_argument(args, kwargs, _INPUTS)

    def exact(self, model: Any, method: str) -> bool:
        """Trees are; probabilities come from an exponential of many values at once."""
        return False


LIBRARY = CatBoostModels()


def refusal_of_model(model: Any, method: str) -> str:
    if type(model).__module__ != _MODULE:
        return f"{class_name(model)} is not one of CatBoost's own"
    return ""


def _refusal_of_input(rows: Any) -> str:
    if class_name(rows) == "Pool":
        return "its input is a Pool; arrays and frames can be put together"
    flat = type(rows) is list and bool(rows) and not isinstance(rows[0], (list, tuple))
    return "its input is one row" if flat or getattr(rows, "ndim", 2) != 2 else ""
