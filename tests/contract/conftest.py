"""Fixtures of the contract suite: the table of differences, and the started servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .case_files import ServerSpec
from .differences import Table, load_table
from .executables import Missing
from .harness import Servers, running_servers


@pytest.fixture(scope="session")
def table() -> Table:
    return load_table()


@pytest.fixture(scope="session")
def servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Servers]:
    """The reference and ours for one server of a case file; stopped when the next is needed."""
    spec: ServerSpec = request.param
    try:
        with running_servers(spec, tmp_path_factory.mktemp("servers")) as servers:
            yield servers
    except Missing as missing:
        raise pytest.fail.Exception(str(missing), pytrace=False) from None
