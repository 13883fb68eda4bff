"""Keras: models of its own layers, on TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")

from scoreserve.worker.model.libraries.keras_models import LIBRARY  # noqa: E402
from tests.worker.model.libraries.meetings import (  # noqa: E402
    assert_meets,
    in_parts,
    numbers,
    refusal,
)

pytestmark = pytest.mark.filterwarnings("ignore")

layers = keras.layers
X = numbers(60).astype(np.float32)


def perceptron() -> Any:
    return keras.Sequential(
        [
            keras.Input((8,)), layers.Dense(16, activation="relu"), layers.Dropout(0.5),
            layers.BatchNormalization(), layers.Dense(3, activation="softmax"),
        ]
    )  # fmt: skip


def functional() -> Any:
    """Two inputs, two outputs."""
    left, right = keras.Input((8,), name="left"), keras.Input((8,), name="right")
    both = layers.Concatenate()([layers.Dense(4)(left), layers.Dense(4)(right)])
    return keras.Model([left, right], [layers.Dense(1)(both), layers.Dense(2)(both)])


@pytest.mark.parametrize("method", ["predict", "predict_on_batch", "__call__"])
def test_a_sequential_model(method: str) -> None:
    named: dict[str, Any] = {"verbose": 0} if method == "predict" else {}
    assert_meets(LIBRARY, perceptron(), method, in_parts(X), **named)
    if method != "predict_on_batch":
        assert_meets(LIBRARY, perceptron(), method, in_parts(tf.constant(X)), **named)
    if method == "__call__":
        assert_meets(LIBRARY, perceptron(), method, in_parts(X), training=False)


def test_several_inputs_and_outputs() -> None:
    model = functional()
    lists = [[part, part * 2] for part in in_parts(X)]
    assert_meets(LIBRARY, model, "predict", lists, verbose=0)
    named = [{"left": part, "right": part * 2} for part in in_parts(X)]
    assert_meets(LIBRARY, model, "predict", named, verbose=0)
    assert_meets(LIBRARY, model, "__call__", named)


def test_images_and_sequences() -> None:
    images = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.MaxPooling2D(), layers.Flatten()]
    )
    assert_meets(LIBRARY, images, "__call__", in_parts(np.ones((60, 8, 8, 3), np.float32)))
    words = keras.Sequential(
        [keras.Input((5,)), layers.Embedding(9, 4), layers.Bidirectional(layers.LSTM(3))]
    )
    assert_meets(LIBRARY, words, "__call__", in_parts(np.arange(300).reshape(60, 5) % 9))


Layer: Any = layers.Layer
Model: Any = keras.Model


class OwnLayer(Layer):  # type: ignore[misc]
    def call(self, rows: Any) -> Any:
        return rows - keras.ops.mean(rows, axis=0)


class OwnModel(Model):  # type: ignore[misc]
    def call(self, rows: Any) -> Any:
        return rows


def ending_with(*last: Any) -> Any:
    return keras.Sequential([keras.Input((8,)), layers.Dense(4), *last])


def with_operation() -> Any:
    rows = keras.Input((8,))
    return keras.Model(rows, rows - keras.ops.mean(rows, axis=0))


def dropping_out() -> Any:
    rows = keras.Input((8,))
    return keras.Model(rows, layers.Dropout(0.5)(rows, training=True))


def own_activation(rows: Any) -> Any:
    return rows - keras.ops.max(rows)


REFUSED: dict[str, tuple[Any, str]] = {
    "own layer": (lambda: ending_with(OwnLayer()), "script's own layer"),
    "nested": (lambda: ending_with(keras.Sequential([OwnLayer()])), "script's own layer"),
    "own model": (OwnModel, "script's own model"),
    "lambda": (lambda: ending_with(layers.Lambda(lambda rows: rows)), "Lambda"),
    "operation": (with_operation, "operation"),
    "dropout": (dropping_out, "training=True"),
    "axis": (lambda: ending_with(layers.Softmax(axis=0)), "first axis"),
    "activation": (lambda: ending_with(layers.Dense(2, activation=own_activation)), "activation"),
    "state": (
        lambda: keras.Sequential(
            [keras.Input((5, 2), batch_size=1), layers.LSTM(3, stateful=True)]
        ),
        "state",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_go_by_rows(name: str) -> None:
    make, reason = REFUSED[name]
    assert reason in refusal(LIBRARY, make(), "predict", X)


def test_calls_that_do_not() -> None:
    model = perceptron()
    assert "training" in refusal(LIBRARY, model, "__call__", X, training=True)
    assert "training" in refusal(LIBRARY, model, "__call__", X, True)
    assert refusal(LIBRARY, model, "predict", X, steps=2)
    assert refusal(LIBRARY, model, "predict", X, callbacks=[keras.callbacks.Callback()])
    assert "layer" in refusal(LIBRARY, model.layers[0], "__call__", X)
    with tf.GradientTape():
        assert "gradients" in refusal(LIBRARY, model, "__call__", X)


def test_the_methods_are_those_that_classes_define_themselves() -> None:
    methods = list(LIBRARY.methods())
    assert {method for _, method in methods} >= {"predict", "predict_on_batch", "__call__"}
    assert all(method in vars(cls) for cls, method in methods)
