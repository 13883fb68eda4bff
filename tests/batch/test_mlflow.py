"""MLflow models without a script: what Azure's docs say of them in batch deployments."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from tests.batch.conftest import RunBatch

pytest.importorskip("mlflow")
image = pytest.importorskip("PIL.Image")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow warns of its own type hints
    import mlflow.pyfunc
    import mlflow.sklearn
    from mlflow.models import infer_signature
    from mlflow.models.signature import ModelSignature
    from mlflow.types.schema import Schema, TensorSpec

pytestmark = [pytest.mark.batch, pytest.mark.filterwarnings("ignore")]  # MLflow's are its own

QUICK: dict[str, Any] = {"pip_requirements": []}  # else MLflow loads the model to find out
PATIENTS = pd.DataFrame(
    {"age": [41, 63, 37, 70], "thal": ["007", "normal", "007", "normal"], "peak": [0.5, 1, 2, 3]}
)
SICK = [0, 1, 0, 1]


@pytest.fixture
def patients(tmp_path: Path) -> Path:
    """A model of a table with numbers and text, in a folder as Azure mounts one."""
    texts = make_column_transformer((OneHotEncoder(), ["thal"]), remainder="drop")
    model = make_pipeline(texts, LogisticRegression()).fit(PATIENTS, SICK)
    signature = infer_signature(PATIENTS, np.array(SICK))
    folder = tmp_path / "models"
    how = {"signature": signature, "serialization_format": "skops", **QUICK}
    mlflow.sklearn.save_model(model, str(folder / "model"), **how)
    return folder


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """Of the patients: a CSV file, in which a column of numbers has whole ones, and parquet."""
    folder = tmp_path / "tables"
    folder.mkdir()
    PATIENTS.assign(peak=1, more="!").to_csv(folder / "a.csv", index=False)
    PATIENTS[::-1].to_parquet(folder / "b.parquet", index=False)
    return folder


def of_python(path: Path, predict: Any, *tensors: TensorSpec) -> Path:
    """A model that is a function of the author's."""

    class Own(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            return predict(model_input)

    signature = ModelSignature(Schema(list(tensors))) if tensors else None
    mlflow.pyfunc.save_model(str(path), python_model=Own(), signature=signature, **QUICK)
    return path


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two grey pictures, 2 high and 3 wide, of which one is black and one is white."""
    folder = tmp_path / "images"
    folder.mkdir()
    for name, shade in (("black.png", 0), ("white.BMP", 255)):
        image.fromarray(np.full((2, 3), shade, dtype=np.uint8)).save(folder / name)
    return folder


def test_tables_have_a_line_for_each_row(run_batch: RunBatch, patients: Path, tables: Path) -> None:
    """Which pandas reads with names=["row", "prediction", "file"]; 007 is a text, as in training,
    and whole numbers are made what the model wants.
    """
    done = run_batch("--model-dir", str(patients), over=tables)
    assert done.code == 0, done.shown
    found = pd.read_csv(done.output / "predictions.csv", names=["row", "prediction", "file"])
    assert found["row"].tolist() == [0, 1, 2, 3] * 2
    assert found["prediction"].tolist() == SICK + SICK[::-1]
    assert found["file"].tolist() == ["a.csv"] * 4 + ["b.parquet"] * 4
    assert done.summary["succeeded_items"] == 2  # files


@pytest.mark.parametrize(("name", "answers"), [("a.csv", SICK), ("b.parquet", SICK[::-1])])
def test_a_large_table_is_split(
    name: str, answers: list[int], run_batch: RunBatch, patients: Path, tables: Path
) -> None:
    form = name.partition(".")[2]
    flags = ("--input-format", form, "--mini-batch-size", "3rows", "--ordered")
    done = run_batch(*flags, "--model-dir", str(patients), over=tables / name)
    assert done.code == 0, done.shown
    text = (done.output / "predictions.csv").read_text(encoding="utf-8")
    assert text == "".join(f"{row},{answer},{name}\n" for row, answer in enumerate(answers))
    assert (done.summary["items"], done.summary["mini_batches"]) == (4, 2)


def test_a_file_that_does_not_fit_fails_alone(
    run_batch: RunBatch, patients: Path, tables: Path
) -> None:
    (tables / "a.csv").write_text("age,thal,peak\nold,007,1\n", encoding="utf-8")
    done = run_batch("--model-dir", str(patients), over=tables)
    assert done.code == 0, done.shown
    assert len(done.lines) == 4
    assert "a.csv'. Exception: invalid literal for int() with base 10: 'old'" in done.shown
    (tables / "b.parquet").unlink()
    (tables / "a.csv").write_text("age\n41\n", encoding="utf-8")
    (done.output / "summary.json").unlink()
    done = run_batch("--model-dir", str(patients), over=tables)
    assert done.code == 1
    assert "Exception: Model is missing inputs ['thal', 'peak']" in done.shown


def test_images_have_a_line_each(run_batch: RunBatch, tmp_path: Path, images: Path) -> None:
    """As arrays in the shape of the signature, one at a time."""
    spec = TensorSpec(np.dtype(np.float32), (-1, -1, -1, 3))
    model = of_python(tmp_path / "model", lambda x: [f"{x.dtype} {x.shape} {x.max():g}"], spec)
    done = run_batch(str(model), "--allow-pickle", over=images)
    assert done.code == 0, done.shown
    assert done.lines == [
        '"float32 (1, 2, 3, 3) 0",black.png',
        '"float32 (1, 2, 3, 3) 255",white.BMP',
    ]


@pytest.mark.parametrize(
    ("shape", "seen"),
    [
        ((-1, 6), "[1, 6]"),
        ((-1, 2, 3, 1), "[1, 2, 3, 1]"),
        ((-1, -1, -1, 1), "[1, 2, 3, 1]"),
        ((2, 3), "[2, 3]"),
        (None, "[2, 3]"),
    ],
)
def test_the_shape_is_that_of_the_signature(
    shape: tuple[int, ...] | None, seen: str, run_batch: RunBatch, tmp_path: Path, images: Path
) -> None:
    specs = [] if shape is None else [TensorSpec(np.dtype(np.uint8), shape)]
    model = of_python(tmp_path / "model", lambda x: [str(list(x.shape))], *specs)
    done = run_batch(str(model), "--allow-pickle", over=images / "black.png")
    assert done.lines == [f'"{seen}",black.png']


def test_predictions_of_several_values_are_json(
    run_batch: RunBatch, tmp_path: Path, images: Path
) -> None:
    def predict(data: Any) -> Any:
        return pd.DataFrame({"class": [7], "probability": [0.5]})

    model = of_python(tmp_path / "model", predict)
    done = run_batch(str(model), "--allow-pickle", over=images / "black.png")
    (line,) = done.lines
    assert line == '"{""class"":7,""probability"":0.5}",black.png'


def test_results_may_be_json_lines(run_batch: RunBatch, patients: Path, tables: Path) -> None:
    flags = ("--model-dir", str(patients), "--output-format", "jsonl")
    done = run_batch(*flags, over=tables / "a.csv")
    assert json.loads(done.lines[0]) == {"row": 0, "prediction": 0, "file": "a.csv"}


def test_azures_file_needs_no_script(
    run_batch: RunBatch, patients: Path, tables: Path, tmp_path: Path
) -> None:
    path = tmp_path / "deployment.yml"
    path.write_text("name: heart\nmodel: {path: models}\nmini_batch_size: 1\n", encoding="utf-8")
    done = run_batch("--deployment", str(path), over=tables)
    assert done.code == 0, done.shown
    assert (len(done.lines), done.summary["mini_batches"]) == (8, 2)


def test_json_lines_are_requests(run_batch: RunBatch, patients: Path, tmp_path: Path) -> None:
    over = tmp_path / "requests.jsonl"
    request = {"input_data": PATIENTS.to_dict(orient="split")}
    over.write_text(json.dumps(request), encoding="utf-8")
    done = run_batch("--model-dir", str(patients), over=over)
    assert done.lines == ['{"index": 0, "result": [0,1,0,1]}']


def test_other_files_end_the_job_before_it_begins(
    run_batch: RunBatch, patients: Path, tables: Path
) -> None:
    (tables / "c.avro").touch()
    done = run_batch("--model-dir", str(patients), over=tables)
    assert done.code == 2
    assert "c.avro'. File type 'avro' is not supported" in done.shown


def test_a_pickle_has_to_be_allowed(run_batch: RunBatch, tmp_path: Path, images: Path) -> None:
    done = run_batch(str(of_python(tmp_path / "model", len)), over=images)
    assert done.code == 3
    assert "--allow-pickle" in done.shown
