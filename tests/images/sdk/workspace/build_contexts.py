"""Build contexts on disk, as the SDK writes them from a manifest."""

from __future__ import annotations

import base64
import io
import tarfile
from pathlib import Path
from typing import Any

from tests.images.sdk.workspace.artifacts import SCHEME
from tests.images.sdk.workspace.blobs import Blobs


def write_context(manifest: dict[str, Any], blobs: Blobs, folder: Path) -> None:
    """Writes the entries of a manifest into an empty folder."""
    for entry in manifest["context"]:
        path = folder / entry["path"]
        if entry["entryType"] == "inline":
            path.write_bytes(base64.b64decode(entry["content"]))
            continue
        path.mkdir(parents=True, exist_ok=True)
        prefix = entry["uri"].removeprefix(SCHEME)
        if entry["unpack"]:
            with tarfile.open(fileobj=io.BytesIO(blobs.contents[prefix])) as archive:
                archive.extractall(path, filter="data")
            continue
        for name in blobs.names(prefix):
            file = path / Path(name).relative_to(Path(prefix).parent)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(blobs.contents[name])
