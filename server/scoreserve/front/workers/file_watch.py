"""Watches the script's Python files, for --reload: tells what changed once it stays as it is. A
model that is served without a script is watched too.

Looks at times and sizes twice a second, in a thread, so that a slow disk holds up no request. Only
Python files count: init() and run() may write others, beside the script or in the model directory,
and each would load the model anew. A change is told when the next look finds nothing more, so that
a checkout of many files is one change.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping
from itertools import islice

from scoreserve.model_files import without_script
from scoreserve.settings import Settings

_log = logging.getLogger("azmlinfsrv")

_LOOK_SECONDS = 0.5
_MOST_ENTRIES = 10_000  # files and folders; a look at so many takes about 0.05 s
_MOST_NAMED = 3  # changed files, in the log
_NOT_OURS = frozenset({"__pycache__", "node_modules", "site-packages"})
_VIRTUAL_ENVIRONMENT = "pyvenv.cfg"  # is in its top folder

# (modification time in ns, size in bytes) by path.
Files = Mapping[str, tuple[int, int]]


class FileWatch:
    """What is there now is what the workers load: it is for the time before they start."""

    def __init__(self, settings: Settings) -> None:
        self._folders, self._model = watched_folders(settings), without_script(settings)
        self._told = self._look()

    async def watch(
        self,
        changed: Callable[[str], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Calls `changed` with the names of files that changed, until it is cancelled."""
        _log.info("Watching the Python files in %s", ", ".join(self._folders))
        if self._model is not None:
            _log.info("Watching the model %s", self._model)
        last = self._told
        while True:
            await sleep(_LOOK_SECONDS)
            now = await asyncio.to_thread(self._look)
            if now != self._told and now == last:
                changed(_names(differences(self._told, now)))
                self._told = now
            last = now

    def _look(self) -> Files:
        files = look(self._folders)
        return files if self._model is None else {**files, **look_at_model(self._model)}


def watched_folders(settings: Settings) -> list[str]:
    """AML_APP_ROOT and the script's folder, unless that is within it."""
    root = os.path.abspath(settings.app_root)
    if settings.script_path is None:
        return [root]
    # As it is named: a link may lead to another folder tomorrow.
    beside = os.path.dirname(os.path.abspath(settings.script_path))
    return [root] if os.path.commonpath([root, beside]) == root else [root, beside]


def look_at_model(path: str, most: int = _MOST_ENTRIES) -> Files:
    """The file, or all files in the directory and below, until so many have been seen."""
    files: dict[str, tuple[int, int]] = {}
    paths = (
        os.path.join(folder, name) for folder, _, names in os.walk(path) for name in sorted(names)
    )
    for each in islice(paths, most) if os.path.isdir(path) else [path]:
        with contextlib.suppress(OSError):  # gone meanwhile
            status = os.stat(each)
            files[each] = status.st_mtime_ns, status.st_size
    return files


def look(folders: Collection[str], most: int = _MOST_ENTRIES) -> Files:
    """The Python files in the folders and below, the nearest first, until so many entries have been
    seen. Hidden folders, virtual environments and links to folders are left out.
    """
    files: dict[str, tuple[int, int]] = {}
    ahead = deque(folders)
    seen = 0
    while ahead and seen < most:
        entries = _entries(ahead.popleft())
        seen += len(entries)
        if any(entry.name == _VIRTUAL_ENVIRONMENT for entry in entries):
            continue
        for entry in entries:
            with contextlib.suppress(OSError):  # gone meanwhile, or a link to nothing
                if entry.is_dir(follow_symlinks=False):
                    if not entry.name.startswith(".") and entry.name not in _NOT_OURS:
                        ahead.append(entry.path)
                elif entry.name.endswith(".py"):
                    status = entry.stat()
                    files[entry.path] = status.st_mtime_ns, status.st_size
    return files


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:  # gone meanwhile, or not ours to read
        return []


def differences(before: Files, after: Files) -> list[str]:
    """The files that are new, changed or gone."""
    paths = before.keys() | after.keys()
    return sorted(path for path in paths if before.get(path) != after.get(path))


def _names(paths: Collection[str]) -> str:
    named = ", ".join(list(paths)[:_MOST_NAMED])
    more = len(paths) - _MOST_NAMED
    return f"{named} changed" if more <= 0 else f"{named} and {more} more changed"
