"""What can be said of a script and its model directory without running anything."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator

from scoreserve.check import imports, shared_memory
from scoreserve.check.findings import Finding, Level, ok
from scoreserve.compat import finder
from scoreserve.settings import Settings
from scoreserve.worker.script import entry_script
from scoreserve.worker.script.distributions import distribution_of

_MODEL_DIR = "AZUREML_MODEL_DIR"


def findings(settings: Settings) -> Iterator[Finding]:
    """What can be said without running the script."""
    path = settings.script_path
    if path is not None and not settings.model:
        finder.install()
        entry_script.prepare_import_path(settings)
        yield from _of_script(path, settings)
    yield _of_model_dir(settings)
    yield from shared_memory.findings(settings)


def _of_script(path: str, settings: Settings) -> Iterator[Finding]:
    if not os.path.isfile(path):
        yield Finding("script", Level.ERROR, f"there is no file {path}")
        return
    if not path.endswith(".py"):  # compiled: there is no text to look at
        yield ok("script", path)
        return
    try:
        found = imports.of_script(path)
    except SyntaxError as error:
        where = f"{error.filename}, line {error.lineno}\n{(error.text or '').strip()}"
        version = ".".join(map(str, sys.version_info[:2]))
        remedy = f"Correct this line. It is read by Python {version}."
        yield Finding("script", Level.ERROR, f"{type(error).__name__}: {error.msg}", where, remedy)
        return
    except (OSError, ValueError) as error:
        yield Finding("script", Level.ERROR, f"{path} cannot be read: {error}")
        return
    yield ok("script", path)
    missing = list(found.missing)
    if not missing:
        yield ok("imports", f"all there: {', '.join(sorted(found.found)) or 'none are needed'}")
    for each in missing:
        late = f": {each.function}() would fail" if each.function else ""
        yield Finding(
            "imports",
            Level.WARNING if each.function else Level.ERROR,
            f"no module {each.module}{late}",
            f"{each.path}, line {each.line}",
            _remedy(each.module, path, settings),
        )


def _remedy(module: str, script: str, settings: Settings) -> str:
    top = module.partition(".")[0]
    beside = os.path.dirname(os.path.abspath(script))
    if os.path.exists(os.path.join(beside, f"{top}.py")) or os.path.isdir(
        os.path.join(beside, top)
    ):
        return (
            f"{top} lies beside the script, but modules are looked for in"
            f" {os.path.abspath(settings.app_root)}: name the script's folder, --app-root {beside}"
        )
    return f"pip install {distribution_of(module)}"


def _of_model_dir(settings: Settings) -> Finding:
    about, path = "model directory", settings.model_dir
    if path is None:
        if _reads_model_dir(settings.script_path):
            return Finding(
                about,
                Level.WARNING,
                f"not set, and the script reads {_MODEL_DIR}",
                remedy="Name it: --model-dir DIR.",
            )
        return ok(about, "not set, and not asked for")
    full = os.path.abspath(path)
    if not os.path.isdir(full):
        return Finding(
            about, Level.ERROR, f"there is no folder {full}", remedy="Name it: --model-dir DIR."
        )
    if not os.listdir(full):
        return Finding(about, Level.WARNING, f"{full} is empty")
    return ok(about, full)


def _reads_model_dir(script: str | None) -> bool:
    if script is None or not script.endswith(".py"):
        return False
    with open(script, encoding="utf-8", errors="replace") as file:
        return re.search(rf"\b{_MODEL_DIR}\b", file.read()) is not None
