"""Whether an MLflow model can be loaded without running code of its author's.

The flavours of ONNX, XGBoost, LightGBM and CatBoost have files of their libraries' own, and that of
scikit-learn has a skops file by default since MLflow 3. Most others are pickles or code: a Python
model, a PyTorch module, scikit-learn as MLflow saved it before. What MLmodel says is not trusted
further than that: the types that a skops file may hold are the user's to name, not the author's.
"""

from __future__ import annotations

import os
from typing import Any

from scoreserve.model_files import refused
from scoreserve.settings import Settings
from scoreserve.worker.nocode.model import library
from scoreserve.worker.nocode.scikit_learn import untrusted_types

_PYFUNC = "python_function"
_PICKLES = (".pkl", ".pickle", ".joblib")
# Flavours whose own files hold no code, by the module that loads them.
_NATIVE = frozenset({"mlflow.onnx", "mlflow.xgboost", "mlflow.lightgbm", "mlflow.catboost"})
_SCIKIT_LEARN = "mlflow.sklearn"
_SKOPS = "skops"


def loader_of(model: Any, path: str) -> str:
    """The module of MLflow's that loads this model. Raises BootError where it is no pyfunc."""
    flavour = model.flavors.get(_PYFUNC)
    if flavour is None:
        raise refused(
            f"The MLflow model has the flavours {', '.join(model.flavors) or 'none'}, but not"
            f" {_PYFUNC}, by which one is served without an entry script",
            path,
            "Save it anew, or name an entry script with --entry-script.",
        )
    return str(flavour.get("loader_module"))


def is_of_a_known_library(loader: str) -> bool:
    """Whether a ValueError of its predict() is about the values that it was given."""
    return loader in _NATIVE or loader == _SCIKIT_LEARN


def check(model: Any, path: str, settings: Settings) -> None:
    """Raises BootError for a model that runs code when it is loaded, unless that is allowed."""
    if settings.allow_pickle:
        return
    loader = loader_of(model, path)
    reason = _code_in(model, loader)
    if not reason and _flavour(model, loader).get("serialization_format") == _SKOPS:
        reason = _untrusted_in(os.path.join(path, _data(model)), path, settings)
    if reason:
        raise refused(
            f"The MLflow model {reason}",
            path,
            "If you trust whoever can write it, set SCORESERVE_ALLOW_PICKLE=true (--allow-pickle).",
        )


def _code_in(model: Any, loader: str) -> str:
    """What of the model is code, in words that go on from its path; empty: nothing."""
    if model.flavors[_PYFUNC].get("code"):
        return "brings Python code along"
    if loader not in _NATIVE and loader != _SCIKIT_LEARN:
        return f"is loaded by {loader}, which runs code that its author put into it"
    flavour = _flavour(model, loader)
    format_ = flavour.get("serialization_format", "" if loader in _NATIVE else "pickle")
    if format_ not in ("", _SKOPS) or _data(model).endswith(_PICKLES):
        return (
            f"holds a pickle ({_data(model)}), and loading one runs any code that its author put"
            ' into it; MLflow 3 saves models with serialization_format="skops"'
        )
    return ""


def _untrusted_in(file: str, path: str, settings: Settings) -> str:
    skops = library("skops.io", "skops", path)
    unknown = untrusted_types(skops, file, settings)
    if not unknown:
        return ""
    return (
        f"holds types that are not known to be safe: {', '.join(unknown)}. If you trust them, name"
        " them in SCORESERVE_TRUSTED_TYPES"
    )


def _flavour(model: Any, loader: str) -> dict[str, Any]:
    """What the flavour says for itself: that of the library, not of pyfunc."""
    found: dict[str, Any] = model.flavors.get(loader.rpartition(".")[2], {})
    return found


def _data(model: Any) -> str:
    """The file of the model, by its path in the directory."""
    pyfunc = model.flavors[_PYFUNC]
    return str(pyfunc.get("model_path") or pyfunc.get("data") or "")
