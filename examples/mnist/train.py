"""Train a logistic regression on MNIST, as the first part of Azure ML's tutorial does.

Written files:
    model/sklearn_mnist_model.pkl   the fitted classifier, for joblib.load
    myenv.yml                       the packages of the script, with the scikit-learn that wrote it
"""

from __future__ import annotations

import argparse
from pathlib import Path

import images
import joblib
import sklearn
from sklearn.linear_model import LogisticRegression

HERE = Path(__file__).resolve().parent
MODEL_PATH = HERE / "model" / "sklearn_mnist_model.pkl"
ENVIRONMENT_PATH = HERE / "myenv.yml"

REGULARIZATION = 0.1  # scikit-learn's C, the inverse of its strength
TOLERANCE = 0.001  # of the solver: with its default of 0.0001 it takes longer for the same answers
ENVIRONMENT = """\
name: tutorial-env
channels: [conda-forge]
dependencies:
  - scikit-learn={version}
  - pip:
      - azureml-defaults
"""


def main() -> None:
    """Fit on the training images, print the accuracy on the others, write model and packages."""
    parser = argparse.ArgumentParser(description="Train the model of the MNIST tutorial.")
    images.add_flag(parser)
    training, testing = images.load(parser.parse_args().images)
    model = LogisticRegression(C=REGULARIZATION, tol=TOLERANCE)
    model.fit(training.pixels, training.digits)
    accuracy = model.score(testing.pixels, testing.digits)

    MODEL_PATH.parent.mkdir(exist_ok=True)
    joblib.dump(model, MODEL_PATH)
    ENVIRONMENT_PATH.write_text(ENVIRONMENT.format(version=sklearn.__version__), encoding="utf-8")
    rows = len(training.digits)
    print(f"trained on {rows:,} images, accuracy {accuracy:.3f} on {len(testing.digits):,} others")


if __name__ == "__main__":
    main()
