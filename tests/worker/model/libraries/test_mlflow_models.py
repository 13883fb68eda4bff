"""MLflow: models that were saved and loaded as pyfunc."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pyfunc = pytest.importorskip("mlflow.pyfunc")
pd = pytest.importorskip("pandas")

from sklearn.base import BaseEstimator  # noqa: E402
from sklearn.ensemble import RandomForestClassifier  # noqa: E402

from scoreserve.worker.model.libraries.mlflow_models import LIBRARY  # noqa: E402
from tests.worker.model.libraries.meetings import (  # noqa: E402
    assert_meets,
    in_parts,
    numbers,
    refusal,
    targets,
)

pytestmark = pytest.mark.filterwarnings("ignore")

X = pd.DataFrame(numbers(100), columns=list("abcdefgh"))
LABELS = targets(X)


def loaded(folder: Path, flavour: str, model: Any, signature: bool = False) -> Any:
    module = pytest.importorskip(f"mlflow.{flavour}")
    from mlflow.models import infer_signature

    more = {"signature": infer_signature(X, model.predict(X))} if signature else {}
    if flavour == "sklearn":
        more["serialization_format"] = "cloudpickle"
    module.save_model(model, str(folder / "m"), pip_requirements=[], **more)
    return pyfunc.load_model(str(folder / "m"))


@pytest.mark.parametrize("signature", [True, False])
def test_a_forest(tmp_path: Path, signature: bool) -> None:
    model = RandomForestClassifier(10, random_state=0).fit(X, LABELS)
    wrapped = loaded(tmp_path, "sklearn", model, signature)
    assert_meets(LIBRARY, wrapped, "predict", in_parts(X))


def test_models_of_others(tmp_path: Path) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(X, LABELS).booster_
    assert_meets(LIBRARY, loaded(tmp_path, "lightgbm", model), "predict", in_parts(X))


class Own(BaseEstimator):  # type: ignore[misc]
    def fit(self, rows: Any, labels: Any = None) -> Own:
        return self

    def predict(self, rows: Any) -> Any:
        return rows["a"] - rows["a"].mean()


def test_what_does_not_go_by_rows(tmp_path: Path) -> None:
    wrapped = loaded(tmp_path, "sklearn", Own())
    assert "known" in refusal(LIBRARY, wrapped, "predict", X)
    model = RandomForestClassifier(5).fit(X, LABELS)
    (tmp_path / "b").mkdir()
    forest = loaded(tmp_path / "b", "sklearn", model)
    assert "list" in refusal(LIBRARY, forest, "predict", X.to_dict("records"))
    assert "dict" in refusal(LIBRARY, forest, "predict", X, params={"a": 1})


def test_a_model_of_the_authors_own(tmp_path: Path) -> None:
    base: Any = pyfunc.PythonModel

    class Wrapped(base):  # type: ignore[misc]
        def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
            return model_input  # MLflow reads type hints, and wants its own

    pyfunc.save_model(str(tmp_path / "m"), python_model=Wrapped(), pip_requirements=[])
    model = pyfunc.load_model(str(tmp_path / "m"))
    assert "not known" in refusal(LIBRARY, model, "predict", X)
