"""scikit-learn models without a script: skops files, and pickles where they are allowed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from scoreserve.errors import BootError
from scoreserve.worker.nocode import scikit_learn
from scoreserve.worker.script.model_interface import Tensors
from tests.worker.nocode.conftest import Serve, Served

skops_io = pytest.importorskip("skops.io")

X, Y = load_iris(return_X_y=True)
FRAME = pd.DataFrame({"size": [1.0, 2.0, 3.0, 4.0], "colour": ["red", "blue", "red", "blue"]})


@pytest.fixture
def of_skops(serve: Serve, tmp_path: Path) -> Any:
    """Serves an estimator, saved by skops."""

    def of_skops(estimator: Any, **settings: Any) -> Served:
        path = tmp_path / "model.skops"
        skops_io.dump(estimator, path)
        return serve(path, **settings)

    return of_skops


def classifier() -> Any:
    return LogisticRegression(max_iter=1000).fit(X, Y)


def of_frames() -> Any:
    """A pipeline that needs its columns by their names."""
    columns = ColumnTransformer(
        [("n", StandardScaler(), ["size"]), ("c", OneHotEncoder(), ["colour"])]
    )
    return make_pipeline(columns, LogisticRegression()).fit(FRAME, [0, 1, 0, 1])


class TestAnswers:
    def test_azures_form_names_the_method(self, of_skops: Any) -> None:
        model = classifier()
        served = of_skops(model)
        rows = X[:3].tolist()
        expected = model.predict_proba(X[:3]).tolist()
        assert served.answer({"data": rows}) == {"predict_proba": expected}
        assert served.answer({"data": rows, "method": "predict"}) == {"predict": [0, 0, 0]}

    def test_a_model_without_probabilities_predicts(self, of_skops: Any) -> None:
        model = LinearRegression().fit(X, Y[:, None])
        served = of_skops(model)
        expected = model.predict(X[:2]).tolist()
        assert served.answer({"data": X[:2].tolist()}) == {"predict": expected}
        assert np.shape(expected) == (2, 1)

    @pytest.mark.parametrize("form", ["input_data", "inputs", ""])
    def test_other_forms_are_answered_with_a_list(self, of_skops: Any, form: str) -> None:
        served = of_skops(classifier())
        rows = X[:3].tolist()
        assert served.answer({form: rows} if form else rows) == [0, 0, 0]

    def test_a_setting_chooses_the_method(self, of_skops: Any) -> None:
        served = of_skops(classifier(), method="predict")
        assert served.answer({"data": X[:1].tolist()}) == {"predict": [0]}
        with pytest.raises(BootError, match="has no transform; it has predict, predict_proba"):
            of_skops(classifier(), method="transform")

    def test_transformers_transform(self, of_skops: Any) -> None:
        served = of_skops(OneHotEncoder().fit([["a"], ["b"]]))
        assert served.answer({"data": [["b"]]}) == {"transform": [[0.0, 1.0]]}

    def test_texts_are_one_column(self, of_skops: Any) -> None:
        model = make_pipeline(TfidfVectorizer(), LogisticRegression())
        served = of_skops(model.fit(["good", "bad"], ["yes", "no"]))
        assert served.answer(["good", "bad", "good"]) == ["yes", "no", "yes"]

    def test_tensors_are_answered_with_tensors(self, of_skops: Any) -> None:
        served = of_skops(classifier())
        found = served.run(Tensors(data=X[:3]))
        assert found["predict"].tolist() == [0, 0, 0]
        assert served.interface.inputs[0].shape == (-1, 4)
        assert [(spec.name, spec.shape) for spec in served.interface.outputs] == [
            ("predict_proba", (-1, 3))
        ]


class TestFrames:
    @pytest.mark.parametrize(
        "body",
        [
            {"input_data": {"columns": ["colour", "size"], "data": [["red", 1], ["blue", 4]]}},
            {
                "input_data": [
                    {"colour": "red", "size": 1, "x": 0},
                    {"colour": "blue", "size": 4, "x": 0},
                ]
            },
            {"inputs": {"colour": ["red", "blue"], "size": [1, 4]}},
            {"inputs": {"colour": [["red"], ["blue"]], "size": [[1], [4]]}},
            {"input_data": [[1, "red"], [4, "blue"]]},
        ],
    )
    def test_columns_go_by_their_names(self, of_skops: Any, body: Any) -> None:
        assert of_skops(of_frames()).answer(body) == [0, 1]

    def test_the_sample_has_a_category_that_the_model_knows(self, of_skops: Any) -> None:
        served = of_skops(of_frames())
        example = served.interface.input_schema["example"]
        assert example["input_data"]["columns"] == ["size", "colour"]
        assert served.answer(example) == served.interface.output_schema["example"]
        assert [spec.dtype for spec in served.interface.inputs] == ["float64", "str"]

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({"input_data": [{"size": 1}]}, "no column colour"),
            ({"input_data": [[1, "green"]]}, "unknown categories"),
            ({"input_data": [[1, "red", 2]]}, "2 values"),
            ({"inputs": {"colour": ["red"], "size": [1, 4]}}, "different lengths"),
        ],
    )
    def test_what_does_not_fit_is_told(self, of_skops: Any, body: Any, words: str) -> None:
        assert words in of_skops(of_frames()).refusal(body)

    def test_without_pandas_the_order_counts(
        self, of_skops: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
        model = LogisticRegression(max_iter=1000).fit(frame, Y)
        monkeypatch.setattr(scikit_learn, "_has_pandas", lambda: False)
        served = of_skops(model)
        with pytest.warns(UserWarning, match="does not have valid feature names"):
            assert served.answer({"input_data": X[:2].tolist()}) == [0, 0]


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({"data": [[1, 2, 3]]}, "should have 4 values, and has 3"),
            ({"data": [1, 2, 3, 4]}, '{"data": [[0, 0, 0, ...]]}'),
            ({"data": [[1, 2, 3, 4], [1]]}, "different lengths"),
            ({"data": [[1, 2, 3, "x"]]}, "could not convert string"),
            ({"data": [[1, 2, 3, 4]], "method": "fit"}, "'fit'"),
            ({"data": [[1, 2, 3, 4]], "method": "__init__"}, "no method"),
        ],
    )
    def test_are_told(self, of_skops: Any, body: Any, words: str) -> None:
        assert words in of_skops(classifier()).refusal(body)

    def test_missing_values_are_the_models_business(self, of_skops: Any) -> None:
        row = [[None, 2, 3, 4]]
        assert "NaN" in of_skops(classifier()).refusal({"data": row})
        trees = RandomForestClassifier(5, random_state=0).fit(X, Y)
        trusted = of_skops(trees, trusted_types="sklearn.tree._tree.Tree")
        assert trusted.answer({"data": row})


class Own(LinearRegression):  # type: ignore[misc]
    """A type of the user's."""


