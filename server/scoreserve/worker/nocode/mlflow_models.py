"""MLflow models, as Azure ML serves them without a script: the forms of requests and answers are
those of its own script (mlflow_score_script.py of its public image mlflow-py312-inference).

    {"input_data": ..., "params": {...}}    by @input_schema, whose sample is the model's own

Unlike there, what does not fit the model's signature is answered 400, with what is wrong.
"""

from __future__ import annotations

import copy
import inspect
import io
import json
import logging
import os
import warnings
from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from scoreserve._stateless import stateless
from scoreserve.errors import BadInput
from scoreserve.settings import Settings
from scoreserve.worker.nocode import mlflow_safety
from scoreserve.worker.nocode.model import library, loading
from scoreserve.worker.script.entry_script import EntryScript
from scoreserve.worker.script.model_interface import ModelInterface

_log = logging.getLogger("azmlinfsrv")

# Flavours of models of texts, which get texts as they are.
_OF_TEXTS = frozenset({"transformers", "langchain", "openai"})
_COLLECTS = "ENABLE_MDC"
_ERROR = "Error: "


class Opened(NamedTuple):
    """A model that is loaded, what its MLmodel says, and what its loading warned of."""

    pyfunc: Any
    about: Any
    warnings: tuple[str, ...]


def opened(path: str, settings: Settings) -> Opened:
    """The model in this directory. Raises BootError, also where its loading would run code that has
    not been allowed.
    """
    for package in ("numpy", "pandas"):
        library(package, package, path)
    library("mlflow", "mlflow-skinny", path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns of its own type hints
        from mlflow.models import Model
        from mlflow.pyfunc import load_model

    about, _ = loading(path, lambda: Model.load(path))
    mlflow_safety.check(about, path, settings)
    pyfunc, told = loading(path, lambda: load_model(path))
    return Opened(pyfunc, about, told)


def load(path: str, name: str, kind: str, settings: Settings) -> EntryScript:
    """The script for the model in this directory. Raises BootError."""
    pyfunc, about, told = opened(path, settings)
    served = MLflowModel(pyfunc, about, path, _collectors(path))
    interface = ModelInterface(name, kind, path, warnings=told)
    return EntryScript(served.init, served.run(), interface)


def _collectors(path: str) -> tuple[Any, Any] | None:
    """Azure ML's collectors of inputs and outputs, if they are asked for."""
    if not os.environ.get(_COLLECTS):
        return None
    monitoring = library("azureml.ai.monitoring", "azureml-ai-monitoring", f"{_COLLECTS} of {path}")
    return monitoring.Collector(name="model_inputs"), monitoring.Collector(name="model_outputs")


class MLflowModel:
    """A pyfunc model; `about` is what its MLmodel says."""

    def __init__(
        self, pyfunc: Any, about: Any, path: str, collectors: tuple[Any, Any] | None
    ) -> None:
        from scoreserve.worker.nocode import mlflow_samples

        self._path = path
        self._pyfunc = pyfunc  # not its method: what is bound now never meets others
        self._takes_params = "params" in inspect.signature(pyfunc.predict).parameters
        self._is_of_texts = bool(_OF_TEXTS & about.flavors.keys())
        loader = mlflow_safety.loader_of(about, path)
        self._is_of_known_library = mlflow_safety.is_of_a_known_library(loader)
        self._collectors = collectors
        self._samples = mlflow_samples.of_model(about, path)

    def init(self) -> None:
        """Has the model allocate what it needs, before the first request."""
        sample = self._samples.input
        if sample is None:
            return
        try:
            self.predict(copy.deepcopy(sample), None)
        except Exception as error:  # what the model raises for its own sample
            _log.warning("The model could not be warmed up with its sample: %s", error)

    def run(self) -> Callable[..., Any]:
        """run(), under the decorators that an author would have written. inference-schema looks for
        the function in the closures of what it is given: so this one has none.
        """
        from inference_schema.schema_decorators import input_schema, output_schema

        from scoreserve.worker.nocode import mlflow_samples

        scope = {"predict": self.predict, "__name__": f"{__name__}:{self._path}"}
        function = FunctionType(_run.__code__, scope, "run", _run.__defaults__)
        decorated: Any = stateless(function)
        decorated = output_schema(mlflow_samples.output_type(self._samples.output))(decorated)
        params = mlflow_samples.params_type(self._samples.params)
        decorated = input_schema("params", params, optional=True)(decorated)
        typed = mlflow_samples.input_type(self._samples)
        run: Callable[..., Any] = input_schema("input_data", typed)(decorated)
        return run

    def predict(self, input_data: Any, params: Any) -> Any:
        """The predictions for an input, as values of JSON. Raises BadInput, or what the model
        raises.
        """
        if not _is_typed(input_data):
            input_data = self._read(input_data)
        context = self._collect(0, input_data)
        result = self._predicted(input_data, params)
        self._collect(1, result, context)
        return _plain(result)

    def _predicted(self, input_data: Any, params: Any) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            if self._takes_params and params:
                return self._pyfunc.predict(input_data, params=params)
            return self._pyfunc.predict(input_data)
        except MlflowException as error:
            raise BadInput(reason_of(error)) from error
        except ValueError as error:
            if not self._is_of_known_library:
                raise
            words = str(error).partition("\n")[0]
            raise BadInput(f"The model cannot take this input: {words}") from error

    def _read(self, value: Any) -> Any:
        """An input that no sample gives a type: text of JSON, rows, a table in pandas' form
        `split`, or named tensors.
        """
        if isinstance(value, str) and not self._is_of_texts:
            try:
                value = json.loads(value)
            except ValueError as error:
                raise BadInput(f"The input is no JSON: {error}") from None
        if isinstance(value, dict) and "input_data" in value:
            value = value["input_data"]
        if self._is_of_texts and _has_only_texts(value):
            return value
        if isinstance(value, list):
            return np.asarray(value)
        if isinstance(value, dict) and {"columns", "index", "data"} <= value.keys():
            return _frame(value)
        if isinstance(value, dict):
            return {name: np.asarray(each) for name, each in value.items()}
        if self._is_of_texts:
            return value
        raise BadInput("The input should be a list of rows, a table or an object of named lists.")

    def _collect(self, which: int, data: Any, context: Any = None) -> Any:
        """Hands inputs (0) or outputs (1) to Azure ML's collector. What goes wrong there costs no
        request.
        """
        if self._collectors is None:
            return None
        try:
            if which == 0:
                return self._collectors[0].collect(data)
            import pandas as pd

            return self._collectors[1].collect(pd.DataFrame(data), context)
        except Exception:
            _log.exception("Azure ML's data collector failed")
            return None


def reason_of(error: Exception) -> str:
    """What an error says, without the rows that MLflow shows before it."""
    words = str(error)
    return words.rpartition(_ERROR)[2] if _ERROR in words else words


def _run(input_data: Any, params: Any = None) -> Any:
    return predict(input_data, params)  # type: ignore[name-defined]  # noqa: F821 - see run()


def _is_typed(value: Any) -> bool:
    """Whether inference-schema has made an array, a frame or named arrays of it."""
    if isinstance(value, dict):
        return isinstance(next(iter(value.values()), None), np.ndarray)
    return hasattr(value, "dtype") or hasattr(value, "dtypes")


def _has_only_texts(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_has_only_texts, value.values()))
    if isinstance(value, list):
        return all(map(_has_only_texts, value))
    return isinstance(value, str)


def _frame(value: dict[str, Any]) -> Any:
    import pandas as pd

    try:
        return pd.read_json(io.StringIO(json.dumps(value)), orient="split", dtype=False)
    except (ValueError, TypeError, KeyError) as error:
        raise BadInput(f"The input is no table in pandas' form `split`: {error}") from None


def _plain(result: Any) -> Any:
    """Lists of an array, records of a frame or a Series; anything else as it is."""
    if isinstance(result, np.ndarray):
        return result.tolist()
    if hasattr(result, "to_frame") and hasattr(result, "dtype"):
        result = result.to_frame()
    if hasattr(result, "to_dict") and hasattr(result, "columns"):
        return result.to_dict(orient="records")
    return result
