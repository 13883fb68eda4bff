"""The pages of docs/guides and README.md: each is read from top to bottom, in one sitting."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.contract.executables import reference_executable
from tests.docs.fences import NEEDS, Fence, fences
from tests.docs.reader import Reader
from tests.servers import clean_environment
from tests.telemetry import azure_collector

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs/guides").glob("*.md"))]
BLOCKS = [
    pytest.param(page, fence, id=f"{page.name}:{fence.line}")
    for page in PAGES
    for fence in fences(page)
]


def runs(page: Path) -> bool:
    return any(fence.is_commands and fence.needs is None for fence in fences(page))


def packages_of(page: Path) -> dict[str, str]:
    """What has Python find packages that this page has its reader install, and other tests not."""
    if page.name != "model-data.md":
        return {}
    if not azure_collector.FOLDER.exists():
        pytest.skip("needs azureml-ai-monitoring: make .venv-collector/.installed")
    return azure_collector.on_path()


@pytest.mark.parametrize("page", [page for page in PAGES if runs(page)], ids=lambda page: page.name)
def test_what_a_page_says_is_so(page: Path, tmp_path: Path) -> None:
    reader = Reader(tmp_path, {**clean_environment(), **packages_of(page)})
    shutil.copytree(ROOT / "examples", tmp_path / "work/examples")
    (tmp_path / "work/reference").symlink_to(reference_executable().parents[1])
    try:
        for fence in fences(page):
            reader.follow(fence)
    finally:
        reader.close()


@pytest.mark.parametrize(("page", "fence"), BLOCKS)
def test_a_block_is_well_formed(page: Path, fence: Fence) -> None:
    """Those that are not run included."""
    if fence.needs is not None:
        assert fence.needs in NEEDS, f"{page}:{fence.line}"
    if fence.is_commands:
        done = subprocess.run(["bash", "-n", "-c", fence.text], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
    elif fence.language == "yaml":
        assert list(yaml.safe_load_all(fence.text))
    elif fence.language == "json" and not fence.is_output:
        json.loads(fence.text)
    elif fence.language == "python":
        compile(fence.text, f"{page}:{fence.line}", "exec")
