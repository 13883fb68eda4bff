"""The entry script: init() is called once, run() for each request."""

import json
import math
import os


def init():
    """Loads the model. Its folder is in AZUREML_MODEL_DIR."""
    global centroids
    path = os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.json")
    with open(path, encoding="utf-8") as file:
        centroids = json.load(file)


def run(raw_data):
    """Answers one request. raw_data is its body; what is returned is sent as JSON."""
    rows = json.loads(raw_data)["data"]
    return {"species": [nearest(row) for row in rows]}


def nearest(row):
    """The species whose flowers are, on average, most like this one."""
    return min(centroids, key=lambda species: math.dist(centroids[species], row))
