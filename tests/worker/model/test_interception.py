"""A known method that leads to us looks as it did to whoever looks at the model."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Iterator
from types import MethodType
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline

from scoreserve.worker.model.interception import Interception


@pytest.fixture
def called() -> Iterator[list[str]]:
    """The methods that were called instead, in order."""
    names: list[str] = []

    def meet(library: Any, model: Any, name: str, bound: Any, *given: Any) -> Any:
        names.append(f"{type(model).__name__}.{name}")
        args, kwargs = given
        return bound(*args, **kwargs)

    interception = Interception(meet)
    interception.look()
    yield names
    interception.undo()


def fitted() -> Pipeline:
    return make_pipeline(LinearRegression()).fit(np.eye(3), [1, 2, 3])


def test_it_is_called_in_its_place(called: list[str]) -> None:
    model = fitted()
    assert model.predict(np.eye(3)).round(6).tolist() == [1, 2, 3]
    assert called[:2] == ["Pipeline.predict", "LinearRegression.predict"]


@pytest.mark.parametrize("model", [fitted(), fitted()[-1]], ids=["pipeline", "regression"])
def test_it_looks_as_it_did(model: Any, called: list[str]) -> None:
    now = model.predict
    assert type(now) is MethodType
    assert now.__self__ is model
    assert now.__name__ == "predict"
    of_class: Any = getattr(type(model), "predict")  # noqa: B009 - of any class
    assert now.__doc__ == of_class.__doc__
    written = list(inspect.signature(of_class).parameters)
    assert list(inspect.signature(now).parameters) == written[1:]  # without self
    assert pickle.loads(pickle.dumps(now))(np.eye(3)).shape == (3,)


def test_what_a_model_has_not_it_has_not(called: list[str]) -> None:
    assert not hasattr(fitted(), "predict_proba")
    assert not hasattr(Ridge(), "transform")


def test_everything_can_be_put_back() -> None:
    before = {
        cls: vars(cls)["predict"] for cls in LinearRegression.__mro__ if "predict" in vars(cls)
    }
    interception = Interception(lambda *_: None)
    interception.look()
    assert all(vars(cls)["predict"] is not method for cls, method in before.items())
    interception.undo()
    assert all(vars(cls)["predict"] is method for cls, method in before.items())
