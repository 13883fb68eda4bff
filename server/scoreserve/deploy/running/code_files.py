"""The script's files in a container that runs: those of now take the place of those that were put
there before, and give it back where the script does not load. What the script has written itself
stays.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable

from scoreserve.deploy.deployment import APP_ROOT, Code
from scoreserve.deploy.running import payload
from scoreserve.deploy.running.engine import Engine
from scoreserve.deploy.running.payload import CODE_LIST


def put(engine: Engine, container: str, code: Code) -> Callable[[], None]:
    """Puts the files of now there; what is returned puts those of before back. Raises
    DeploymentError.
    """
    archive = payload.code_archive(code)
    listed = engine.read_file(container, CODE_LIST)
    before, now = payload.names_in(listed), payload.names_in(archive)
    kept = engine.read_file(container, posixpath.join(APP_ROOT, code.target))

    def put_back() -> None:
        _remove(engine, container, now - before)
        engine.copy_into(container, kept, APP_ROOT)
        engine.copy_into(container, listed, posixpath.dirname(CODE_LIST))

    _remove(engine, container, before - now)
    engine.copy_into(container, archive)
    return put_back


def _remove(engine: Engine, container: str, names: Iterable[str]) -> None:
    engine.remove_files(container, [posixpath.join(APP_ROOT, name) for name in sorted(names)])
