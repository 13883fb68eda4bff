"""Keras: predict, predict_on_batch and calls of models made of Keras's own layers.

The reference (https://keras.io/api/models/model_training_apis/#predict-method) says of predict
"Generates output predictions for the input samples" and "Computation is done in batches": which
rows are in a batch is of no matter to it. A layer of Keras's documents its shapes as (batch_size,
...). What does not go by rows:

    training=True, in the call or in the model: dropout, statistics of the batch
    a model whose call, train_step or layers are the script's own, and Lambda layers
    operations between layers (keras.ops.mean(x, axis=0) is one), layers over the first axis
    layers that keep a state from batch to batch: stateful=True
    steps, callbacks, generators and data sets
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

import keras

from scoreserve.worker.model.libraries.library import (
    RowsCall,
    class_name,
    first_argument,
    methods_of,
    root_of,
    without_rows,
)

_METHODS = ("predict", "predict_on_batch", "__call__")
_ROOTS = frozenset({"keras", "tf_keras"})
_INPUTS = ("x", "inputs")
_MODELS = frozenset({"Sequential", "Functional"})
_REFUSED_LAYERS = frozenset({"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"})
_ACTIVATIONS = frozenset({"keras", "tf_keras", "tensorflow"})


class Keras:
    name = "Keras"

    def methods(self) -> Iterable[tuple[type, str]]:
        return methods_of([keras.Sequential, keras.Model], _METHODS, _ROOTS)

    def refusal_of_model(self, model: Any, method: str) -> str:
        return refusal_of_model(model, method)

    def refusal_of_call(
        self, model: Any, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> str:
        reason = without_rows(args, kwargs, _INPUTS)
        if reason:
            return reason
        if kwargs.get("training") or (method == "__call__" and any(args[1:])):
            return "training=True"
        if any(value is not None for value in (*args[3:], kwargs.get("steps"))):
            return "steps are of one call"
        if _is_recording():
            return "gradients are recorded"
        return ""

    def rows_argument(
        self, model: Any, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> RowsCall:
        call = first_argument(args, kwargs, _INPUTS)
        if type(call.rows) not in (list, tuple):
            return call
        # Several inputs, not several rows.
        kind = type(call.rows)
        named = dict(enumerate(call.rows))
        return RowsCall(
            named,
            (kind, call.rest),
            lambda rows: call.arguments(kind(rows[place] for place in named)),
        )

    def exact(self, model: Any, method: str) -> bool:
        return False


LIBRARY = Keras()


def refusal_of_model(model: Any, method: str) -> str:
    if not isinstance(model, keras.Model):
        return "it is a layer, not a model"
    if root_of(type(model)) not in _ROOTS:
        return f"{class_name(model)} is the script's own model, and its call may look at all rows"
    if class_name(model) not in _MODELS:
        return f"{class_name(model)} is not known to go by rows"
    for operation in getattr(model, "operations", None) or model.layers:
        reason = _refusal_of_operation(operation)
        if reason:
            return reason
    return ""


def _refusal_of_operation(operation: Any) -> str:
    name = class_name(operation)
    if not isinstance(operation, keras.layers.Layer):
        return f"{name} is an operation between layers, and may be over the rows"
    if isinstance(operation, keras.Model):
        return refusal_of_model(operation, "")
    for layer in operation._flatten_layers():  # noqa: SLF001 -- of a wrapper, those within
        reason = _refusal_of_layer(layer)
        if reason:
            return reason
    for node in getattr(operation, "_inbound_nodes", ()):
        given = getattr(getattr(node, "arguments", None), "kwargs", None)
        given = getattr(node, "call_kwargs", {}) if given is None else given
        if given.get("training"):
            return f"{name} is called with training=True"
    return ""


def _refusal_of_layer(layer: Any) -> str:
    name = class_name(layer)
    axis = getattr(layer, "axis", getattr(layer, "axes", None))
    reason = ""
    if root_of(type(layer)) not in _ROOTS:
        reason = f"{name} is the script's own layer, and its call may look at all rows"
    elif name in _REFUSED_LAYERS:
        reason = f"{name} runs code that is not Keras's own"
    elif getattr(layer, "stateful", False):
        reason = f"{name} keeps a state from batch to batch"
    elif getattr(layer, "output_mode", "int") not in ("int", "one_hot"):
        reason = f"{name} may take all rows for one"
    elif 0 in (list(axis) if isinstance(axis, (list, tuple)) else [axis]):
        reason = f"{name} is over the first axis"
    return reason or _refusal_of_activation(layer, name)


def _refusal_of_activation(layer: Any, name: str) -> str:
    for attribute in ("activation", "recurrent_activation"):
        function = getattr(layer, attribute, None)
        package = (getattr(function, "__module__", None) or "").partition(".")[0]
        if function is not None and package not in _ACTIVATIONS:
            return f"{name} has an activation of the script's own"
    return ""


def _is_recording() -> bool:
    record = sys.modules.get("tensorflow.python.eager.record")
    return record is not None and bool(record.could_possibly_record())
