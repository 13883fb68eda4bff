"""A batch script for the digits model of ../digits: rows of 64 pixels in, digits out."""

import os

import joblib


def init():
    global model
    model = joblib.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "sklearn_digits_model.pkl"))


def run(mini_batch):
    digits = mini_batch.drop(columns="image")
    return mini_batch[["image"]].assign(digit=model.predict(digits.to_numpy()))
