"""The pages that are written from tables."""

from __future__ import annotations

import pytest
from docs.site import settings_page
from docs.site.generate import DOCS, PAGES

from scoreserve.settings import sources


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_its_table_says(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


def test_each_setting_stands_there_with_all_its_names() -> None:
    lines = settings_page.page().splitlines()
    for name, source in sources():
        row = next(line for line in lines if line.startswith(f"| **{name}**<br>"))
        assert source.flag is None or f"`{source.flag}`" in row
        assert [variable for variable in source.env if f"`{variable}`" not in row] == []
        assert source.help in row
