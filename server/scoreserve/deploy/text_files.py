"""Reads the text files of a user."""

from __future__ import annotations

from pathlib import Path

from scoreserve.errors import DeploymentError


def read_text(path: Path) -> str:
    """The text of a file, without a byte order mark. Raises DeploymentError."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DeploymentError(f"{path}: is no text in UTF-8: {error.reason}") from None
    except OSError as error:
        raise DeploymentError(f"{path}: {error.strerror}") from None
