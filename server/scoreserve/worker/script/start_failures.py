"""Why the entry script cannot serve, for the last words of the server: what, where, what to do.

Reads what the script raised. What is said beside the exception itself are guesses at what mostly is
behind it, each of which names what it saw.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from itertools import islice

from scoreserve.errors import BootError
from scoreserve.settings import Settings
from scoreserve.start_failure import StartFailure
from scoreserve.worker.script import main_module
from scoreserve.worker.script.distributions import (
    distribution_of,
    installed_model_libraries,
    is_stdlib,
    version_of,
)
from scoreserve.worker.script.user_frames import Place, place_of

_MODEL_DIR = "AZUREML_MODEL_DIR"
_MOST_LOOKED_AT = 2000  # folders, for a module that is not found
_INSTALLED = frozenset({"__pycache__", "node_modules", "site-packages", "dist-packages"})
_LFS_POINTER = "version https://git-lfs"
_MOST_LISTED = 8  # names of files
# Code of Azure's designer. The releases that have it ask for pandas 1.1.5 or older, the later ones
# are empty (azureml-designer-core: 0.0.86 is the last, and 0.0.87).
_OF_THE_DESIGNER = frozenset({"azureml.studio", "azureml.designer"})
_IMPORTED = re.compile(r"\s*(?:from|import)\s+([\w.]+)")
_UNPICKLES = re.compile(
    r"\b(pickle|joblib|cloudpickle|dill|torch|pd|pandas)\.(loads?|read_pickle)\b"
)
_NOT_COLLECTED = "custom logging is not enabled"  # azureml-ai-monitoring's words
_GENERIC = "Correct the script. The traceback is in the log above."


def of_script(error: BaseException, stage: str, settings: Settings) -> StartFailure:
    """The failure of a script that raised `error` at this stage: `import`, or a function of it."""
    if isinstance(error, BootError):
        return StartFailure(error.what, error.where or settings.script_path or "", error.remedy)
    place = place_of(error)
    where = str(place) if place is not None else settings.script_path or ""
    return StartFailure(_what(error, stage), where, _remedy(error, place, settings))


def _what(error: BaseException, stage: str) -> str:
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    text = _text(error)
    if isinstance(error, ModuleNotFoundError):
        return text
    told = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return f"{told} (raised in {stage})" if stage in {"init()", "after_fork()"} else told


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:  # the script's own method is called
        return "its message cannot be made"


def _remedy(error: BaseException, place: Place | None, settings: Settings) -> str:
    for found in _remedies(error, place, settings):
        return found
    return _GENERIC


def _remedies(error: BaseException, place: Place | None, settings: Settings) -> Iterator[str]:
    """What may help, the likeliest first."""
    yield from filter(None, [main_module.advice(error).strip()])
    yield from _of_model_dir(error, place, settings)
    if isinstance(error, SyntaxError):
        version = ".".join(map(str, sys.version_info[:2]))
        yield f"Correct this line. It is read by Python {version}."
    if isinstance(error, ModuleNotFoundError) and error.name:
        yield from _of_missing_module(error.name, place, settings)
    if _unpickles(place):
        yield _of_pickle(error)
    if isinstance(error, ImportError) and error.name:
        distribution = distribution_of(error.name)
        version = version_of(distribution)
        if version:
            yield f"{distribution} {version} is installed: the script needs another version."
    yield from _of_model_data(error)
    if isinstance(error, SystemExit):
        yield "Remove the call that ends the process, such as sys.exit(): the server calls run()."
    if isinstance(error, MemoryError):
        yield "Give the container more memory, or the server fewer workers (WORKER_COUNT)."
    if isinstance(error, PermissionError) and error.filename:
        yield f"Let the user with id {os.getuid()}, whom the server runs as, read it."
    if isinstance(error, TypeError) and _text(error).startswith("init() "):
        yield "init() is called without arguments: define it as `def init():`."


def _of_model_dir(error: BaseException, place: Place | None, settings: Settings) -> Iterator[str]:
    """Where the model directory is behind it."""
    given = settings.model_dir
    if given is None:
        source = "" if place is None else str(place)
        unset = isinstance(error, KeyError) and error.args == (_MODEL_DIR,)
        if unset or (isinstance(error, (TypeError, FileNotFoundError)) and _MODEL_DIR in source):
            yield f"{_MODEL_DIR} is not set: name the model's directory with --model-dir DIR."
        return
    path = os.path.abspath(given)
    if not os.path.isdir(path):
        is_file = " is a file, not a directory" if os.path.exists(path) else " does not exist"
        yield f"The model directory {path}{is_file}: name the right one, with --model-dir DIR."
    elif isinstance(error, FileNotFoundError) and _is_below(error.filename, path):
        yield f"The model directory {path} holds: {_listed(path)}."


def _of_model_data(error: BaseException) -> Iterator[str]:
    """Where a Collector has nobody to send to."""
    if _text(error).startswith(_NOT_COLLECTED):
        yield (
            "The script collects model data, and nobody here receives it: name a directory for it"
            "\nwith SCORESERVE_MODEL_DATA_DIR, or give its Collector an on_error."
        )


def _is_below(filename: object, folder: str) -> bool:
    return isinstance(filename, str) and os.path.abspath(filename).startswith(folder + os.sep)


def _listed(folder: str) -> str:
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        return str(error)
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(names[:_MOST_LISTED]) + more if names else "nothing"


def _of_missing_module(name: str, place: Place | None, settings: Settings) -> Iterator[str]:
    top = name.partition(".")[0]
    if ".".join(name.split(".")[:2]) in _OF_THE_DESIGNER:
        yield (
            f"{name} is code of Azure's designer, which is there for Python 3.9 and older only; the"
            " server needs 3.10 or newer.\nSave the model with the library that it is of (joblib,"
            " ONNX, MLflow), and load that in init()."
        )
        return
    if is_stdlib(top):
        yield f"This Python, {sys.executable}, comes without {top}: use another."
        return
    package, _, part = name.rpartition(".")
    folder = _own_folder_of(package, settings.app_root)
    if folder:
        yield (
            f"{package} is your own, in {folder}, and has no {part}: put {part}.py there.\n"
            "A line of .amlignore or .gitignore may have left it out."
        )
        return
    if top != name and version_of(distribution_of(top)):
        distribution = distribution_of(top)
        yield (
            f"{distribution} {version_of(distribution)} is installed, and has no {name}.\n"
            "Install the version that the script or its model was made with:\n"
            f"pip install '{distribution}==...'"
        )
        return
    yield from _of_own_module(top, settings)
    if _unpickles(place):
        yield (
            f"What is unpickled needs {name}. If that is yours, put {top}.py beside the script;"
            f" if not:\npip install {distribution_of(name)}"
        )
    yield f"pip install {distribution_of(_written(name, place))}"


def _own_folder_of(package: str, app_root: str) -> str:
    """The folder of a package that was imported from below AML_APP_ROOT, and is not installed
    there; else nothing.
    """
    for folder in getattr(sys.modules.get(package), "__path__", ()):
        is_installed = not _INSTALLED.isdisjoint(str(folder).split(os.sep))
        if _is_below(folder, os.path.abspath(app_root)) and not is_installed:
            return str(folder)
    return ""


def _written(name: str, place: Place | None) -> str:
    """The name as it stands in the user's line, which has more of it: `azure.storage.blob`."""
    source = "" if place is None else str(place).rpartition("\n")[2]
    found = _IMPORTED.match(source)
    return found[1] if found is not None and found[1].startswith(f"{name}.") else name


