"""What every kind of model that is served without a script has in common."""

from __future__ import annotations

import importlib
import logging
import warnings
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Protocol, TypeVar

from scoreserve.errors import BootError
from scoreserve.model_files import refused
from scoreserve.worker.nocode.bodies import Body
from scoreserve.worker.script.model_interface import ModelInterface

_log = logging.getLogger("azmlinfsrv")
_REMEDY = "See that the file is whole, and that the library is as new as the one that saved it."
_Loaded = TypeVar("_Loaded")


class Model(Protocol):
    """A model that is loaded, and has been tried."""

    interface: ModelInterface
    names_results: bool
    """Whether the answer to a request in Azure ML's form names the method that was called."""

    def outputs(self, body: Body) -> Mapping[str, Any]:
        """The outputs for a request, by name: arrays, or lists of them. Raises BadInput."""

    def sample(self, rows: int) -> Body | None:
        """A request of so many rows that the model can answer; None: none is known."""


def library(name: str, requirement: str, path: str) -> ModuleType:
    """The library that a model needs. Raises BootError, naming the line for requirements, where it
    is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not f"{name}.".startswith(f"{error.name}."):  # it is there, and lacks another itself
            raise
    raise refused(
        f"The model needs the package {requirement}, which is not installed",
        path,
        f"pip install {requirement}, or add the line `{requirement}` to the requirements.txt of the"
        " image.",
    )


def loading(path: str, load: Callable[[], _Loaded]) -> tuple[_Loaded, tuple[str, ...]]:
    """What `load` gives, and what it warned of. Raises BootError with the library's own words where
    it cannot be loaded.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            loaded = load()
        except BootError:
            raise
        except Exception as error:
            words = str(error).strip() or type(error).__name__
            raise refused(f"The model cannot be loaded: {words}", path, _REMEDY) from error
    told = tuple(dict.fromkeys(str(each.message) for each in caught if _is_told(each.category)))
    for words in told:
        _log.warning("The model %s: %s", path, words)
    return loaded, told


def _is_told(category: type[Warning]) -> bool:
    """Whether a user should know: not what one library says to the authors of another."""
    return issubclass(category, UserWarning)
