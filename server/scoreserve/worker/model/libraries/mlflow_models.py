"""MLflow: PyFuncModel.predict, where what it wraps is a model of a library that is known.

The wrapper of such a flavour (mlflow/sklearn/__init__.py and its like) gives the data to the
model's own predict after MLflow's schema, if there is one, was enforced, column by column. What
does not go by rows:

    PythonModel, a class or function of the author's own, and flavours that are not listed
    params, a dict for one call
    lists and dicts of rows, of which MLflow makes a frame whose dtypes depend on all of them
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlflow.pyfunc import PyFuncModel

from scoreserve.worker.model.libraries.library import (
    RowsCall,
    class_name,
    first_argument,
    root_of,
    without_rows,
)
from scoreserve.worker.model.libraries.nested import refusal_of_model as refusal_of_any

_INPUTS = ("data",)
# Where the wrapper of a flavour keeps the model.
_WRAPPED = {
    "_SklearnModelWrapper": "sklearn_model",
    "_XGBModelWrapper": "xgb_model",
    "_LGBModelWrapper": "lgb_model",
    "_CatboostModelWrapper": "cb_model",
    "_OnnxModelWrapper": "rt",
    "_KerasModelWrapper": "keras_model",
}


class MLflow:
    name = "MLflow"

    def methods(self) -> Iterable[tuple[type, str]]:
        return [(PyFuncModel, "predict")] if "predict" in vars(PyFuncModel) else []

    def refusal_of_model(self, model: Any, method: str) -> str:
        return refusal_of_model(model, method)

    def refusal_of_call(
        self, model: Any, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> str:
        reason = without_rows(args, kwargs, _INPUTS)
        if reason:
            return reason
        rows = first_argument(args, kwargs, _INPUTS).rows
        return "" if hasattr(rows, "shape") else f"its input is a {class_name(rows)}"

    def rows_argument(
        self, model: Any, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> RowsCall:
        return first_argument(args, kwargs, _INPUTS)

    def exact(self, model: Any, method: str) -> bool:
        return False


LIBRARY = MLflow()


def refusal_of_model(model: Any, method: str) -> str:
    if type(model) is not PyFuncModel:
        return f"{class_name(model)} is not MLflow's own"
    wrapper = getattr(model, "_model_impl", None)
    attribute = _WRAPPED.get(class_name(wrapper))
    if attribute is None or root_of(type(wrapper)) != "mlflow":
        return f"MLflow's model is a {class_name(wrapper)}, which is not known to go by rows"
    return refusal_of_any(getattr(wrapper, attribute))
