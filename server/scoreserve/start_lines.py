"""The six lines that `scoreserve serve` says of itself at its start: where it is, what it serves.
Other protocols than that of /score have a line more.

`azmlinfsrv` prints those of the reference instead, see `banner`.
"""

from __future__ import annotations

import importlib.util
import os
import platform
from collections.abc import Iterator

from scoreserve import __version__, wire
from scoreserve.model_files import without_script
from scoreserve.protocols import scored_paths
from scoreserve.setting_values import ALL_ADDRESSES
from scoreserve.settings import Settings

# Where the files of the page at /docs come from, see front/api/docs.py.
DOCS_PACKAGE = "flask_swagger_ui"


def version() -> str:
    """Name and version, and whether it is compiled (see hatch_build.py)."""
    compiled = not str(wire.__file__).endswith(".py")
    return f"scoreserve {__version__}{' (compiled)' if compiled else ''}"


def start_lines(settings: Settings) -> str:
    """The lines, a model directory that is not there included."""
    return "\n".join(_lines(settings))


def _lines(settings: Settings) -> Iterator[str]:
    url = f"http://{_host(settings.host)}:{settings.port}"
    yield f"{version()} on Python {platform.python_version()}"
    yield f"  score    POST {url}/score"
    if paths := scored_paths(settings):
        yield f"  also     POST {'  '.join(f'{url}{path}' for path in paths)}"
    yield f"  pages    {'  '.join(f'{url}{path}' for path in _pages(settings))}"
    yield f"  script   {_script(settings)}"
    yield f"  model    {_model(settings)}"
    yield f"  workers  {settings.workers}, batching {_batching(settings)}"


def _host(host: str) -> str:
    """What a client on this machine may write for it."""
    return "localhost" if host in {ALL_ADDRESSES, "[::]"} else host


def _pages(settings: Settings) -> Iterator[str]:
    if settings.pages:
        if importlib.util.find_spec(DOCS_PACKAGE) is not None:
            yield "/docs"
        yield "/status"
    yield "/metrics"


def _script(settings: Settings) -> str:
    if without_script(settings) is not None:
        return "none: the model is served without one"
    path = settings.script_path or os.path.join(settings.app_root, "main.py")
    return os.path.abspath(path)


def _model(settings: Settings) -> str:
    named = settings.model or settings.model_dir
    if named is None:
        return "no directory is named (--model-dir)"
    path = os.path.abspath(named)
    return path if os.path.exists(path) else f"{path}, which does not exist"


def _batching(settings: Settings) -> str:
    if settings.max_batch_size == 1 or settings.batching == "off":
        return "off"
    if settings.batching == "rows":
        return f"by rows: up to {settings.max_batch_size} rows share a call of run()"
    return f"in the model: up to {settings.max_batch_size} requests share a call of predict"
