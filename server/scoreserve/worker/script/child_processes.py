"""Functions and classes of the entry script in processes that it starts.

joblib, loky, dask, Ray   cloudpickle writes out what they consist of, as it does where the
                          script is in no module that a child could import
multiprocessing,          pickle writes their names. A child that is spawned, or comes from a
concurrent.futures        fork server, imports `entry_module`: the file in `children`, which is
                          on the sys.path that it gets, imports the script.
                          A child that is forked has it.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType

from scoreserve.worker.script import after_import

MODULE_NAME = "entry_module"
_VARIABLE = "SCORESERVE_SCRIPT_OF_PARENT"
_FOLDER = os.path.join(os.path.dirname(__file__), "children")


def prepare(script_path: str) -> None:
    """Makes the script importable in children of this process, where it is loaded otherwise."""
    os.environ[_VARIABLE] = script_path
    if _FOLDER not in sys.path:
        sys.path.append(_FOLDER)
    after_import.call("cloudpickle", _pickle_by_value)


def script_loads() -> None:
    """Is told when the script's module is there, and not yet filled."""
    for name, module in list(sys.modules.items()):
        if name.rpartition(".")[2] == "cloudpickle":
            _pickle_by_value(module)


def script_path() -> str:
    """The script's path, in a child. Raises ModuleNotFoundError in any other process."""
    try:
        return os.environ[_VARIABLE]
    except KeyError:
        raise ModuleNotFoundError(
            f"{MODULE_NAME} is the entry script of a scoring worker, in its own children",
            name=MODULE_NAME,
        ) from None


def _pickle_by_value(cloudpickle: ModuleType) -> None:
    script = sys.modules.get(MODULE_NAME)
    register = getattr(cloudpickle, "register_pickle_by_value", None)
    if script is not None and register is not None:
        register(script)
