"""Which packages are installed, found out without importing them, nor the packages they lie in: of
some of these, other distributions make more than a name.
"""

from __future__ import annotations


def is_installed(distribution: str) -> bool:
    """Whether there is a distribution of this name."""
    # Imported where telemetry is on: it takes longer than all else here.
    from importlib.metadata import PackageNotFoundError, version

    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True
