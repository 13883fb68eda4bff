"""A conda channel in a folder, with a few tiny packages: `file://` is as good as any server.

The package `python` is one that is there already, in the way of a venv: so environments of the
channel's packages can import what is installed into them.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SUBDIR = {"x86_64": "linux-64", "aarch64": "linux-aarch64"}.get(platform.machine(), "linux-64")
_PYTHON = os.path.realpath(sys.executable)
_VERSION = ".".join(map(str, sys.version_info[:2]))


def make_channel(folder: Path, python: str = _PYTHON, version: str = _VERSION) -> str:
    """Fills a folder. `version` is that of the interpreter `python`. Returns the channel's URL."""
    records: dict[str, dict[str, Any]] = {"noarch": {}, SUBDIR: {}}
    home = f"home = {os.path.dirname(python)}\n"
    records[SUBDIR] |= _package(
        folder / SUBDIR,
        {"name": "python", "version": f"{version}.0", "build": "0_tests", "depends": []},
        {"pyvenv.cfg": home, f"lib/python{version}/site-packages/README.txt": "\n"},
        links={"bin/python": python},
    )
    for release in ("1.2.3", "1.3.0"):
        records["noarch"] |= _package(
            folder / "noarch",
            {
                "name": "libgreetings",
                "version": release,
                "build": "py_0",
                "depends": ["python >=3.8"],
                "noarch": "python",
            },
            {"site-packages/greetings.py": f"VERSION = {release!r}\n"},
        )
    for subdir, packages in records.items():
        document = {"info": {"subdir": subdir}, "packages": packages, "repodata_version": 1}
        (folder / subdir / "repodata.json").write_text(json.dumps(document), encoding="utf-8")
    return folder.as_uri()


def _package(
    folder: Path, about: Mapping[str, Any], files: Mapping[str, str], links: Mapping[str, str] = {}
) -> dict[str, dict[str, Any]]:
    """Writes a package. Returns its entry for repodata.json."""
    folder.mkdir(parents=True, exist_ok=True)
    index = {**about, "build_number": 0, "subdir": folder.name}
    paths = [_path(name, text.encode(), "hardlink") for name, text in files.items()]
    paths += [_path(name, b"", "softlink") for name in links]
    info: dict[str, Any] = {
        "info/index.json": index,
        "info/paths.json": {"paths_version": 1, "paths": paths},
        "info/about.json": {},
    }
    if "noarch" in about:
        link = {"package_metadata_version": 1, "noarch": {"type": about["noarch"]}}
        info["info/link.json"] = link
    archive = folder / f"{about['name']}-{about['version']}-{about['build']}.tar.bz2"
    with tarfile.open(archive, "w:bz2") as tar:
        texts = {name: json.dumps(document) for name, document in info.items()}
        texts |= {"info/files": "\n".join([*files, *links]) + "\n", **files}
        for name, text in texts.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
        for name, target in links.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    content = archive.read_bytes()
    sums = {"sha256": hashlib.sha256(content).hexdigest(), "md5": hashlib.md5(content).hexdigest()}
    return {archive.name: {**index, **sums, "size": len(content)}}


def _path(name: str, content: bytes, kind: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"_path": name, "path_type": kind}
    digest = hashlib.sha256(content).hexdigest()
    return {**entry, "sha256": digest, "size_in_bytes": len(content)}
