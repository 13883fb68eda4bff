"""What is put into a container before it starts: code, keys, unpacked models, as a tar archive.

Copied rather than mounted, so that an editor which replaces a file, and an engine on another
machine, make no difference. What cannot be read by whoever runs in the container is made readable.
"""

from __future__ import annotations

import io
import posixpath
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from scoreserve.deploy.context import place_code, place_model
from scoreserve.deploy.deployment import APP_ROOT, COLLECTOR_CONFIG, Code, Deployment
from scoreserve.errors import DeploymentError

KEYS_FILE = "/run/scoreserve/api-keys"
CODE_LIST = (
    "/run/scoreserve/code-files"  # those below APP_ROOT that were put there, each ended by 0
)
_SWAGGER = "swagger.json"
_UID, _GID = 1000, 0  # dockeruser, and the group that any uid of OpenShift is in


class Archive:
    """A tar archive in the making, of paths from the root on."""

    def __init__(self) -> None:
        self._bytes = io.BytesIO()
        self._tar = tarfile.TarFile(fileobj=self._bytes, mode="w", format=tarfile.PAX_FORMAT)
        self._folders: set[str] = set()

    def add_tree(self, path: Path, target: str) -> None:
        """A file or a folder with all that is in it. Raises DeploymentError."""
        self._add_parents(target)
        try:
            self._tar.add(path, target.lstrip("/"), filter=_readable)
        except OSError as error:
            raise DeploymentError(f"{error.filename}: cannot be read: {error.strerror}") from None

    def add_text(self, text: str, target: str, mode: int = 0o644) -> None:
        """A file with this text."""
        self._add_parents(target)
        data = text.encode()
        member = tarfile.TarInfo(target.lstrip("/"))
        member.size, member.mode, member.uid, member.gid = len(data), mode, _UID, _GID
        self._tar.addfile(member, io.BytesIO(data))

    def _add_parents(self, target: str) -> None:
        """The folders above; those that the image has stay as they are."""
        for folder in reversed(PurePosixPath(target.lstrip("/")).parents):
            text = str(folder)
            if text in self._folders or text in (".", "run", "etc", "tmp", "var"):
                continue
            self._folders.add(text)
            member = tarfile.TarInfo(text)
            member.type, member.mode, member.uid, member.gid = tarfile.DIRTYPE, 0o775, _UID, _GID
            self._tar.addfile(member)

    def close(self) -> bytes:
        """The archive; no bytes where nothing is in it, since podman takes no empty one."""
        is_empty = not self._tar.getmembers()
        self._tar.close()
        return b"" if is_empty else self._bytes.getvalue()


def _readable(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid, member.gid, member.uname, member.gname = _UID, _GID, "", ""
    member.mode |= 0o555 if member.isdir() else 0o444
    return member


def archive(deployment: Deployment, keys: Sequence[str]) -> bytes:
    """All that a container of this deployment gets; no bytes where that is nothing. Raises
    DeploymentError.
    """
    made = Archive()
    if deployment.code is not None:
        _add_code(made, deployment.code)
    if deployment.schema is not None:
        made.add_tree(deployment.schema, f"{APP_ROOT}/{_SWAGGER}")
    if deployment.collector_config:
        made.add_text(deployment.collector_config, COLLECTOR_CONFIG)
    for model in deployment.models:
        if model.packed:
            with tempfile.TemporaryDirectory(prefix="scoreserve-") as scratch:
                folder = Path(scratch) / "model"
                place_model(folder, model, folder)
                made.add_tree(folder, deployment.model_target(model))
    if keys:
        made.add_text("".join(f"{key}\n" for key in keys), KEYS_FILE, mode=0o440)
    return made.close()


def code_archive(code: Code) -> bytes:
    """The code alone, for a reload, with its CODE_LIST. Raises DeploymentError."""
    made = Archive()
    _add_code(made, code)
    return made.close()


def _add_code(made: Archive, code: Code) -> None:
    with tempfile.TemporaryDirectory(prefix="scoreserve-") as scratch:
        folder = Path(scratch) / "code"
        place_code(folder, code, Path(scratch))
        made.add_tree(folder, APP_ROOT)
        files = [path for path in folder.rglob("*") if not path.is_dir()]
        names = sorted(path.relative_to(folder).as_posix() for path in files)
    made.add_text("".join(f"{name}\0" for name in names), CODE_LIST)


def names_in(archive_bytes: bytes) -> frozenset[str]:
    """The names in an archive with a CODE_LIST, whose folder may be left out."""
    with tarfile.open(fileobj=io.BytesIO(archive_bytes)) as tar:
        return frozenset(_text_in(tar, CODE_LIST).split("\0")[:-1])


def keys_in(archive_bytes: bytes) -> tuple[str, ...]:
    """The keys in what `Engine.read_file` gives of KEYS_FILE."""
    with tarfile.open(fileobj=io.BytesIO(archive_bytes)) as tar:
        return tuple(_text_in(tar, KEYS_FILE).split())


def _text_in(tar: tarfile.TarFile, path: str) -> str:
    """The text of a file in an archive, where it may lie without its folder."""
    names = (path.lstrip("/"), posixpath.basename(path))
    file = tar.extractfile(next(each for each in tar.getmembers() if each.name in names))
    return "" if file is None else file.read().decode()
