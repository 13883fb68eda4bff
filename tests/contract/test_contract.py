"""Every case of cases/*.yaml: the reference and ours must agree, but for the known differences."""

from __future__ import annotations

import pytest

from .case_files import Case, load_cases
from .differences import Table
from .harness import Servers, run_case

CASES = load_cases()


@pytest.mark.parametrize(
    ("servers", "case"),
    [pytest.param(case.server, case, id=case.id) for case in CASES],
    indirect=["servers"],
    scope="session",  # without it, a server would be started for each case
)
def test_case(servers: Servers, case: Case, table: Table) -> None:
    problems = run_case(case, servers, table)
    if problems:
        pytest.fail("\n\n".join([case.id, *problems]), pytrace=False)


def test_every_difference_is_used_and_known(table: Table) -> None:
    """A row without a case is not tested; a case without a row is a typo."""
    assert {key for case in CASES for key in case.differences()} == set(table)
