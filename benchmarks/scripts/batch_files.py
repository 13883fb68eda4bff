"""Azure's contract: small CSV files of images, one after the other."""

import os

import joblib
import pandas as pd


def init():
    global model
    model = joblib.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "sklearn_digits_model.pkl"))


def run(mini_batch):
    results = []
    for path in mini_batch:
        pixels = pd.read_csv(path, header=None).to_numpy()
        results.append([os.path.basename(path), *model.predict(pixels).tolist()])
    return results
