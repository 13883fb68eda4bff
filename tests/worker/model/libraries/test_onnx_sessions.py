"""onnxruntime: sessions of models whose batch is free, and others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from scoreserve.worker.model.libraries.onnx_sessions import LIBRARY  # noqa: E402
from tests.worker.model.libraries.meetings import (  # noqa: E402
    COUNTS,
    assert_meets,
    in_parts,
    numbers,
    refusal,
)

WEIGHTS = numbers(8, 3, seed=1).astype(np.float32)
X = numbers(100).astype(np.float32)


def session(nodes: list[Any], inputs: list[Any], outputs: list[Any], *constants: Any) -> Any:
    graph = helper.make_graph(nodes, "g", inputs, outputs, initializer=list(constants))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def tensor(name: str, *shape: Any, of: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, of, list(shape))


def linear(first: Any, last: Any = "N") -> Any:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["scores"]),
        helper.make_node("ArgMax", ["scores"], ["label"], axis=1, keepdims=0),
    ]
    outputs = [tensor("scores", last, 3), tensor("label", last, of=TensorProto.INT64)]
    return session(nodes, [tensor("x", first, 8)], outputs, numpy_helper.from_array(WEIGHTS, "w"))


def feeds(rows: Any = X, name: str = "x") -> list[Any]:
    return [{name: part} for part in in_parts(rows)]


@pytest.mark.parametrize("names", [None, ["label"], ["scores", "label"]])
@pytest.mark.parametrize("free", ["N", None])
def test_a_session(names: list[str] | None, free: Any) -> None:
    model = linear(free, free)
    assert_session_meets(model, names, feeds())


def assert_session_meets(model: Any, names: list[str] | None, inputs: list[Any]) -> None:
    class Asked:
        def __getattr__(self, attribute: str) -> Any:
            of_library = getattr(LIBRARY, attribute)
            if attribute in ("exact", "refusal_of_model"):
                return of_library
            return lambda model, method, args, kwargs: of_library(
                model, method, (names, *args), kwargs
            )

    library: Any = Asked()
    assert_meets(library, model, "run", inputs)


def test_several_inputs() -> None:
    node = helper.make_node("Add", ["x", "y"], ["z"])
    inputs = [tensor("x", "N", 8), tensor("y", "N", 8)]
    model = session([node], inputs, [tensor("z", "N", 8)])
    both = [{"x": part, "y": part * 2} for part in in_parts(X)]
    assert_session_meets(model, None, both)


def test_a_classifier_with_a_map_a_row() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["scores"]),
        helper.make_node(
            "ZipMap", ["scores"], ["maps"], domain="ai.onnx.ml", classlabels_strings=["a", "b", "c"]
        ),
    ]
    of_maps = helper.make_sequence_type_proto(
        helper.make_map_type_proto(
            TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, [])
        )
    )
    outputs = [tensor("scores", None, 3), helper.make_value_info("maps", of_maps)]
    weights = numpy_helper.from_array(WEIGHTS, "w")
    model = session(nodes, [tensor("x", None, 8)], outputs, weights)
    assert_session_meets(model, None, feeds())
    assert_session_meets(model, ["maps"], feeds())


def test_texts() -> None:
    node = helper.make_node(
        "LabelEncoder", ["x"], ["y"], domain="ai.onnx.ml",
        keys_strings=["a", "b"], values_int64s=[1, 2], default_int64=0,
    )  # fmt: skip
    inputs = [tensor("x", "N", 1, of=TensorProto.STRING)]
    model = session([node], inputs, [tensor("y", "N", 1, of=TensorProto.INT64)])
    words = np.array([["abc"[i % 3]] for i in range(sum(COUNTS))], dtype=object)
    assert_session_meets(model, None, feeds(words))


def test_what_does_not_go_by_rows() -> None:
    feed = {"x": X[:1]}
    assert "not free" in refusal(LIBRARY, linear(1, 1), "run", None, feed)
    assert "several names" in refusal(LIBRARY, linear("N", "found"), "run", None, feed)
    model = linear("N")
    options = onnxruntime.RunOptions()
    assert "run_options" in refusal(LIBRARY, model, "run", None, feed, options)
    assert "run_options" in refusal(LIBRARY, model, "run", None, feed, run_options=options)
    assert refusal(LIBRARY, model, "run", None, None)
    assert not refusal(LIBRARY, model, "run", output_names=None, input_feed=feed)


def test_the_method_is_that_of_the_class_that_defines_it() -> None:
    methods = list(LIBRARY.methods())
    assert methods
    assert all(method == "run" and "run" in vars(cls) for cls, method in methods)
    assert all(isinstance(linear("N"), cls) for cls, _ in methods)
