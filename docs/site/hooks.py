"""What the site does beyond MkDocs: links that leave docs/ are checked, and no page asks another
host for anything.

The pages are read in the repository too, where they link to files that the site does not have, as
examples and Dockerfiles. The site names those by their paths.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

# A warning by a logger of MkDocs ends a strict build.
_log = logging.getLogger("mkdocs.hooks.scoreserve")

_FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[(?P<text>[^]\[]+)\]\((?P<target>[^)#:]+)(?:#[^)]*)?\)")
# What a browser fetches by itself, unlike a link to follow.
_FETCHED = re.compile(r'<(?:script|img|link|iframe)\b[^>]*\b(?:src|href)="((?:https?:)?//[^"]+)"')


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with links to files outside docs/ as these files' paths. Warns of missing ones."""
    docs = Path(config.docs_dir).resolve()
    folder = docs.joinpath(page.file.src_uri).parent

    def outside(link: re.Match[str]) -> str:
        target = (folder / link["target"]).resolve()
        if target.is_relative_to(docs):
            return link[0]  # MkDocs checks it
        if not target.exists():
            _log.warning("%s links to %s, which is not there", page.file.src_uri, link["target"])
        path = target.relative_to(docs.parent).as_posix()
        return f"`{path}`" if link["text"].strip("`") in path else f"{link['text']} (`{path}`)"

    parts, end = [], 0
    for fence in _FENCE.finditer(markdown):
        parts += [_LINK.sub(outside, markdown[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, _LINK.sub(outside, markdown[end:])])


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """The page as it is. Warns of what a browser would fetch from another host."""
    for address in _FETCHED.findall(output):
        _log.warning("%s fetches %s", page.file.src_uri, address)
    return output
