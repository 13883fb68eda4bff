"""Writes the pages that are made from tables, as `make docs` does."""

from __future__ import annotations

from pathlib import Path

from docs.site import differences_page, settings_page

DOCS = Path(__file__).resolve().parents[1]
PAGES = {"differences.md": differences_page.page, "settings.md": settings_page.page}


def main() -> None:
    """Writes each of them."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
