"""The import rules.

    sides     the front holds no user code and none of its libraries, the worker no server
    stations  a folder imports only folders below it, so that there is no circle
    rooms     what lies directly in `front` and `worker` is a few files that know all parts

Seen twice: by what a fresh interpreter has loaded once every module is imported, and by the import
statements themselves, since many stand inside functions.
"""

from __future__ import annotations

import ast
import json
import pkgutil
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import pytest

import scoreserve

PACKAGE = Path(scoreserve.__file__).parent

FORBIDDEN = {
    "front": {
        *("scoreserve.worker", "scoreserve.compat"),
        *("numpy", "pandas", "flask", "werkzeug", "inference_schema"),
    },
    "worker": {
        "scoreserve.front",
        *("uvicorn", "starlette", "gunicorn", "uvloop", "httptools"),
    },
    "wire": {"scoreserve.front", "scoreserve.worker"},
}

# gunicorn's and uvicorn's own among them.
THIRD_PARTY_OF_THE_FRONT = {
    *("gunicorn", "packaging", "setproctitle"),
    *("uvicorn", "click", "httptools", "uvloop", "typing_extensions", "dotenv", "yaml"),
    *("starlette", "anyio", "sniffio", "idna", "exceptiongroup"),
    *("librt", "mypy_extensions"),
    "cython_runtime",
}

# From the top down: each may import those after it, and what both sides share.
STATIONS = (
    "scoreserve.cli",
    "scoreserve.bench",
    "scoreserve.check",
    "scoreserve.batch",
    "scoreserve.deploy.files",
    "scoreserve.deploy.running",
    "scoreserve.deploy",
    "scoreserve.deploy.conda",
    "scoreserve.front",
    "scoreserve.front.http",
    "scoreserve.front.api",
    "scoreserve.front.observe",
    "scoreserve.front.workers",
    "scoreserve.front.processes",
    "scoreserve.front.queue",
    "scoreserve.front.messages",
    "scoreserve.telemetry.__main__",  # these two know all outputs
    "scoreserve.telemetry.outputs",
    "scoreserve.telemetry.azure",
    "scoreserve.telemetry.model_data",
    "scoreserve.telemetry.otlp",
    "scoreserve.telemetry",
    "scoreserve.worker",
    "scoreserve.worker.template",
    "scoreserve.worker.model",
    "scoreserve.worker.model.libraries",
    "scoreserve.worker.model.kinds",
    "scoreserve.worker.model.shared_state",
    "scoreserve.worker.rows",
    "scoreserve.worker.nocode",
    "scoreserve.worker.protocols",
    "scoreserve.worker.protocols.bodies",
    "scoreserve.worker.script",
    "scoreserve.compat",
    "scoreserve",
)

# What may lie directly in the two sides, beside `__init__`.
IN_THE_HALL = {
    "front": {"arbiter", "assembly", "process"},
    "worker": {"__main__", "batching", "booting", "front_pipe", "main_loop"},
}

