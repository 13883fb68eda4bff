"""MLflow models without a script: answers and documents are those of Azure ML's own script."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mlflow")
pd = pytest.importorskip("pandas")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow warns of its own type hints
    import mlflow.pyfunc
    import mlflow.sklearn
    from mlflow.models import infer_signature

from sklearn.datasets import load_iris  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402

from scoreserve.errors import BootError  # noqa: E402
from scoreserve.worker.script import swagger  # noqa: E402
from tests.worker.nocode.conftest import Serve  # noqa: E402

pytestmark = pytest.mark.filterwarnings("default")  # MLflow's are its own

NAMES = ["a", "b", "c", "d"]
X, Y = load_iris(return_X_y=True)
FRAME = pd.DataFrame(X, columns=NAMES)
MODEL = LogisticRegression(max_iter=1000).fit(FRAME, Y)
TABLE = {"columns": NAMES, "index": [0, 1], "data": X[[0, 149]].tolist()}
ANSWER = [0, 2]
QUICK: dict[str, Any] = {"pip_requirements": []}  # else MLflow loads the model to find out


def save(path: Path, model: Any = MODEL, **options: Any) -> Path:
    mlflow.sklearn.save_model(model, str(path), **QUICK, **options)
    return path


def of_python(path: Path, predict: Any, **options: Any) -> Path:
    """A model that is a class of the author's."""

    class Own(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            return predict(model_input, params)

    mlflow.pyfunc.save_model(str(path), python_model=Own(), **QUICK, **options)
    return path


class TestTables:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        signature = infer_signature(FRAME, Y)
        return save(tmp_path / "iris", signature=signature, input_example=FRAME[:2])

    def test_are_answered_as_azure_does(self, serve: Serve, path: Path) -> None:
        served = serve(path)
        assert served.answer({"input_data": TABLE}) == ANSWER
        assert served.answer({"input_data": TABLE, "params": {}}) == ANSWER
        assert served.interface.name == "iris"

    @pytest.mark.parametrize(
        "value",
        [
            {"columns": NAMES[::-1], "data": [row[::-1] for row in TABLE["data"]]},
            TABLE["data"],
            [dict(zip(NAMES, row, strict=True)) for row in TABLE["data"]],
        ],
    )
    def test_may_have_other_forms(self, serve: Serve, path: Path, value: Any) -> None:
        assert serve(path).answer({"input_data": value}) == ANSWER

    def test_the_input_example_is_the_sample(self, serve: Serve, path: Path) -> None:
        served = serve(path)
        document = swagger.documents(served.run, served.settings, served.interface)["3"]
        schemas = document["components"]["schemas"]
        example = schemas["ServiceInput"]["example"]
        assert example["input_data"]["columns"] == NAMES
        assert served.answer(example) == [0, 0]
        assert schemas["ServiceOutput"]["format"] == "numpy.ndarray"

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({"input_data": {"columns": NAMES[:3], "data": [[1, 2, 3]]}}, "missing inputs ['d']"),
            ({"input_data": {"columns": NAMES, "data": [[1, 2, 3, "x"]]}}, "could not convert"),
            ({"input_data": [[1, 2]]}, "rows of 4 values: a, b, c, d"),
            ({"input_data": 1}, "should be a table"),
            ({"input_data": {}}, "should be a table"),
            ({"input_data": [{"a": 1}, {"b": 1}]}, "should be a table"),
            ({"data": [[1, 2, 3, 4]]}, "'input_data'"),
        ],
    )
    def test_what_does_not_fit_is_the_clients(
        self, serve: Serve, path: Path, body: Any, words: str
    ) -> None:
        assert words in serve(path).refusal(body)

    def test_other_bodies_than_json_are_not_taken(self, serve: Serve, path: Path) -> None:
        status, _ = serve(path).ask({"input_data": TABLE}, content_type="text/plain")
        assert status == 415


class TestSignatures:
    def test_columns_make_a_sample_that_is_answered(self, serve: Serve, tmp_path: Path) -> None:
        served = serve(save(tmp_path / "m", signature=infer_signature(FRAME, Y)))
        document = swagger.documents(served.run, served.settings, served.interface)["3"]
        example = document["components"]["schemas"]["ServiceInput"]["example"]
        assert example["input_data"] == {"columns": NAMES, "index": [0], "data": [[0.0] * 4]}
        assert len(served.answer(example)) == 1

    def test_columns_of_several_types_are_told_in_every_swagger(
        self, serve: Serve, tmp_path: Path
    ) -> None:
        """Version 2 has no rows with several types, but tables without rows."""
        frame = pd.DataFrame({"size": [1.5], "colour": ["red"], "sold": [True]})
        signature = infer_signature(frame, [1])
        path = of_python(tmp_path / "m", lambda model_input, params: [1], signature=signature)
        served = serve(path, allow_pickle=True)
        documents = swagger.documents(served.run, served.settings, served.interface)
        assert set(documents) == {"2", "3", "3.1"}
        example = documents["2"]["definitions"]["ServiceInput"]["example"]
        assert example["input_data"]["data"] == [[0.0, "", False]]
        assert served.answer(example) == [1]

    def test_tensors(self, serve: Serve, tmp_path: Path) -> None:
        model = LogisticRegression(max_iter=1000).fit(X, Y)
        served = serve(save(tmp_path / "m", model, signature=infer_signature(X, Y)))
        assert served.answer({"input_data": TABLE["data"]}) == ANSWER
        assert "cannot be converted" in served.refusal({"input_data": [["x"] * 4]})
        assert "shape" in served.refusal({"input_data": [[1, 2, 3]]})

    def test_none(self, serve: Serve, tmp_path: Path) -> None:
        """Then it is a table in the whole form of pandas' `split`, rows, or named tensors."""
        served = serve(save(tmp_path / "m"))
        for value in (TABLE, TABLE["data"], {"input_data": TABLE}):
            assert served.answer({"input_data": value}) == ANSWER
        assert "list of rows" in served.refusal({"input_data": None})


