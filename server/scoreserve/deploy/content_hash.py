"""The name of an environment's image, by what is in it: equal content, equal name.

As Azure names them, `azureml/azureml_<32 hex>`. Names, versions and variables of an environment do
not count; base, Dockerfile steps, channels, packages in their order, and files do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_DIGITS = 32
_CHUNK_BYTES = 1 << 20


def image_name(parts: Mapping[str, Any]) -> str:
    """The name for an image that is made of these parts, which JSON can hold."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"azureml/azureml_{digest[:_DIGITS]}"


def files_in(folder: Path) -> dict[str, str]:
    """Digest of each file in a folder, by its path in it; with an `x` where it can be executed."""
    return {
        str(
            path.relative_to(folder)
        ): f"{_digest(path)}{'x' if path.stat().st_mode & 0o100 else ''}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            found.update(chunk)
    return found.hexdigest()