# Less what is there before: a distribution's Python loads a sitecustomize, and what that imports.
_LIST_LOADED = """
import sys
before = set(sys.modules)
import importlib, json
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def modules_under(side: str) -> dict[str, Path]:
    """Name and file of `scoreserve.<side>`, and of everything in it when it is a package."""
    top = f"scoreserve.{side}"
    if (PACKAGE / f"{side}.py").exists():
        return {top: PACKAGE / f"{side}.py"}
    folder = PACKAGE / side
    found = pkgutil.walk_packages([str(folder)], prefix=f"{top}.")
    names = [top, *(module.name for module in found if not is_of_a_library(module.name))]
    return {name: file_of(name) for name in names}


def is_of_a_library(module: str) -> bool:
    """Whether it is imported only where a script has imported what it knows about."""
    return module.startswith(("scoreserve.worker.model.kinds.", "scoreserve.worker.model.lib"))


def file_of(module: str) -> Path:
    path = PACKAGE.parent.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def imports_of(path: Path) -> Iterator[str]:
    """The full name of everything that the file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative imports hide what is imported"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def loaded_with(names: Iterable[str]) -> set[str]:
    """All that a fresh interpreter has loaded once it imported these modules, without a warning."""
    command = [sys.executable, "-W", "error", "-c", _LIST_LOADED, json.dumps(list(names))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("side", FORBIDDEN)
def test_importing_a_side_loads_nothing_of_the_other(side: str) -> None:
    loaded = loaded_with(modules_under(side))
    assert loaded >= set(modules_under(side))
    assert not loaded & FORBIDDEN[side]


def test_the_front_starts_with_no_more_than_it_serves_with() -> None:
    """What is seldom needed, as Prometheus's library, is imported when it is."""
    modules = ("arbiter", "process", "assembly")
    loaded = loaded_with(f"scoreserve.front.{name}" for name in modules)
    packages = {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names
    third_party = {name for name in packages if not name.startswith(("_", "scoreserve"))}
    assert third_party <= THIRD_PARTY_OF_THE_FRONT
    assert not {"http.server", "xml.etree", "sqlite3", "unittest"} & loaded


def test_a_worker_starts_with_little() -> None:
    """asyncio and what comes with it take a third as long as all else, and few scripts need it."""
    loaded = loaded_with(["scoreserve.worker.__main__"])
    loaded -= loaded_with(["uuid"])  # orjson imports it; in Python 3.10 it brings subprocess
    assert not {"asyncio", "ssl", "socket", "subprocess", "tempfile", "flask", "numpy"} & loaded


def test_what_sends_telemetry_is_imported_only_where_that_is_on() -> None:
    """Neither side has an SDK then, nor what feeds it."""
    front = (f"scoreserve.front.{name}" for name in ("arbiter", "process", "assembly"))
    loaded = loaded_with([*front, "scoreserve.worker.__main__"])
    packages = {name.partition(".")[0] for name in loaded}
    assert not packages & {"azure", "opentelemetry", "requests", "google"}
    assert not loaded & {"scoreserve.reports", "scoreserve.worker.script.script_reports"}
    assert not [name for name in loaded if name.startswith("scoreserve.telemetry.azure")]


@pytest.mark.parametrize("side", FORBIDDEN)
def test_no_import_statement_of_a_side_names_the_other(side: str) -> None:
    files = modules_under(side)
    offences = [
        f"{module} imports {imported}"
        for module, path in files.items()
        for imported in imports_of(path)
        if any(is_within(imported, package) for package in FORBIDDEN[side])
    ]
    assert not offences


def station_of(module: str) -> str:
    """The folder that a module of ours lies in."""
    return module if module in STATIONS else module.rpartition(".")[0]


def module_of(imported: str, modules: Collection[str]) -> str:
    """The module of ours that an import statement names, or something in it."""
    return imported if imported in modules else imported.rpartition(".")[0]


def test_every_folder_is_a_station() -> None:
    assert {station_of(module) for module in modules_of_ours()} == set(STATIONS)


def test_a_folder_imports_only_folders_below_it() -> None:
    modules = modules_of_ours()
    offences = []
    for module, path in modules.items():
        here = STATIONS.index(station_of(module))
        for imported in imports_of(path):
            if imported == "scoreserve.__version__" or not is_within(imported, "scoreserve"):
                continue
            there = STATIONS.index(station_of(module_of(imported, modules)))
            if there < here:
                offences.append(f"{module} imports {imported}")
    assert not offences


def test_there_is_no_circle() -> None:
    modules = modules_of_ours()
    below = {
        module: {module_of(name, modules) for name in imports_of(path)} & modules.keys()
        for module, path in modules.items()
    }
    while leaves := [module for module, imported in below.items() if not imported]:
        for module in leaves:
            del below[module]
        for imported in below.values():
            imported.difference_update(leaves)
    assert not below


@pytest.mark.parametrize("side", IN_THE_HALL)
def test_little_lies_outside_the_rooms(side: str) -> None:
    found = {path.stem for path in (PACKAGE / side).glob("*.py")} - {"__init__"}
    assert found == IN_THE_HALL[side]


def modules_of_ours() -> dict[str, Path]:
    """Name and file of every module of the package."""
    found = [name for _, name, _ in pkgutil.walk_packages([str(PACKAGE)], prefix="scoreserve.")]
    return {name: file_of(name) for name in ("scoreserve", *found) if name != "scoreserve.__main__"}
