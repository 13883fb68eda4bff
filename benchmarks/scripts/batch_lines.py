"""An online script: a request has the pixels of an image."""

import json
import os

import joblib
import numpy as np


def init():
    global model
    model = joblib.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "sklearn_digits_model.pkl"))


def run(raw_data):
    return model.predict(np.array(json.loads(raw_data)["data"])).tolist()
