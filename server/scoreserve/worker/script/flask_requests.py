"""Flask's request and response for scripts that use them: @rawhttp, AMLResponse, flask.request.

A request is a real flask request over a WSGI environ as gunicorn would make it; run() is called
inside its context. Imported only when a script has imported flask.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager
from io import BytesIO
from typing import Any

import flask

from scoreserve.heads import RequestHead
from scoreserve.wire import Buffer

Environ = dict[str, Any]

_app = flask.Flask("azmlinfsrv")
# So that request.endpoint, request.url_rule and url_for say what they say under the reference.
_app.add_url_rule("/", "main.health_probe")
_app.add_url_rule("/swagger.json", "main.get_swagger_specification")
_app.add_url_rule(
    "/score",
    "main.handle_score",
    methods=["GET", "POST", "OPTIONS"],
    provide_automatic_options=False,
)


def request_context(head: RequestHead, body: Buffer) -> AbstractContextManager[Any]:
    """The flask context of one request; entering it makes `flask.request` that request."""
    return _app.request_context(_environ(head, body))


def finish(
    response: flask.Response, head: RequestHead
) -> tuple[int, list[tuple[str, str]], Iterable[bytes], bool]:
    """(status, headers, body, whether the body is to be streamed) of what a run() returned."""
    streamed = response.is_streamed
    environ: Environ = {"REQUEST_METHOD": head.method.decode("latin-1")}
    body, _, headers = response.get_wsgi_response(environ)
    return response.status_code, headers, body, streamed


def _environ(head: RequestHead, body: Buffer) -> Environ:
    host, _, port = head.client.decode("latin-1").rpartition(":")
    path = head.path.decode("latin-1")
    query = head.query.decode("latin-1")
    environ: Environ = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": _scheme(head, host),
        "wsgi.input": BytesIO(body),
        "wsgi.input_terminated": True,  # a chunked body has no length, but it does end
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "REQUEST_METHOD": head.method.decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": f"{path}?{query}" if query else path,
        "SERVER_PROTOCOL": f"HTTP/{head.http_version.decode('latin-1')}",
        "SERVER_SOFTWARE": "scoreserve",
        "SERVER_NAME": "0.0.0.0",
        "SERVER_PORT": "80",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/score",
        "REMOTE_ADDR": host,
        "REMOTE_PORT": port,
    }
    for name, value in head.merged_headers().items():
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    return environ


# What a proxy on this host may say of the client's connection: gunicorn's secure_scheme_headers
# and forwarded_allow_ips, at their defaults.
_SECURE = {
    b"x-forwarded-proto": b"https",
    b"x-forwarded-protocol": b"ssl",
    b"x-forwarded-ssl": b"on",
}
_PROXIES = frozenset({"127.0.0.1", "::1"})


def _scheme(head: RequestHead, peer: str) -> str:
    if peer in _PROXIES and any(head.header(name) == value for name, value in _SECURE.items()):
        return "https"
    return head.scheme.decode("latin-1")
