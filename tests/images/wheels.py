"""A wheel of a package that no index has."""

from __future__ import annotations

import zipfile
from pathlib import Path

_FILES = {
    "greetings.py": "def greet(name):\n    return f'Hello, {name}!'\n",
    "greetings-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: greetings\nVersion: 1.0\n",
    "greetings-1.0.dist-info/WHEEL": (
        "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    ),
}


def write_greetings(directory: Path) -> Path:
    """Writes `greetings` 1.0, whose greet("you") is "Hello, you!"."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "greetings-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in _FILES.items():
            wheel.writestr(name, text)
        record = "".join(f"{name},,\n" for name in _FILES)
        wheel.writestr("greetings-1.0.dist-info/RECORD", record)
    return path
