"""Fixtures of the contract suite: the table of differences, and a started pair of servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .case_files import ServerSpec
from .differences import Table, load_table
from .executables import Missing
from .harness import Pair, running_pair


@pytest.fixture(scope="session")
def table() -> Table:
    return load_table()


@pytest.fixture(scope="session")
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    """Both servers for one server of a case file; stopped when the next one is needed."""
    spec: ServerSpec = request.param
    try:
        with running_pair(spec, tmp_path_factory.mktemp("pair")) as pair:
            yield pair
    except Missing as missing:
        raise pytest.fail.Exception(str(missing), pytrace=False) from None
