"""Train the digits model and write it, with a sample request, beside this file.

The data are the 1,797 handwritten digits that ship with scikit-learn: 8 by 8 pixels, intensities
0 to 16. As in the Azure ML tutorial the intensities are scaled to 0-1 before training, so clients
send rows of 64 numbers from 0 to 1, and the model is a logistic regression.

Written files:
    model/sklearn_digits_model.pkl   the fitted classifier, for joblib.load
    sample_request.json              {"data": rows}: held-out rows, shape (SAMPLE_ROWS, 64)
    sample_labels.json               the true digit of each of those rows
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path
from typing import Any

import joblib
import sklearn
from sklearn.datasets import load_digits
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

HERE = Path(__file__).resolve().parent
MODEL_PATH = HERE / "model" / "sklearn_digits_model.pkl"
REQUEST_PATH = HERE / "sample_request.json"
LABELS_PATH = HERE / "sample_labels.json"

MAX_INTENSITY = 16.0  # of a pixel in load_digits
TEST_SHARE = 0.2
SAMPLE_ROWS = 10
SEED = 0  # of the split, so that the sample files come out the same on every machine
MAX_ITERATIONS = 1000  # the solver stops far earlier; the default of 100 is just too few


def is_current(path: Path) -> bool:
    """Whether `path` holds a model made by the scikit-learn version that is running."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)
        try:
            joblib.load(path)
        except Exception:  # unpickling another version's model may fail in any way at all
            return False
    return True


def write_sample(rows: Any, labels: Any) -> None:
    """Write the sample request and its true labels; rows: (n, 64) array, labels: (n,) array."""
    REQUEST_PATH.write_text(json.dumps({"data": rows.tolist()}) + "\n", encoding="utf-8")
    LABELS_PATH.write_text(json.dumps(labels.tolist()) + "\n", encoding="utf-8")


def train() -> None:
    """Fit on the training rows, print the accuracy on the held-out ones, write model and sample."""
    pixels, labels = load_digits(return_X_y=True)
    rows = pixels / MAX_INTENSITY
    train_rows, test_rows, train_labels, test_labels = train_test_split(
        rows, labels, test_size=TEST_SHARE, stratify=labels, random_state=SEED
    )
    model = LogisticRegression(max_iter=MAX_ITERATIONS)
    model.fit(train_rows, train_labels)
    accuracy = model.score(test_rows, test_labels)

    MODEL_PATH.parent.mkdir(exist_ok=True)
    joblib.dump(model, MODEL_PATH)
    write_sample(test_rows[:SAMPLE_ROWS], test_labels[:SAMPLE_ROWS])
    print(f"trained on {len(train_rows)} rows, accuracy {accuracy:.3f} on {len(test_rows)} others")
    print(f"wrote {MODEL_PATH}")


def main() -> None:
    """Train unless a model of this scikit-learn version is already there."""
    parser = argparse.ArgumentParser(description="Train the digits model.")
    parser.add_argument("--force", action="store_true", help="train even if the model is there")
    options = parser.parse_args()
    if not options.force and is_current(MODEL_PATH):
        print(f"{MODEL_PATH} is there, made by scikit-learn {sklearn.__version__}")
        return
    train()


if __name__ == "__main__":
    main()
