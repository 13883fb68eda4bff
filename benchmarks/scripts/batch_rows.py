"""Azure's contract: a frame of images."""

import os

import joblib


def init():
    global model
    model = joblib.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "sklearn_digits_model.pkl"))


def run(mini_batch):
    return mini_batch[[]].assign(digit=model.predict(mini_batch.to_numpy()))
