"""Wheels of packages that no index has."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

GREETINGS = {"greetings.py": "def greet(name):\n    return f'Hello, {name}!'\n"}


def write_wheel(directory: Path, name: str, version: str, files: Mapping[str, str]) -> Path:
    """Writes a wheel of these files, by their paths in it, into `directory`, which is made."""
    about = f"{name}-{version}.dist-info"
    contents = {
        **files,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{about}/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
    }
    contents[f"{about}/RECORD"] = "".join(f"{path},,\n" for path in (*contents, f"{about}/RECORD"))
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in contents.items():
            wheel.writestr(zipfile.ZipInfo(file), text)  # of 1980: the same content, the same file
    return path


def write_greetings(directory: Path) -> Path:
    """Writes `greetings` 1.0, whose greet("you") is "Hello, you!"."""
    return write_wheel(directory, "greetings", "1.0", GREETINGS)
