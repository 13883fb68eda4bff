"""Factories of live servers, each in a directory of its own."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests import servers
from tests.servers import Server


class Serve(Protocol):
    """See `tests.servers.serve`; the directory is the test's own."""

    def __call__(self, script: str | None, **options: Any) -> AbstractContextManager[Server]: ...


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Serves a script: `with serve(script, args=..., env=..., files=...) as server:`."""

    def serve(script: str | None, **options: Any) -> AbstractContextManager[Server]:
        return servers.serve(script, tmp_path, **options)

    return serve


@pytest.fixture
def launch(tmp_path: Path) -> Serve:
    """As `serve`, but does not wait for the server, nor expect it to end well."""

    def launch(script: str | None, **options: Any) -> AbstractContextManager[Server]:
        return servers.launch(script, tmp_path, **options)

    return launch