class TestResults:
    @pytest.mark.parametrize(
        ("result", "answer"),
        [
            (np.array([[1.5], [2.5]]), [[1.5], [2.5]]),
            (pd.DataFrame({"p": [1, 2]}), [{"p": 1}, {"p": 2}]),
            (pd.Series([1, 2], name="p"), [{"p": 1}, {"p": 2}]),
            (pd.Series([1, 2]), [{"0": 1}, {"0": 2}]),
            (["a", "b"], ["a", "b"]),
            ({"x": 1}, {"x": 1}),
        ],
    )
    def test_have_azures_forms(
        self, serve: Serve, tmp_path: Path, result: Any, answer: Any
    ) -> None:
        path = of_python(tmp_path / "m", lambda model_input, params: result)
        assert serve(path, allow_pickle=True).answer({"input_data": [[1]]}) == answer

    def test_params_are_handed_on(self, serve: Serve, tmp_path: Path) -> None:
        signature = infer_signature(FRAME, Y, params={"top": 3})
        path = of_python(tmp_path / "m", lambda model_input, params: params, signature=signature)
        served = serve(path, allow_pickle=True)
        assert served.answer({"input_data": TABLE, "params": {"top": 7}}) == {"top": 7}
        assert served.answer({"input_data": TABLE}) == {"top": 3}

    def test_an_error_of_the_authors_is_the_servers(self, serve: Serve, tmp_path: Path) -> None:
        path = of_python(tmp_path / "m", lambda model_input, params: model_input["no"])
        assert serve(path, allow_pickle=True).ask({"input_data": [[1]]})[0] == 500


class TestSafety:
    @pytest.mark.parametrize("serialization_format", ["pickle", "cloudpickle"])
    def test_pickles_are_loaded_where_that_is_allowed(
        self, serve: Serve, tmp_path: Path, serialization_format: str
    ) -> None:
        path = save(tmp_path / "m", serialization_format=serialization_format)
        with pytest.raises(BootError, match=r"holds a pickle \(model\.pkl\)"):
            serve(path)
        assert serve(path, allow_pickle=True).answer({"input_data": TABLE}) == ANSWER

    def test_models_of_python_are_code(self, serve: Serve, tmp_path: Path) -> None:
        path = of_python(tmp_path / "m", lambda model_input, params: 1)
        with pytest.raises(BootError, match=r"mlflow\.pyfunc\.model, which runs code"):
            serve(path)

    def test_code_that_is_brought_along_is_code(self, serve: Serve, tmp_path: Path) -> None:
        (tmp_path / "more.py").write_text("")
        path = save(tmp_path / "m", code_paths=[str(tmp_path / "more.py")])
        with pytest.raises(BootError, match="brings Python code along"):
            serve(path)

    def test_a_model_does_not_say_which_types_are_safe(self, serve: Serve, tmp_path: Path) -> None:
        """MLmodel's own list is the author's word."""
        path = save(tmp_path / "m", Own().fit(FRAME, Y), skops_trusted_types=[f"{__name__}.Own"])
        with pytest.raises(BootError, match=f"not known to be safe: {__name__}.Own"):
            serve(path)
        assert serve(path, trusted_types=f"{__name__}.Own").answer({"input_data": TABLE}) == ANSWER


class Own(LogisticRegression):  # type: ignore[misc]
    """A type of the user's."""


class TestCollectors:
    """Azure ML's collection of inputs and outputs."""

    @pytest.fixture
    def collected(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        collected: list[Any] = []

        class Collector:
            def __init__(self, name: str) -> None:
                self._name = name

            def collect(self, data: Any, context: Any = None) -> str:
                if context is None and self._name == "model_outputs":
                    raise ValueError("no context")
                collected.append((self._name, data.to_numpy().tolist(), context))
                return "a context"

        names = ["azureml", "azureml.ai", "azureml.ai.monitoring"]
        for name in names:
            monkeypatch.setitem(sys.modules, name, ModuleType(name))
        sys.modules[names[-1]].Collector = Collector  # type: ignore[attr-defined]
        monkeypatch.setenv("ENABLE_MDC", "true")
        return collected

    def test_get_both(self, serve: Serve, tmp_path: Path, collected: list[Any]) -> None:
        served = serve(save(tmp_path / "m", signature=infer_signature(FRAME, Y)))
        collected.clear()  # what the warm-up made
        served.answer({"input_data": TABLE})
        assert collected == [
            ("model_inputs", TABLE["data"], None),
            ("model_outputs", [[0], [2]], "a context"),
        ]

    def test_that_fail_cost_no_request(
        self, serve: Serve, tmp_path: Path, collected: list[Any], server_log: Any
    ) -> None:
        served = serve(save(tmp_path / "m"))  # rows become an array, which this one cannot take
        assert served.answer({"input_data": TABLE["data"]}) == ANSWER
        assert "data collector failed" in server_log.text

    def test_that_are_missing_are_told(
        self, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ENABLE_MDC", "true")
        with pytest.raises(BootError, match="pip install azureml-ai-monitoring"):
            serve(save(tmp_path / "m"))
