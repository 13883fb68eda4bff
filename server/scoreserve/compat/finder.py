"""Import finders that lead the Azure ML names to the modules of this package."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from importlib.abc import Loader  # up to Python 3.13 it imports a dozen modules

_REQUEST = "scoreserve.compat.aml_request"
_RESPONSE = "scoreserve.compat.aml_response"
_NOTHING = ""  # an empty package, made for its children's sake

# Ours even where the real package is installed: the decorator that counts is the server's.
_ALWAYS = {
    "azureml_inference_server_http.api.aml_request": _REQUEST,
    "azureml_inference_server_http.api.aml_response": _RESPONSE,
    "azureml.contrib.services.aml_request": _REQUEST,
    "azureml.contrib.services.aml_response": _RESPONSE,
}

# Ours only where nothing else is found by that name.
_OTHERWISE = {
    "azureml_inference_server_http": _NOTHING,
    "azureml_inference_server_http.api": _NOTHING,
    "azureml": _NOTHING,
    "azureml.contrib": _NOTHING,
    "azureml.contrib.services": "scoreserve.compat.services",
    "azureml.core": "scoreserve.compat.core",
    "azureml.core.model": "scoreserve.compat.model",
    "azureml.exceptions": "scoreserve.compat.exceptions",
    "azureml_user": _NOTHING,
    "azureml_user.parallel_run": "scoreserve.compat.parallel_run",
}


def install() -> None:
    """Makes the names importable in this process."""
    sys.meta_path.insert(0, _Finder(_ALWAYS))
    sys.meta_path.append(_Finder(_OTHERWISE))


class _Finder:
    """Finds the modules of one table. A name may lead to a module that has another name too."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self._table = table

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        source = self._table.get(fullname)
        if source is None:
            return None
        # A package of ours has no directory of its own: its children are in the tables.
        children = any(name.startswith(f"{fullname}.") for name in (*_ALWAYS, *_OTHERWISE))
        loader = cast("Loader", _AliasLoader(source))
        return ModuleSpec(fullname, loader, is_package=children)


class _AliasLoader:
    """Hands out the module that `source` names; of a package, makes one with the same contents,
    since a package finds its children by its own name.
    """

    def __init__(self, source: str) -> None:
        self._source = source

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        if spec.submodule_search_locations is not None:
            return None  # an ordinary new module, filled below
        return importlib.import_module(self._source)

    def exec_module(self, module: ModuleType) -> None:
        if self._source == _NOTHING:
            return
        source = importlib.import_module(self._source)
        if module is not source:
            vars(module).update({name: getattr(source, name) for name in source.__all__})
