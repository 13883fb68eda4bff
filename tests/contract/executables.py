"""Where the two servers are found."""

from __future__ import annotations

import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


class Missing(Exception):
    """A server is not installed; the message says how to install it."""


def reference_executable() -> Path:
    """The reference server's command, from its own virtual environment."""
    default = REPOSITORY / ".venv-reference" / "bin" / "azmlinfsrv"
    path = Path(os.environ.get("SCORESERVE_REFERENCE", default))
    if not path.exists():
        raise Missing(
            f"The reference server is not installed at {path}. Run `make .venv-reference`, "
            "or set SCORESERVE_REFERENCE to its azmlinfsrv command."
        )
    return path


def our_executable() -> Path:
    """Our azmlinfsrv, or what SCORESERVE_CONTRACT_CANDIDATE names (see README.md)."""
    default = Path(sys.executable).with_name("azmlinfsrv")
    path = Path(os.environ.get("SCORESERVE_CONTRACT_CANDIDATE", default))
    if not path.exists():
        raise Missing(f"Our server is not installed at {path}. Run `pip install -e .` first.")
    return path
