"""A registry of one image: the SDKs build with `pull=True`, so the base must be in a registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.http_server import serving
from tests.images.podman import podman


@contextmanager
def registry(image: str, folder: Path) -> Iterator[str]:
    """Serves an image of podman's, which is copied into the folder; HOST:PORT."""
    podman("push", "--quiet", image, f"oci:{folder}:latest")
    index = json.loads((folder / "index.json").read_text())
    blobs = folder / "blobs"
    manifest = index["manifests"][0]

    class Handler(BaseHTTPRequestHandler):
        """GET and HEAD of the distribution API, https://distribution.github.io/distribution/spec/api."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            *_, kind, reference = self.path.rstrip("/").split("/")
            if kind not in ("manifests", "blobs"):
                self._send(b"{}", "application/json", "")
                return
            is_manifest = kind == "manifests"
            digest = manifest["digest"] if is_manifest and ":" not in reference else reference
            path = blobs / digest.replace(":", "/")
            if not path.is_file():
                self.send_error(404)
                return
            media_type = manifest["mediaType"] if is_manifest else "application/octet-stream"
            self._send(path.read_bytes(), media_type, digest)

        do_HEAD = do_GET  # noqa: N815  # http.server's name

        def _send(self, body: bytes, media_type: str, digest: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            if digest:
                self.send_header("Docker-Content-Digest", digest)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with serving(Handler) as port:
        try:
            yield f"localhost:{port}"
        finally:
            ours = ("--filter", f"reference=localhost:{port}/*")
            for pulled in podman("images", *ours, "--format", "{{.Repository}}:{{.Tag}}").split():
                podman("untag", pulled)
