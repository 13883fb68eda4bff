"""Scripts in the shapes of Azure's public samples for batch endpoints and ParallelRunStep."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.batch.conftest import FILES, RunJob


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """A folder of CSV files, of which each has its number as many times."""
    folder = tmp_path / "tables"
    folder.mkdir()
    for number in range(1, 4):
        frame = pd.DataFrame({"age": [number] * number, "name": [f"n {number}"] * number})
        frame.to_csv(folder / f"patients-{number}.csv", index=False)
    return folder


def test_images_to_a_list_of_dicts(run_job: RunJob, tmp_path: Path) -> None:
    """As the MNIST sample: a model of the model directory, and a line for each image."""
    (tmp_path / "models/digits").mkdir(parents=True)
    (tmp_path / "models/digits/weights.txt").write_text("seven", encoding="utf-8")
    done = run_job(
        """
        import glob, os
        from pathlib import Path
        def init():
            global model
            model_path = os.environ["AZUREML_MODEL_DIR"]
            model = Path(glob.glob(model_path + "/*/*.txt")[0]).read_text()
        def run(mini_batch):
            print(f"run method start: {__file__}, run({mini_batch})")
            results = []
            for image in mini_batch:
                results.append({"file": os.path.basename(image), "class": model})
            return results
        """,
        *("--model-dir", str(tmp_path / "models"), "--mini-batch-size", "4"),
    )
    assert done.lines[0] == "{'file': '00.txt', 'class': 'seven'}"
    assert len(done.lines) == FILES


def test_tables_whose_results_are_files_of_their_own(run_job: RunJob, tables: Path) -> None:
    """As the heart classifier: results go to AZUREML_BI_OUTPUT_PATH, in any format."""
    done = run_job(
        """
        import os
        from pathlib import Path
        import pandas as pd
        def init():
            global output_path
            output_path = os.environ["AZUREML_BI_OUTPUT_PATH"]
        def run(mini_batch):
            for file_path in mini_batch:
                data = pd.read_csv(file_path)
                data["prediction"] = data["age"] > 1
                name = Path(file_path).stem + "-predictions.csv"
                data.to_csv(os.path.join(output_path, name), index=False)
            return mini_batch
        """,
        *("--output-action", "summary_only"),
        over=tables,
    )
    assert done.code == 0
    assert done.summary["succeeded_items"] == 3
    written = pd.read_csv(done.output / "patients-3-predictions.csv")
    assert written["prediction"].tolist() == [True] * 3


def test_tables_to_one_frame(run_job: RunJob, tables: Path) -> None:
    """As samples that concatenate what they predict: more rows than there are files."""
    done = run_job(
        """
        import pandas as pd
        def run(mini_batch):
            return pd.concat(pd.read_csv(path).assign(ok=1) for path in mini_batch)
        """,
        over=tables,
    )
    assert done.code == 0
    assert done.lines == ['1 "n 1" 1', *['2 "n 2" 1'] * 2, *['3 "n 3" 1'] * 3]
    assert done.summary["succeeded_items"] == 3


def test_arguments_and_the_logger_of_a_parallel_run_step(run_job: RunJob, tables: Path) -> None:
    """As the iris sample: arguments that the step has too are left alone."""
    done = run_job(
        """
        import argparse
        from azureml_user.parallel_run import EntryScript
        def init():
            global limit, logger
            logger = EntryScript().logger
            parser = argparse.ArgumentParser()
            parser.add_argument("--limit", type=int, required=True)
            args, _ = parser.parse_known_args()
            limit = args.limit
        def run(input_data):
            logger.info("rows: %d", len(input_data))
            return input_data[input_data["age"] >= limit]
        """,
        *("--input-format", "csv", "--output-format", "csv", "--ordered"),
        *("--", "--limit", "2", "--dataset", "iris"),
        over=tables,
    )
    assert done.code == 0
    text = (done.output / "predictions.csv").read_text(encoding="utf-8")
    assert text.splitlines() == ["age,name", *["2,n 2"] * 2, *["3,n 3"] * 3]
    assert (done.summary["items"], done.summary["failed_items"]) == (6, 1)


def test_a_module_beside_and_numbers_of_numpy(run_job: RunJob, tmp_path: Path) -> None:
    """As the MNIST sample of PyTorch: a frame of what numpy calculates, a row for each file."""
    (tmp_path / "classifier.py").write_text("def classify(path): return len(path)", "utf-8")
    done = run_job(
        """
        from os.path import basename
        from typing import List
        import numpy as np
        import pandas as pd
        from classifier import classify
        def init():
            pass
        def run(mini_batch: List[str]) -> pd.DataFrame:
            results = []
            for path in mini_batch:
                found = np.int64(classify(basename(path)))
                share = np.float32(0.5)
                results.append({"file": basename(path), "class": found, "probability": share})
            return pd.DataFrame(results)
        """
    )
    assert done.lines[0] == "00.txt 6 0.5"
    assert len(done.lines) == FILES


def test_rows_of_arrays_to_a_list(run_job: RunJob, tables: Path) -> None:
    """As the script of Azure's training: `extend(frame.values)`. Elements are written as str()
    has them.
    """
    done = run_job(
        """
        import os
        import pandas as pd
        def run(mini_batch):
            results = []
            for path in mini_batch:
                frame = pd.read_csv(path)[["age"]]
                frame["file"] = os.path.basename(path)
                results.extend(frame.values)
            return results
        """,
        over=tables,
    )
    assert done.lines[0] == "[1 'patients-1.csv']"
    assert len(done.lines) == 6


def test_a_registered_model_is_found_as_by_azureml_core(
    run_job: RunJob, tables: Path, tmp_path: Path
) -> None:
    """As the iris sample of ParallelRunStep: by its name, which is an argument."""
    model = tmp_path / "azureml-models/iris/3"
    model.mkdir(parents=True)
    (model / "limit.txt").write_text("2", encoding="utf-8")
    done = run_job(
        """
        import argparse
        from azureml.core.model import Model
        def init():
            global limit
            parser = argparse.ArgumentParser()
            parser.add_argument("--model_name", required=True)
            arguments, _ = parser.parse_known_args()
            with open(Model.get_model_path(arguments.model_name)) as file:
                limit = int(file.read())
        def run(input_data):
            return input_data[input_data["age"] >= limit]
        """,
        *("--input-format", "csv", "--", "--model_name", "iris"),
        over=tables,
    )
    assert done.code == 0, done.shown
    assert len(done.lines) == 5


def test_what_is_logged_with_mlflow_is_kept(run_job: RunJob) -> None:
    """As the sample that summarizes texts, which logs to the job's run."""
    done = run_job(
        """
        import os
        from pathlib import Path
        def run(mini_batch):
            runs = os.environ["MLFLOW_TRACKING_URI"]
            assert runs.startswith("file://") and os.environ["MLFLOW_ALLOW_FILE_STORE"] == "true"
            folder = Path(runs.removeprefix("file://"))
            folder.mkdir(parents=True)
            (folder / "metric").touch()
            return mini_batch
        """
    )
    assert done.code == 0, done.shown
    assert (done.output / "logs/mlflow/process000/metric").exists()
