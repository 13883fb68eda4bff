"""The entry script: init() is called once, run() for each request."""

import json
import os

import joblib
import numpy as np

SPECIES = ["setosa", "versicolor", "virginica"]


def init():
    """Loads the model. Its folder is in AZUREML_MODEL_DIR."""
    global model
    model = joblib.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.joblib"))


def run(raw_data):
    """Answers one request. raw_data is its body; what is returned is sent as JSON."""
    rows = np.array(json.loads(raw_data)["data"])
    return {"species": [SPECIES[number] for number in model.predict(rows)]}
