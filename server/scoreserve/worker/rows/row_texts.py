"""Requests of one row of floats, told apart and merged by their texts.

Most requests of a kind are the same text but for the numbers of one row:

    {"data": [[0.0, 0.125, 0.5]]}      before: {"data": [[      row: 0.0, 0.125, 0.5      after: ]]}

Once one of them was taken apart by its value, another that begins and ends with the same text, and
has nothing but as many floats in between, is of the same kind, and its row can be put beside others
as it stands. That takes a third of the time, and the script reads each number as it was written.

What stands between need not be right JSON, `1.0, 2-.0` is taken for two floats: the merged text is
then none either, run() fails, and the request that has it fails alone.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scoreserve.worker.rows import merging
from scoreserve.worker.rows.merging import TakenApart
from scoreserve.worker.rows.reasons import NotMerged

_IN_NUMBERS: Final = b"0123456789eE+- \t\r\n"  # all that JSON allows among floats but for the point


@dataclass
class Template:
    """Texts of one row of so many floats, which stand between `before` and `after`."""

    key: Hashable
    path: tuple[str, ...]
    names: tuple[str, ...]
    before: str
    after: str
    points: bytes  # a row without its digits: a point for each number, and a comma between two

    def row_of(self, text: str) -> str | None:
        """The row's text in one of these texts, or None when it is another."""
        before, after = self.before, self.after
        if not text.startswith(before) or not text.endswith(after):
            return None
        row = text[len(before) : len(text) - len(after)]
        # Every number has one point: none is an integer.
        return row if row.encode().translate(None, _IN_NUMBERS) == self.points else None

    def merged(self, rows: Sequence[str]) -> str:
        """One text with all these rows."""
        return f"{self.before}{'], ['.join(rows)}{self.after}"


@dataclass(init=False)
class RowText:
    """A payload that is known by its text. What else Parts have is made when it is asked for."""

    template: Template
    row: str

    def __init__(self, template: Template, row: str) -> None:
        self.template = template
        self.row = row

    @property
    def key(self) -> Hashable:
        return self.template.key

    @property
    def rows(self) -> int:
        return 1

    @property
    def path(self) -> tuple[str, ...]:
        return self.template.path

    @property
    def names(self) -> tuple[str, ...]:
        return self.template.names

    @property
    def payload(self) -> Any:
        """Raises NotMerged where the text turns out to be no JSON."""
        return merging.parse_text(self.template.merged([self.row]))

    @property
    def has_columns(self) -> bool:
        return False

    def lists(self) -> list[list[Any]]:
        return merging.take_apart(self.payload).lists()


def row_text_of(text: str, parts: TakenApart) -> RowText | None:
    """A text that was taken apart as one that is known by its text, if it has just one row of
    floats. Its template is for others.
    """
    lists = parts.lists()
    if parts.rows != 1 or parts.has_columns:
        return None
    row = lists[0][0]
    if type(row) is not list or not row or any(type(value) is not float for value in row):
        return None
    start = text.rfind("[") + 1
    end = text.find("]", start)
    points = b",".join([b"."] * len(row))
    template = Template(parts.key, parts.path, parts.names, text[:start], text[end:], points)
    found = template.row_of(text)
    return RowText(template, found) if found is not None and _holds(template) else None


def merged_text(parts: Sequence[TakenApart]) -> str | None:
    """The text of payloads of one key merged, if all are known by their texts: whichever template
    a row came in, it means the same in another of its key.
    """
    rows = [part.row for part in parts if type(part) is RowText]
    first = parts[0]
    if len(rows) < len(parts) or type(first) is not RowText:
        return None
    return first.template.merged(rows)


def _holds(template: Template) -> bool:
    """Whether other rows in their place are read as just those rows: what looked like the row may
    have stood in a string, or for a name that comes twice.
    """
    width = template.points.count(b".")
    rows = [[place + shift for place in range(width)] for shift in (0.25, 0.75)]
    text = template.merged([", ".join(map(repr, row)) for row in rows])
    try:
        parts = merging.take_apart(merging.parse_text(text))
    except NotMerged:
        return False
    return (parts.key, parts.lists()) == (template.key, [rows])
