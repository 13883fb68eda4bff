"""Makes the model. Put your own training here."""

from pathlib import Path

import joblib
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

flowers, species = load_iris(return_X_y=True)
model = make_pipeline(StandardScaler(), LogisticRegression()).fit(flowers, species)
folder = Path(__file__).parent / "model"
folder.mkdir(exist_ok=True)
joblib.dump(model, folder / "model.joblib")
