"""ONNX models without a script: those that ship with onnx and onnxruntime, and some of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from scoreserve.errors import BootError  # noqa: E402
from scoreserve.worker.script.model_interface import Tensors  # noqa: E402
from tests.worker.nocode.conftest import Serve  # noqa: E402

DATASETS = Path(onnxruntime.__file__).parent / "datasets"
BACKEND_TESTS = Path(onnx.__file__).parent / "backend" / "test" / "data"
# Of operators that onnxruntime does not have (any more), or of locales that this system lacks.


def release(package: Any) -> tuple[int, ...]:
    return tuple(map(int, package.__version__.split(".")[:2]))


since_1_24 = pytest.mark.skipif(
    release(onnxruntime) < (1, 24),
    reason="onnxruntime does so since 1.24, which is not there for Python 3.10",
)
NOT_FOR_ONNXRUNTIME = ("NOT_IMPLEMENTED", "is not a registered function/op", "locale")


def write(
    path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any], *constants: Any
) -> Path:
    """A model of these nodes."""
    graph = helper.make_graph(nodes, "g", inputs, outputs, initializer=list(constants))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    return path


def value(name: str, kind: Any, *shape: Any) -> Any:
    return helper.make_tensor_value_info(name, kind, list(shape))


def identity(path: Path, kind: Any, *shape: Any) -> Path:
    """A model whose output is its input."""
    nodes = [helper.make_node("Identity", ["x"], ["y"])]
    return write(path, nodes, [value("x", kind, *shape)], [value("y", kind, *shape)])


def columns(path: Path) -> Path:
    """Two columns of numbers, as skl2onnx has those of a frame: their sum."""
    nodes = [helper.make_node("Add", ["a", "b"], ["sum"])]
    ends = [value(name, TensorProto.FLOAT, None, 1) for name in ("a", "b", "sum")]
    return write(path, nodes, ends[:2], ends[2:])


class TestOnnxruntimesOwn:
    def test_rows_of_a_fixed_number_are_cut_into_blocks(self, serve: Serve) -> None:
        """The classifier takes three rows of two; its result does not depend on the others."""
        served = serve(DATASETS / "logreg_iris.onnx")
        rows = [[float(number), number / 2] for number in range(7)]
        answers = [served.answer({"data": rows[:count]}) for count in range(1, 8)]
        assert [len(answer["label"]) for answer in answers] == [1, 2, 3, 4, 5, 6, 7]
        for answer in answers:
            for name, found in answer.items():
                assert found == answers[-1][name][: len(found)]
        assert list(answers[0]["probabilities"][0]) == ["0", "1", "2"]
        assert served.interface.inputs[0].shape == (3, 2)

    def test_other_shapes_are_refused(self, serve: Serve) -> None:
        served = serve(DATASETS / "logreg_iris.onnx")
        assert "[3, 2]" in served.refusal({"data": [[1, 2, 3]]})
        assert "float_input" in served.refusal({"inputs": {"x": [[1, 2]]}})

    def test_one_output_is_a_list(self, serve: Serve) -> None:
        served = serve(DATASETS / "mul_1.onnx")
        assert served.answer({"data": [[1, 2], [3, 4], [5, 6]]}) == [[1, 4], [9, 16], [25, 36]]
        assert served.answer([[1, 2], [3, 4], [5, 6]]) == [[1, 4], [9, 16], [25, 36]]


def backend_models() -> list[Any]:
    """Older packages have hundreds for operators and kinds of numbers that were still to come, and
    older runtimes look for a locale only when they are asked.
    """
    if release(onnx) < (1, 23) or release(onnxruntime) < (1, 24):
        return []
    paths = sorted(BACKEND_TESTS.glob("*/*/model.onnx"))
    return [pytest.param(path, id=path.parent.name) for path in paths]


@pytest.mark.parametrize("path", backend_models())
def test_models_of_the_onnx_package_answer_as_they_should(serve: Serve, path: Path) -> None:
    """Each comes with inputs and outputs; they go through JSON here. Of the 140, 40 are refused,
    with onnxruntime's reason.
    """
    try:
        served = serve(path)
    except BootError as error:
        if any(words in str(error) for words in NOT_FOR_ONNXRUNTIME):
            return
        raise
    for data in path.parent.glob("test_data_set_*"):
        inputs = {
            spec.name: tensor_of(data / f"input_{number}.pb")
            for number, spec in enumerate(served.interface.inputs)
        }
        expected = [
            tensor_of(data / f"output_{number}.pb")
            for number in range(len(list(data.glob("output_*.pb"))))
        ]
        answer = served.answer({"inputs": {name: array.tolist() for name, array in inputs.items()}})
        names = [spec.name for spec in served.interface.outputs]
        found = [answer] if len(names) == 1 else [answer[name] for name in names]
        for actual, wanted in zip(found, expected, strict=True):
            if wanted.dtype.kind == "O":
                assert np.array(actual, dtype=object).tolist() == wanted.astype(str).tolist()
            else:
                np.testing.assert_allclose(actual, wanted, rtol=1e-3, atol=1e-5)


def tensor_of(path: Path) -> Any:
    proto = TensorProto()
    proto.ParseFromString(path.read_bytes())
    return numpy_helper.to_array(proto)


class TestTypes:
    @pytest.mark.parametrize(
        ("kind", "rows"),
        [
            ("FLOAT", [[1.5, -2.0]]),
            ("DOUBLE", [[0.1, 1e300]]),
            ("FLOAT16", [[0.5, 2.0]]),
            ("INT8", [[-128, 127]]),
            ("UINT8", [[0, 255]]),
            ("INT64", [[-(2**63), 2**63 - 1]]),
            ("UINT64", [[2**63, 2**64 - 1]]),
            ("BOOL", [[True, False]]),
            ("STRING", [["ä", ""]]),
        ],
    )
    def test_values_come_back_as_they_went(
        self, serve: Serve, tmp_path: Path, kind: str, rows: Any
    ) -> None:
        path = identity(tmp_path / "m.onnx", getattr(TensorProto, kind), None, 2)
        served = serve(path)
        assert served.answer({"data": rows}) == rows
        assert served.answer({"inputs": {"x": rows * 3}}) == rows * 3

    def test_integers_are_floats_and_the_other_way_if_they_are_whole(
        self, serve: Serve, tmp_path: Path
    ) -> None:
        floats = serve(identity(tmp_path / "f.onnx", TensorProto.FLOAT, None))
        assert floats.answer({"data": [1, 2]}) == [1.0, 2.0]
        integers = serve(identity(tmp_path / "i.onnx", TensorProto.INT64, None))
        assert integers.answer({"data": [1.0, 2]}) == [1, 2]
        assert "1.5" in integers.refusal({"data": [1.5]})

    def test_tensors_go_in_and_come_out_as_they_are(self, serve: Serve, tmp_path: Path) -> None:
        served = serve(identity(tmp_path / "m.onnx", TensorProto.FLOAT16, None, 2))
        array = np.ones((3, 2), dtype="float16")
        found = served.run(Tensors(x=array))
        assert list(found) == ["y"]
        assert found["y"].dtype == "float16"

    def test_a_sequence_is_no_input(self, serve: Serve, tmp_path: Path) -> None:
        kind = helper.make_sequence_type_proto(helper.make_tensor_type_proto(1, None))
        sequence = helper.make_value_info("x", kind)
        nodes = [helper.make_node("SequenceLength", ["x"], ["y"])]
        path = write(tmp_path / "m.onnx", nodes, [sequence], [value("y", TensorProto.INT64)])
        with pytest.raises(BootError, match=r"input x of type seq\(tensor\(float\)\)"):
            serve(path)


class TestColumns:
    @pytest.mark.parametrize(
        "body",
        [
            {"inputs": {"a": [[1], [2]], "b": [[10], [20]]}},
            {"input_data": {"columns": ["b", "a"], "data": [[10, 1], [20, 2]]}},
            {"input_data": {"columns": ["b", "other", "a"], "data": [[10, "x", 1], [20, "y", 2]]}},
            {"input_data": [{"a": 1, "b": 10}, {"a": 2, "b": 20}]},
            {"data": [[1, 10], [2, 20]]},
        ],
    )
    def test_each_is_an_input(self, serve: Serve, tmp_path: Path, body: Any) -> None:
        served = serve(columns(tmp_path / "m.onnx"))
        assert served.answer(body) == [[11.0], [22.0]]

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({"input_data": [{"a": 1}]}, "no column b"),
            ({"inputs": {"a": [[1]]}}, "inputs a, b"),
            ({"inputs": {"a": [[1]], "b": [[1], [2]]}}, "different numbers of rows"),
            ({"data": [[1, 2, 3]]}, "2 values: a, b"),
            ({"data": [1, 2]}, "2 values: a, b"),
            ({"data": [[1, 2]], "method": "predict"}, "no methods"),
        ],
    )
    def test_what_does_not_fit_them_is_told(
        self, serve: Serve, tmp_path: Path, body: Any, words: str
    ) -> None:
        served = serve(columns(tmp_path / "m.onnx"))
        assert words in served.refusal(body)

    def test_inputs_that_are_none_are_named(self, serve: Serve, tmp_path: Path) -> None:
        nodes = [helper.make_node("MatMul", ["a", "b"], ["c"])]
        ends = [value(name, TensorProto.FLOAT, 2, 2) for name in "abc"]
        served = serve(write(tmp_path / "m.onnx", nodes, ends[:2], ends[2:]))
        assert '{"inputs": {"a": ..., "b": ...}}' in served.refusal({"data": [[1, 2]]})


class TestStart:
    def test_the_sample_is_one_that_is_answered(self, serve: Serve, tmp_path: Path) -> None:
        for path in (columns(tmp_path / "m.onnx"), DATASETS / "logreg_iris.onnx"):
            served = serve(path)
            schema = served.interface.input_schema
            assert schema is not None
            assert served.interface.output_schema is not None
            answer = served.answer(schema["example"])
            assert answer == served.interface.output_schema["example"]

    def test_a_file_that_is_no_model_is_told_in_onnxruntimes_words(
        self, serve: Serve, tmp_path: Path
    ) -> None:
        path = tmp_path / "broken.onnx"
        path.write_bytes(b"\x08\x09nonsense")
        with pytest.raises(BootError, match=r"cannot be loaded: .*ONNXRuntimeError"):
            serve(path)

    @since_1_24
    def test_weights_do_not_come_from_outside_the_models_directory(
        self, serve: Serve, tmp_path: Path
    ) -> None:
        """A model that is downloaded could read any file of the server's."""
        (tmp_path / "secret").write_bytes(np.ones(2, dtype="float32").tobytes())
        weights = numpy_helper.from_array(np.ones(2, dtype="float32"), "w")
        weights.ClearField("raw_data")
        weights.data_location = TensorProto.EXTERNAL
        entry = weights.external_data.add()
        entry.key, entry.value = "location", "../secret"
        nodes = [helper.make_node("Add", ["x", "w"], ["y"])]
        ends = [value(name, TensorProto.FLOAT, None, 2) for name in "xy"]
        graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], initializer=[weights])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        folder = tmp_path / "model"
        folder.mkdir()
        (folder / "m.onnx").write_bytes(model.SerializeToString())
        with pytest.raises(BootError, match="cannot be loaded"):
            serve(folder)

    def test_a_provider_that_is_not_there_is_told(self, serve: Serve) -> None:
        with pytest.raises(BootError, match=r"no NoSuchProvider; it has .*CPUExecutionProvider"):
            serve(DATASETS / "mul_1.onnx", onnx_providers="NoSuchProvider")
        served = serve(DATASETS / "mul_1.onnx", onnx_providers="CPUExecutionProvider")
        assert served.answer([[1, 1], [1, 1], [1, 1]])

    @since_1_24
    def test_what_a_graph_cannot_calculate_is_the_clients(
        self, serve: Serve, tmp_path: Path
    ) -> None:
        """Shapes that only the nodes know of."""
        nodes = [helper.make_node("Reshape", ["x", "s"], ["y"])]
        shape = numpy_helper.from_array(np.array([2, 2]), "s")
        ends = [value("x", TensorProto.FLOAT, None), value("y", TensorProto.FLOAT, 2, 2)]
        served = serve(write(tmp_path / "m.onnx", nodes, ends[:1], ends[1:], shape))
        assert served.answer({"data": [1, 2, 3, 4]}) == [[1, 2], [3, 4]]
        assert "cannot take this input" in served.refusal({"data": [1, 2, 3]})
