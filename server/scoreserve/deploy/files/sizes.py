"""Sizes and quantities as Docker and Kubernetes write them."""

from __future__ import annotations

import re

_UNITS = {
    "": 1,
    **{unit: 1024**power for power, unit in enumerate("bkmgt")},  # Docker's
    **{f"{unit}b": 1024**power for power, unit in enumerate("kmgt", 1)},
    **{f"{unit}i": 1024**power for power, unit in enumerate("kmgtpe", 1)},  # Kubernetes'
}
_DECIMAL = {unit: 1000**power for power, unit in enumerate("kMGTPE", 1)}  # Kubernetes'
_NUMBER = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]*)")


def size_bytes(text: str) -> int:
    """Bytes of a size for Docker, such as 2g: powers of 1024. Raises ValueError."""
    number, unit = _split(text)
    if unit.lower() not in _UNITS:
        raise ValueError(f"must be a size such as 2g, not {text!r}")
    return int(number * _UNITS[unit.lower()])


def memory_bytes(text: str) -> int:
    """Bytes of a quantity of Kubernetes, such as 0.5Gi or 500M. Raises ValueError."""
    number, unit = _split(text)
    if unit in _DECIMAL:
        return int(number * _DECIMAL[unit])
    if unit and not unit.endswith("i"):
        raise ValueError(f"must be a quantity such as 0.5Gi, not {text!r}")
    return size_bytes(text)


def cpus(text: str) -> float:
    """CPUs of a quantity of Kubernetes, such as 100m or 2. Raises ValueError."""
    number, unit = _split(text)
    if unit not in ("", "m"):
        raise ValueError(f"must be a quantity such as 100m or 2, not {text!r}")
    return number / 1000 if unit else number


def _split(text: str) -> tuple[float, str]:
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"must be a number with a unit, not {text!r}")
    return float(found[1]), found[2]
