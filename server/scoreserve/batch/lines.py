"""Slices of files of lines."""

from __future__ import annotations

from scoreserve.batch.work import Slice


def read_lines(part: Slice) -> list[str]:
    """The lines that are not blank, without their ends. What is no UTF-8 is replaced."""
    with open(part.path, "rb") as file:
        file.seek(part.start)
        text = file.read(part.size)
    return [
        line.decode("utf-8", "replace").rstrip("\r") for line in text.split(b"\n") if line.strip()
    ]
