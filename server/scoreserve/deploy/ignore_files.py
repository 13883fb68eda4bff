"""What stays out of a folder of code: what its .amlignore says, or else its .gitignore.

The rules are azure-ai-ml's for the code of a deployment that it uploads. One file counts, at the
top of the folder; its patterns are git's. The SDK of v1 follows neither for a source directory.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from scoreserve.deploy.text_files import read_text
from scoreserve.errors import DeploymentError

Excludes = Callable[[str], bool]  # whether a path stays out

_NAMES = (".amlignore", ".gitignore")  # the first that is there counts
_INSTALL = "pip install 'scoreserve[deploy]'"


def ignore_file(folder: Path) -> Path | None:
    """The file that says what stays out of a folder, if it has one."""
    return next((path for path in (folder / name for name in _NAMES) if path.is_file()), None)


def read(path: Path) -> Excludes:
    """What a file says of the paths below its folder. Raises DeploymentError."""
    try:
        from pathspec import GitIgnoreSpec  # late: few folders have such a file
    except ImportError:
        raise DeploymentError(f"{path}: reading it needs pathspec: {_INSTALL}") from None
    try:
        spec = GitIgnoreSpec.from_lines(read_text(path).splitlines())
    except ValueError as error:
        raise DeploymentError(f"{path}: {error}") from None
    takes_back = any(pattern.include is False for pattern in spec.patterns)  # by a `!pattern`

    def excludes(written: str) -> bool:
        below = os.path.relpath(written, path.parent)
        if not os.path.isdir(written):
            return spec.match_file(below)
        # Something in it may come back: then each of its files is asked for.
        return not takes_back and spec.match_file(f"{below}/")

    return excludes
