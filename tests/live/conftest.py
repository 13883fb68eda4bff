"""Factories of live servers, each in a directory of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests import servers
from tests.live.browser import Browser, started
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


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium of the module's own."""
    with started(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser
