"""Answers /docs: the service's OpenAPI document in Swagger UI, where a request can be tried out.

Swagger UI's files come from the package of the extra `docs`, which holds them as upstream releases
them. The package is located, never imported: that would bring flask into the front. What a client
asks for is looked up by its exact path, so no path of a client's reaches the file system.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from scoreserve.errors import NoSuchPath
from scoreserve.front.api.asgi import Receive
from scoreserve.front.api.routes import Route
from scoreserve.front.messages.replies import Reply, bare_error, lines_of
from scoreserve.wire import RequestHead

_PACKAGE = "flask_swagger_ui"
_HTML, _JS, _CSS, _PNG = (
    b"text/html; charset=utf-8",
    b"text/javascript; charset=utf-8",
    b"text/css; charset=utf-8",
    b"image/png",
)
_FROM_PACKAGE = {
    "swagger-ui.css": _CSS,
    "swagger-ui-bundle.js": _JS,
    "swagger-ui-standalone-preset.js": _JS,
    "favicon-32x32.png": _PNG,
}

# Addresses are relative: in front of the service there may be a proxy that adds a path prefix.
_PAGE = b"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Scoring service</title>
<link rel="icon" type="image/png" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
<style>body { margin: 0 }</style>
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/swagger-ui-standalone-preset.js"></script>
<script src="docs/init.js"></script>
</body>
</html>
"""

_PAGE_WITHOUT_PACKAGE = b"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Scoring service</title>
</head>
<body>
<p>This page shows the service's API once Swagger UI is installed beside the server:</p>
<pre>pip install 'scoreserve[docs]'</pre>
<p>Then restart the server. The document itself:
<a href="swagger.json?version=3">OpenAPI 3.0</a>,
<a href="swagger.json?version=3.1">OpenAPI 3.1</a>,
<a href="swagger.json?version=2">Swagger 2.0</a>.</p>
</body>
</html>
"""

# A file of its own, so that the page needs no inline script. `validatorUrl`: by default the
# document's address is sent to a validator on the internet.
_INIT = b"""window.ui = SwaggerUIBundle({
  dom_id: "#swagger-ui",
  urls: [
    {name: "OpenAPI 3.0", url: "swagger.json?version=3"},
    {name: "OpenAPI 3.1", url: "swagger.json?version=3.1"},
    {name: "Swagger 2.0", url: "swagger.json?version=2"},
  ],
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  layout: "StandaloneLayout",
  validatorUrl: null,
});
"""

# The page takes everything from its own origin; data: holds Swagger UI's icons, blob: images that
# a script answers with.
_CONTENT_SECURITY_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    b" img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none';"
    b" frame-ancestors 'self'"
)

# The addresses name no version of a file, so a browser asks each time whether its copy is good.
_REVALIDATE = (b"cache-control", b"no-cache")


class _File(NamedTuple):
    """A file under /docs: its answer, and the etag a browser that has it already asks with."""

    reply: Reply
    etag: bytes


class Docs:
    """The files under /docs, by path. They are read when the first of them is asked for."""

    def __init__(self, package: str = _PACKAGE) -> None:
        self._package = package
        self._files: Mapping[str, _File] | None = None

    async def answer(self, path: str, head: RequestHead) -> Reply:
        """The reply for the file at `path`, one of ours; 404 for a file there is no package for."""
        if self._files is None:  # in a thread: scoring does not wait for a disk
            self._files = await asyncio.to_thread(_read_files, self._package)
        file = self._files.get(path)
        if file is None:
            return bare_error(NoSuchPath())
        # Contained in, not equal to: a browser may send several, a proxy that compresses marks W/.
        if file.etag in (head.header(b"if-none-match") or b""):
            return Reply(304, lines_of([(b"etag", file.etag), _REVALIDATE]))
        return file.reply


class DocsFile:
    """Answers one path under /docs."""

    def __init__(self, docs: Docs, path: str) -> None:
        self._docs = docs
        self._path = path

    async def __call__(self, head: RequestHead, receive: Receive) -> Reply:
        return await self._docs.answer(self._path, head)


def routes(docs: Docs | None = None) -> dict[str, Route]:
    """The routes of /docs and of what the page loads."""
    docs = docs or Docs()
    paths = ["/docs", "/docs/init.js", *(f"/docs/{name}" for name in _FROM_PACKAGE)]
    read = frozenset({"GET", "HEAD"})
    return {path: Route(DocsFile(docs, path), read, guarded=True) for path in paths}


def _read_files(package: str) -> dict[str, _File]:
    """The files by path; without the package, or with half of it, a page that says what to do."""
    try:
        folder = _package_folder(package)
        files = {
            f"/docs/{name}": _file(content_type, (folder / "dist" / name).read_bytes())
            for name, content_type in _FROM_PACKAGE.items()
        }
    except OSError:
        return {"/docs": _file(_HTML, _PAGE_WITHOUT_PACKAGE)}
    return {"/docs": _file(_HTML, _PAGE), "/docs/init.js": _file(_JS, _INIT), **files}


def _package_folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(package)
    return Path(spec.submodule_search_locations[0])


def _file(content_type: bytes, body: bytes) -> _File:
    etag = b'"%b"' % hashlib.sha256(body).hexdigest()[:32].encode()
    headers = [
        (b"content-type", content_type),
        (b"content-length", b"%d" % len(body)),
        (b"content-security-policy", _CONTENT_SECURITY_POLICY),
        (b"x-content-type-options", b"nosniff"),
        (b"etag", etag),
        _REVALIDATE,
    ]
    return _File(Reply(200, lines_of(headers), body), etag)