def _of_own_module(name: str, settings: Settings) -> Iterator[str]:
    """Where the module lies below AML_APP_ROOT or beside the script, and not where Python looks."""
    root = settings.app_root
    beside = os.path.dirname(os.path.abspath(settings.script_path or ""))
    folder = _folder_with(name, root)
    if folder is not None and folder != root:
        yield (
            f"{name} lies in {folder}, where modules are not looked for.\n"
            f"Set AZUREML_SOURCE_DIRECTORY={os.path.relpath(folder, root)}"
        )
    elif folder is None and _folder_with(name, beside) == beside:
        yield (
            f"{name} lies beside the script, but modules are looked for in {root}.\n"
            f"Name the script's folder: --app-root {beside}"
        )


def _folder_with(name: str, root: str) -> str | None:
    """The first folder from `root` on that has such a module."""
    for folder, folders, files in islice(os.walk(root), _MOST_LOOKED_AT):
        folders[:] = [inner for inner in folders if inner[0] != "." and inner not in _INSTALLED]
        if f"{name}.py" in files or os.path.isfile(os.path.join(folder, name, "__init__.py")):
            return folder
    return None


def _of_pickle(error: BaseException) -> str:
    if _is_of_a_pointer(error):
        return "Fetch the file (git lfs pull): as it seems, this is Git LFS's pointer to it."
    return (
        "See that the file is whole, and was saved with the versions that are installed here:\n"
        f"{installed_model_libraries() or 'no library for models'}."
    )


def _is_of_a_pointer(error: BaseException) -> bool:
    """Whether a pickle begins as Git LFS's pointers do, with `version`: in pickle's and in joblib's
    words.
    """
    first = _LFS_POINTER[0]
    return f"invalid load key, {first!r}" in _text(error) or error.args == (ord(first),)


def _unpickles(place: Place | None) -> bool:
    return place is not None and _UNPICKLES.search(str(place)) is not None
