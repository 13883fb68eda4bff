"""What texts that are put together may be, and what statements of SQL do."""

from __future__ import annotations

import pytest

from scoreserve.worker.model.shared_state import sql
from scoreserve.worker.model.shared_state.texts import MOST, UNSEEN, filled, joined


def test_parts_may_be_any_of_several() -> None:
    assert joined([["select "], ["a", "b"]]) == ["select a", "select b"]
    assert joined([["from "], []]) == [f"from {UNSEEN}"]
    assert joined([]) == [""]


def test_no_more_ways_are_told_apart_than_can_be_gone_through() -> None:
    assert len(joined([["a", "b"]] * 40)) == MOST


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        ("from %s where a = %d", [["t"]], f"from t where a = {UNSEEN}"),
        ("from {} join {name}", [["a"], ["b"]], "from a join b"),
        ("from %(table)s", [], f"from {UNSEEN}"),
        ("from t", [["a"]], "from t"),
    ],
)
def test_a_template_is_filled_in_order(
    template: str, values: list[list[str]], expected: str
) -> None:
    assert filled(template, values) == [expected]


def test_comments_hide_nothing_and_are_nothing() -> None:
    statement = "-- update a\n/* delete from b */ INSERT INTO c SELECT * FROM d"
    assert sql.tables_changed(statement) == {"c"}
    assert sql.tables_read(statement) == {"d"}


@pytest.mark.parametrize(
    ("statement", "opens", "ends"),
    [
        ("select 1", False, False),
        ("/* log */ insert into a values (1)", True, False),
        ("create table a (b); delete from a", True, False),
        ("BEGIN IMMEDIATE", True, False),
        ("begin", False, False),
        ("lock table a in exclusive mode", True, False),
        ("insert into a values (1); COMMIT;", True, True),
        ("rollback", False, True),
        ("rollback to saved", False, False),
    ],
)
def test_when_a_lock_is_held(statement: str, opens: bool, ends: bool) -> None:
    assert sql.opens_transaction(statement) is opens
    assert sql.ends_transaction(statement) is ends
