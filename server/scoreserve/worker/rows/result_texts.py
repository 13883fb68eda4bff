"""Results that are the JSON text of a list or an object, cut as they were written."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence

from scoreserve.worker.rows.json_spans import (
    NoSpans,
    Span,
    member_spans,
    row_spans,
    value_span,
)

ITSELF = ""  # the name of a list that is the whole text


class ResultText:
    """A result's text, and where the rows of its lists are. Raises NoSpans for any other text."""

    def __init__(self, text: str) -> None:
        self._text = text
        start, _ = value_span(text)
        self.is_list = text[start] == "["
        if self.is_list:
            members = {ITSELF: start}
        elif text[start] == "{":
            spans = member_spans(text, start)
            members = {name: begin for name, (begin, _) in spans.items() if text[begin] == "["}
        else:
            raise NoSpans
        self._rows: dict[Hashable, list[Span]] = {
            name: row_spans(text, begin) for name, begin in members.items()
        }

    def lengths(self) -> Mapping[Hashable, int | None]:
        """How many rows each list has, by its name."""
        return {name: len(rows) for name, rows in self._rows.items()}

    def rest(self, members: Collection[Hashable]) -> list[str]:
        """The text before, between and after the rows of these lists."""
        texts = []
        start = 0
        for rows in self._lists(members):
            texts.append(self._text[start : rows[0][0]])
            start = rows[-1][1]
        return [*texts, self._text[start:]]

    def cut(self, members: Collection[Hashable], counts: Sequence[int]) -> list[str]:
        """The texts with so many of the rows each."""
        around = self.rest(members)
        lists = self._lists(members)
        pieces = []
        start = 0
        for count in counts:
            piece = around[0]
            for rows, after in zip(lists, around[1:], strict=True):
                piece += self._text[rows[start][0] : rows[start + count - 1][1]] + after
            pieces.append(piece)
            start += count
        return pieces

    def _lists(self, members: Collection[Hashable]) -> list[list[Span]]:
        """Those with these names, in the order in which they stand."""
        return [rows for name, rows in self._rows.items() if name in members]
