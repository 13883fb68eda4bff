"""MLflow's own scoring server around a linear model of two columns. Arguments: a directory for the
model, and the port.
"""

from __future__ import annotations

import os
import sys

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.linear_model import LinearRegression


def save(directory: str) -> None:
    rows = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [1.0, 0.0, 3.0]})
    model = LinearRegression().fit(rows, [0.0, 0.0, 0.0])
    model.coef_, model.intercept_ = np.array([2.0, 0.5]), 0.25
    signature = infer_signature(rows, model.predict(rows))
    mlflow.sklearn.save_model(model, directory, signature=signature)


def main(directory: str, port: str) -> None:
    save(directory)
    command = ["models", "serve", "-m", directory, "-p", port, "--env-manager", "local"]
    # It looks for uvicorn there.
    os.environ["PATH"] = os.pathsep.join((os.path.dirname(sys.executable), os.environ["PATH"]))
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", *command])


if __name__ == "__main__":
    main(*sys.argv[1:])
