"""scikit-learn models, in skops files or in pickles.

A skops file holds no code, and types that are not scikit-learn's own are loaded only when they are
trusted by name. A pickle runs whatever its author put into it, so one is loaded only where
SCORESERVE_ALLOW_PICKLE says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scoreserve.errors import BadInput, BootError
from scoreserve.model_files import refused
from scoreserve.settings import Settings
from scoreserve.worker.nocode import tabular
from scoreserve.worker.nocode.bodies import Body
from scoreserve.worker.nocode.features import Features
from scoreserve.worker.nocode.model import library, loading
from scoreserve.worker.script.model_interface import ModelInterface

_METHODS = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "transform",
    "score_samples",
)
_TEXT = "text"


def load_skops(path: str, name: str, kind: str, settings: Settings) -> ScikitLearnModel:
    """The model in this file. Raises BootError, for types that are not trusted too."""
    skops = library("skops.io", "skops", path)
    library("sklearn", "scikit-learn", path)

    def load() -> Any:
        unknown = untrusted_types(skops, path, settings)
        if unknown:
            raise _untrusted(path, unknown, _trusted(settings))
        return skops.load(path, trusted=_trusted(settings))

    estimator, warnings = loading(path, load)
    return _model(estimator, ModelInterface(name, kind, path, warnings=warnings), settings)


def untrusted_types(skops: Any, path: str, settings: Settings) -> list[str]:
    """The types in a skops file that neither skops nor the user trusts, sorted."""
    trusted = _trusted(settings)
    return sorted(set(skops.get_untrusted_types(file=path)).difference(trusted))


def _trusted(settings: Settings) -> list[str]:
    return [each.strip() for each in settings.trusted_types.split(",") if each.strip()]


def _untrusted(path: str, unknown: list[str], trusted: list[str]) -> BootError:
    names = ",".join(trusted + unknown)
    return refused(
        f"The model holds types that are not known to be safe: {', '.join(unknown)}",
        path,
        f"If you trust them, set SCORESERVE_TRUSTED_TYPES={names}",
    )


def load_pickle(path: str, name: str, kind: str, settings: Settings) -> ScikitLearnModel:
    """The model in this file, if pickles are allowed. Raises BootError."""
    if not settings.allow_pickle:
        raise refused(
            "The model is a pickle, and loading one runs any code that its author put into it",
            path,
            "Save it in a format without code: skops.io.dump(model, 'model.skops'), or ONNX. Or,"
            " if you trust whoever can write this file, set SCORESERVE_ALLOW_PICKLE=true"
            " (--allow-pickle).",
        )
    joblib = library("joblib", "joblib", path)
    estimator, warnings = loading(path, lambda: joblib.load(path))
    return _model(estimator, ModelInterface(name, kind, path, warnings=warnings), settings)


def _model(estimator: Any, interface: ModelInterface, settings: Settings) -> ScikitLearnModel:
    if not any(callable(getattr(estimator, method, None)) for method in _METHODS):
        raise refused(
            f"The file holds a {type(estimator).__qualname__}, which has none of the methods"
            f" {', '.join(_METHODS)}: it needs an entry script",
            interface.path,
            "Write one, and name it with --entry-script.",
        )
    return ScikitLearnModel(estimator, interface, settings.method)


class ScikitLearnModel:
    """An estimator or a pipeline, or whatever else has their methods. `method` is the one that is
    called where a request names none.
    """

    names_results = True

    def __init__(self, estimator: Any, interface: ModelInterface, method: str | None) -> None:
        self._estimator = estimator
        self._methods = [name for name in _METHODS if callable(getattr(estimator, name, None))]
        if method is not None and method not in self._methods:
            raise BootError(
                f"SCORESERVE_METHOD: the model {interface.path} has no {method}; it has"
                f" {', '.join(self._methods)}."
            )
        self._default = method or self._methods[0]
        # As Azure ML's own service does it.
        azure = "predict_proba" if "predict_proba" in self._methods else self._default
        self._azure_default = method or azure
        self._features = _features(estimator)
        self.interface, self._row = tabular.described(
            interface,
            self._features,
            self.outputs,
            _candidates(estimator, self._features),
            names_results=True,
        )

    def outputs(self, body: Body) -> Mapping[str, Any]:
        """What the method gives that is asked for."""
        method = body.method or (self._azure_default if body.azure_form else self._default)
        if method not in self._methods:
            raise BadInput(
                f"The model has no method {method!r}: it has {', '.join(self._methods)}."
            )
        rows = self._features.of(body)
        try:
            found = getattr(self._estimator, method)(rows)
        except ValueError as error:  # what scikit-learn says of values that it has no answer to
            words = str(error).partition("\n")[0]
            raise BadInput(f"The model cannot take this input: {words}") from error
        return {method: found.toarray() if hasattr(found, "toarray") else found}

    def sample(self, rows: int) -> Body | None:
        return tabular.sample(self._features, self._row, rows)


def _features(estimator: Any) -> Features:
    """As the estimator says; a pipeline asks its first step."""
    names = getattr(estimator, "feature_names_in_", None)
    count = getattr(estimator, "n_features_in_", None)
    if names is None:
        return Features(None, count)
    framed = _has_pandas()
    return Features([str(name) for name in names], count, framed=framed)


def _has_pandas() -> bool:
    """Whether frames can be made; without pandas a model that was fitted to one takes arrays."""
    try:
        import pandas  # noqa: F401
    except ModuleNotFoundError:
        return False
    return True


def _candidates(estimator: Any, features: Features) -> Iterable[Any]:
    """Rows that the model may be able to answer: of the categories that its encoders know, of
    zeros, a text.
    """
    if features.count is not None:
        known = dict(_categories(estimator, features.names))
        if known:
            names = features.names or [str(place) for place in range(features.count)]
            yield [known.get(name, 0.0) for name in names]
    yield from tabular.zeros(features)
    if features.count is None:
        yield _TEXT
    else:
        yield [_TEXT] * features.count


def _categories(estimator: Any, names: list[str] | None) -> Iterator[tuple[str, Any]]:
    """(column, one of its categories), of the encoders in a model, wherever they are in it."""
    for step, columns in _steps(estimator, names):
        for place, categories in enumerate(getattr(step, "categories_", ())):
            if not len(categories):
                continue
            column = columns[place] if columns and place < len(columns) else place
            value = categories[0]
            yield str(column), value.item() if hasattr(value, "item") else value


def _steps(estimator: Any, columns: list[str] | None) -> Iterator[tuple[Any, list[str] | None]]:
    """The transformers that get columns of the input as they are, each with their names."""
    steps = getattr(estimator, "steps", None)
    if steps:
        yield from _steps(steps[0][1], columns)
        return
    for _, transformer, chosen in getattr(estimator, "transformers_", ()):
        if isinstance(chosen, (list, tuple)) or hasattr(chosen, "tolist"):
            inner = [_column_name(each, columns) for each in list(chosen)]
            yield from _steps(transformer, inner)
    yield estimator, columns


def _column_name(chosen: Any, columns: list[str] | None) -> str:
    if isinstance(chosen, str):
        return chosen
    return columns[chosen] if columns is not None else str(chosen)
