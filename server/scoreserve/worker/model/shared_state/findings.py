"""What stands in the way of calls that are under way together, each with its line."""

from __future__ import annotations

import ast
from typing import NamedTuple


class Obstacle(NamedTuple):
    """A line of the script's own code for which its calls must not be under way together."""

    path: str  # file of the script's own module
    line: int
    source: str  # that line, stripped
    reason: str  # plain words, e.g. "stores to the global name `count`"


class Findings:
    """Obstacles in the order in which they were met, one for each line and reason."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int, str], Obstacle] = {}

    def add(self, path: str, lines: list[str], line: int, reason: str) -> None:
        """Note that `line`, counted from 1, is an obstacle."""
        source = lines[line - 1].strip() if 0 < line <= len(lines) else ""
        self._found.setdefault((path, line, reason), Obstacle(path, line, source, reason))

    def sorted(self) -> list[Obstacle]:
        """All of them, by file and line."""
        return sorted(self._found.values())


def words(node: ast.AST) -> str:
    """The source of an expression, short enough for one line of a log."""
    text = ast.unparse(node)
    return text if len(text) <= 60 else f"{text[:57]}..."