class TestTrust:
    def test_types_of_others_are_loaded_by_name_only(self, of_skops: Any) -> None:
        model = Own().fit(X, Y)
        name = f"{__name__}.Own"
        with pytest.raises(BootError, match=f"SCORESERVE_TRUSTED_TYPES={name}"):
            of_skops(model)
        served = of_skops(model, trusted_types=f" {name} ,other.Type")
        assert len(served.answer({"data": X[:2].tolist()})["predict"]) == 2

    def test_a_pickle_is_not_even_opened(self, serve: Serve, tmp_path: Path) -> None:
        (tmp_path / "model.pkl").write_bytes(b"c__builtin__\neval\n(S'1/0'\ntR.")
        with pytest.raises(BootError, match="SCORESERVE_ALLOW_PICKLE") as caught:
            serve(tmp_path)
        assert "skops" in str(caught.value)
        with pytest.raises(BootError, match="division by zero"):
            serve(tmp_path, allow_pickle=True)

    def test_a_pickle_is_served_where_that_is_allowed(self, serve: Serve, tmp_path: Path) -> None:
        joblib.dump(classifier(), tmp_path / "model.joblib")
        served = serve(tmp_path, allow_pickle=True)
        assert served.answer(X[:2].tolist()) == [0, 0]

    def test_a_pickle_of_something_else_needs_a_script(self, serve: Serve, tmp_path: Path) -> None:
        joblib.dump({"model": 1}, tmp_path / "model.pkl")
        with pytest.raises(BootError, match=r"holds a dict.* needs an entry script"):
            serve(tmp_path, allow_pickle=True)

    def test_another_version_of_the_library_is_told(self, serve: Serve, tmp_path: Path) -> None:
        model = classifier()
        state = {**model.__getstate__(), "_sklearn_version": "1.0.0"}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(model), "__getstate__", lambda self: state)
            joblib.dump(model, tmp_path / "model.joblib")
        served = serve(tmp_path, allow_pickle=True)
        assert any("1.0.0" in told for told in served.interface.warnings)

    def test_a_file_that_is_broken_is_told(self, serve: Serve, tmp_path: Path) -> None:
        (tmp_path / "model.skops").write_bytes(b"PK\x03\x04nonsense")
        with pytest.raises(BootError, match=r"cannot be loaded: .*/model\.skops"):
            serve(tmp_path)


def test_a_library_that_is_missing_is_named(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skops_io.dump(classifier(), tmp_path / "model.skops")
    monkeypatch.delitem(sys.modules, "skops.io")
    monkeypatch.setitem(sys.modules, "skops", None)
    with pytest.raises(BootError, match=r"needs the package skops.* pip install skops"):
        serve(tmp_path)


def test_results_are_json(of_skops: Any) -> None:
    """Whatever a library's scalars are."""
    served = of_skops(classifier())
    assert json.dumps(served.answer({"data": X[:2].tolist()}))
