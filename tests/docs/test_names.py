"""What pages call a setting or a flag is one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scoreserve.cli import batch, bench, check, dev, init, serve
from scoreserve.cli.flags import Parser
from scoreserve.settings import sources

ROOT = Path(__file__).parents[2]
FOLDERS = ("base-images", "docs", "examples")
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *(page for folder in FOLDERS for page in ROOT.glob(f"{folder}/**/*.md")),
]
VARIABLES = {variable for _, source in sources() for variable in source.env}
# Of programs beside the server.
OTHERS = {
    "SCORESERVE_COMPILE",
    "SCORESERVE_CONDA_SOLVER",
    "SCORESERVE_CONDA_STRICT",
    "SCORESERVE_LIST_PACKAGES",
    "SCORESERVE_REFERENCE",
    "SCORESERVE_WORKER_INDEX",  # which the server sets
}
# What pages show as no setting.
NONE = {
    "SCORESERVE_MAX_BATCHSIZE",
    "SCORESERVE_PORT",
    "SCORESERVE_SERVICE_HOST",
    "SCORESERVE_WORKERS",
    "--entry-scrpt",
}


@pytest.fixture(scope="module")
def flags() -> dict[str, set[str]]:
    """Those of each command."""
    commands = Parser().add_subparsers()
    for module in (init, dev, check, bench, serve, batch):
        module.add_to(commands)
    return {
        name: {flag for action in parser._actions for flag in action.option_strings}
        for name, parser in commands.choices.items()
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_variable_is_one(page: Path) -> None:
    named = set(re.findall(r"\bSCORESERVE_[A-Z0-9_]*[A-Z0-9]\b", page.read_text(encoding="utf-8")))
    assert named <= VARIABLES | OTHERS | NONE


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_flag_of_a_command_is_one(page: Path, flags: dict[str, set[str]]) -> None:
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for command, rest in re.findall(r"\bscoreserve (\w+)((?: +[^\n`|#;&]+)?)", text):
        if command in flags:
            named = set(re.findall(r"(?<!\S)--[a-z-]+", rest))
            assert named <= flags[command] | NONE, f"scoreserve {command}{rest}"
