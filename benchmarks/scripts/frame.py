"""An entry script as AutoML writes it: @input_schema with a pandas sample of 8 columns."""

import os
from pathlib import Path

import joblib
import pandas as pd
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.schema_decorators import input_schema

SAMPLE = pd.DataFrame([{f"pixel_{number}": 0.0 for number in range(8)}])


def init() -> None:
    """Load the model."""
    global model
    model = joblib.load(Path(os.environ["AZUREML_MODEL_DIR"]) / "frame_model.pkl")


@input_schema("data", PandasParameterType(SAMPLE, enforce_shape=False))
def run(data: pd.DataFrame) -> list[int]:
    """One label for each row."""
    labels: list[int] = model.predict(data).tolist()
    return labels
