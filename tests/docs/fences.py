"""The fenced blocks of a page, and what their titles say: the marks that readers see too.

```python title="score.py"        a file: the reader saves it, the test writes it
```bash                           commands: they run, one block after the other, and succeed
```bash title="Exits with 2"      the same, but for its exit code
```bash title="Terminal 1"        where its last command is a server, it goes on running there
                                  until the next block for the same terminal, or the page, ends
```bash title="Needs Docker"      not run here: Docker, Azure, a cluster, a GPU, the network ...
```text title="Prints"            what the last commands printed; `...` stands for any text
```text title="Terminal 1 prints" the same of a server
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

NEEDS = (
    "a cluster",
    "a GPU",
    "an editor",
    "Azure",
    "Docker",
    "mlflow-skinny",
    "pyarrow",
    "the network",
    "time",
)

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n"
    r"(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_FILE = re.compile(r"(?:[\w.-]+/)*[\w-]*\.?\w+\.\w+|Dockerfile")


@dataclass(frozen=True)
class Fence:
    """A block of a page: `line` is that of its first line, `title` is empty where it has none."""

    language: str
    title: str
    text: str
    line: int

    @property
    def file(self) -> str | None:
        """The name of the file that it is, if it is one."""
        return self.title if _FILE.fullmatch(self.title) else None

    @property
    def needs(self) -> str | None:
        """What running it needs that a test has not, if anything."""
        return self.title.removeprefix("Needs ") if self.title.startswith("Needs ") else None

    @property
    def terminal(self) -> str:
        """The terminal that its commands are for, or whose output it is."""
        found = re.match(r"Terminal \d", self.title)
        return found[0] if found else ""

    @property
    def exit_code(self) -> int:
        """What its commands exit with."""
        found = re.fullmatch(r"Exits with (\d+)", self.title)
        return int(found[1]) if found else 0

    @property
    def is_output(self) -> bool:
        return self.title == "Prints" or self.title.endswith(" prints")

    @property
    def is_commands(self) -> bool:
        return self.language == "bash" and self.file is None


def fences(page: Path) -> list[Fence]:
    """All of a page, from top to bottom."""
    content = page.read_text(encoding="utf-8")
    found = []
    for fence in _FENCE.finditer(content):
        indent = len(fence["indent"])
        text = "".join(line[indent:] or "\n" for line in fence["text"].splitlines(keepends=True))
        line = content.count("\n", 0, fence.start()) + 2
        found.append(Fence(fence["language"], fence["title"] or "", text, line))
    return found
