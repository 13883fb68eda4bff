"""docs/differences.md, from the table of tests/contract/differences.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

_TABLE = Path(__file__).resolve().parents[2] / "tests/contract/differences.yaml"

_HEAD = """\
# All differences

<!-- Written by docs/site/differences_page.py from tests/contract/differences.yaml: `make docs`. -->

The **reference** is Microsoft's `azureml-inference-server-http`. This is the whole list of what
scoreserve does otherwise, on purpose. Each line is held by tests that send the same request to both
servers; whatever else differs is a fault. What Application Insights gets has
[a list of its own](guides/telemetry.md#differences-from-the-reference), held in the same way.

| the reference | scoreserve | why |
|---|---|---|
"""


def page() -> str:
    """The page, in Markdown."""
    return _HEAD + "".join(_rows())


def _rows() -> Iterator[str]:
    table: dict[str, dict[str, Any]] = yaml.safe_load(_TABLE.read_text(encoding="utf-8"))
    for row in table.values():
        cells = (row[column].replace("|", "&#124;") for column in ("reference", "ours", "reason"))
        yield f"| {' | '.join(cells)} |\n"
