"""scikit-learn: estimators, pipelines and all that wraps them.

Its glossary (https://scikit-learn.org/stable/glossary.html) says of predict "makes a prediction for
each sample", of predict_proba, predict_log_proba, decision_function and score_samples that they
return a row or a number "for each sample", and of transform that it "transforms the input, usually
only X, into some transformed space", with a row for each sample. Which classes hold to it stands in
`scikit_learn_classes.py`; a class that is not there is refused. What does not go by rows:

    return_cov, a covariance of all rows with all
    copy=False, which writes to the caller's own array
    functions of the script's: FunctionTransformer, a vectoriser's tokenizer, kernels, metrics
    steps of the script's own classes, or of libraries that are not known
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sklearn.base import BaseEstimator

from scoreserve.worker.model.libraries import scikit_learn_classes as classes
from scoreserve.worker.model.libraries import scikit_learn_parts
from scoreserve.worker.model.libraries.library import (
    RowsCall,
    class_name,
    first_argument,
    methods_of,
    root_of,
    subclasses,
    without_rows,
)
from scoreserve.worker.model.libraries.nested import refusal_of_model as refusal_of_any

METHODS = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "transform",
    "score_samples",
)
_INPUTS = ("X", "raw_documents", "T", "K", "y")
_ROOT = frozenset({"sklearn"})


class ScikitLearn:
    name = "scikit-learn"

    def methods(self) -> Iterable[tuple[type, str]]:
        return methods_of(subclasses(BaseEstimator), METHODS, _ROOT)

    def refusal_of_model(self, model: Any, method: str) -> str:
        return refusal_of_model(model, method)

    def refusal_of_call(
        self, model: Any, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> str:
        third = args[2] if len(args) > 2 else None  # of predict(X, return_std, return_cov)
        if kwargs.get("return_cov") or (class_name(model) == "GaussianProcessRegressor" and third):
            return "return_cov is of all rows together"
        copied = args[1] if len(args) > 1 and method == "transform" else kwargs.get("copy")
        if copied is False:  # of StandardScaler.transform(X, copy)
            return "copy=False writes to its input"
        return without_rows(args, kwargs, _INPUTS)

    def rows_argument(
        self, model: Any, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> RowsCall:
        return first_argument(args, kwargs, _INPUTS)

    def exact(self, model: Any, method: str) -> bool:
        return is_exact(model)


LIBRARY = ScikitLearn()


def refusal_of_model(model: Any, method: str) -> str:
    """Why a scikit-learn estimator does not go by rows; empty when it does."""
    name = class_name(model)
    if root_of(type(model)) not in _ROOT:
        return f"{name} is not one of scikit-learn's own, and not known to go by rows"
    reason = classes.REFUSED.get((name, method)) or classes.REFUSED.get((name, ""))
    if reason:
        return f"{name}: {reason}"
    if name in classes.WRAPPERS:
        fitted = getattr(model, classes.WRAPPERS[name], None)
        return refusal_of_any(fitted) if fitted is not None else ""
    if name not in classes.BY_ROWS:
        return f"{name} is not known to go by rows"
    return _refusal_of_parameters(model, name) or scikit_learn_parts.refusal(model, name)


def _refusal_of_parameters(model: Any, name: str) -> str:
    if getattr(model, "copy", True) is False:
        return f"{name}(copy=False) writes to its input"
    if name == "DummyClassifier" and model.strategy in ("stratified", "uniform"):
        return "DummyClassifier answers at random"
    return ""


def is_exact(model: Any) -> bool:
    """Trees compare and look up, and their sums have one order; so do the transformers that look at
    a column at a time. With several threads a forest adds in the order in which they end.
    """
    name = class_name(model)
    if root_of(type(model)) not in _ROOT:
        return False
    if name in classes.WRAPPERS:
        return is_exact(getattr(model, classes.WRAPPERS[name], None))
    if name == "Pipeline":
        return all(step in (None, "passthrough") or is_exact(step) for _, step in model.steps)
    if name == "ColumnTransformer":
        parts = [part for _, part, _ in getattr(model, "transformers_", ())]
        return all(isinstance(part, str) or is_exact(part) for part in parts)
    return name in classes.EXACT and getattr(model, "n_jobs", None) in (None, 1)
