"""XGBoost: the classes of its scikit-learn interface, Booster.inplace_predict, and Booster.predict.

Its prediction guide (https://xgboost.readthedocs.io/en/stable/prediction.html) gives the shapes of
all outputs with a first dimension of rows, and says of in-place prediction that it is thread-safe
and works on the data as it is. A row goes down each tree by itself, and what the trees say is added
in their order. What does not go by rows:

    base_margin, an array beside the rows
    training=True of Booster.predict, for which DART leaves trees out by chance
    a DMatrix that has more of its rows than their values, see kinds/xgboost_matrices.py
    the classes for Dask and Spark, whose data lie elsewhere
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from xgboost.core import Booster

from scoreserve.worker.model.kinds import xgboost_matrices
from scoreserve.worker.model.libraries.library import (
    RowsCall,
    class_name,
    first_argument,
    methods_of,
    subclasses,
    without_rows,
)

_METHODS = ("predict", "predict_proba", "inplace_predict")
_ROOT = frozenset({"xgboost"})
_MODULES = frozenset({"xgboost.core", "xgboost.sklearn"})
_INPUTS = ("X", "data")


class XGBoost:
    name = "XGBoost"

    def methods(self) -> Iterable[tuple[type, str]]:
        found: list[type] = [Booster]
        interface = sys.modules.get("xgboost.sklearn")
        if interface is not None:
            found += subclasses(interface.XGBModel)
        return methods_of((cls for cls in found if cls.__module__ in _MODULES), _METHODS, _ROOT)

    def refusal_of_model(self, model: Any, method: str) -> str:
        return refusal_of_model(model, method)

    def refusal_of_call(
        self, model: Any, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> str:
        reason = without_rows(args, kwargs, _INPUTS)
        if reason:
            return reason
        rows = first_argument(args, kwargs, _INPUTS).rows
        if _takes_matrices(model, method):
            return _refusal_of_options(args, kwargs) or xgboost_matrices.refusal(rows)
        return "" if getattr(rows, "ndim", 2) == 2 else "its input has no rows"

    def rows_argument(
        self, model: Any, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> RowsCall:
        call = first_argument(args, kwargs, _INPUTS)
        return _of_matrix(call) if _takes_matrices(model, method) else call

    def exact(self, model: Any, method: str) -> bool:
        """Trees are; a Booster does not say cheaply whether it is of trees."""
        return getattr(model, "booster", "") in (None, "gbtree")


LIBRARY = XGBoost()


def refusal_of_model(model: Any, method: str) -> str:
    if type(model).__module__ not in _MODULES:
        return f"{class_name(model)} is not one of XGBoost's own for data in memory"
    if _takes_matrices(model, method) and not xgboost_matrices.CAN_READ:
        return "this XGBoost does not give a DMatrix's values back; inplace_predict meets"
    return ""


def _takes_matrices(model: Any, method: str) -> bool:
    return method == "predict" and isinstance(model, Booster)


def _of_matrix(call: RowsCall) -> RowsCall:
    rows = xgboost_matrices.MatrixRows(call.rows)
    return RowsCall(rows, call.rest, lambda joined: call.arguments(joined.matrix))


def _refusal_of_options(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """Which argument is `training` differs between releases; from 1.7 on all are to be named."""
    if len(args) > 1:
        return "an argument beside its input is not named"
    return "training=True leaves trees out by chance" if kwargs.get("training") else ""
