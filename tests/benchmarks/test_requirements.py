"""What the servers of the benchmark are made of."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
PINS = PROJECT / "benchmarks" / "requirements" / "scoreserve.txt"


def test_scoreserve_has_all_that_it_asks_for() -> None:
    """After a change of dependencies: `make bench-pins`."""
    project = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.search(r"^dependencies = \[\n(.*?)^\]", project, re.MULTILINE | re.DOTALL)
    assert listed is not None
    wanted = set(re.findall(r'^ +"([a-z0-9-]+)', listed[1], re.MULTILINE))
    assert len(wanted) > 5
    pinned = set(re.findall(r"^([a-z0-9-]+)==", PINS.read_text(encoding="utf-8"), re.MULTILINE))
    assert wanted <= pinned
