"""Bodies as texts: the frame that requests of one kind share, and the rows that stand in it.

    {"data": [[0.0, 0.125, 0.5]], "k": 1}      frame: {"data": [      rows      ], "k": 1}

Rows are merged as they were written, and the frame is left as it is, so a script reads them as it
would have read them alone, whatever it reads them with: Decimal for floats, pairs for objects.

A frame is found by the stdlib's scanner of JSON (`json_spans`). Another body that begins and ends
with the same text and has items of a list in between, by a parser's word, is one of this frame:
JSON can be read in one way only. Where all rows are of floats, most bodies look alike but for their
digits, and need not be parsed at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from scoreserve.worker.rows import merging
from scoreserve.worker.rows.json_spans import NoSpans, Span, member_spans, row_spans, value_span
from scoreserve.worker.rows.kinds import Kind, Kinds
from scoreserve.worker.rows.reasons import NotMerged

_IN_FLOATS: Final = b"0123456789eE+- \t\r\n"  # all that JSON allows in a float but for the point
_AROUND_FLOATS: Final = b"[],"
_MOST_LOOKS: Final = 32  # of rows in one frame that are known without being parsed
_LONGEST_LOOK: Final = 1 << 13


@dataclass(init=False)
class TextRows:
    """The rows of a body. `texts` are those of each member that has them."""

    frame: Frame
    kind: Kind
    rows: int
    texts: list[str]

    def __init__(self, frame: Frame, kind: Kind, rows: int, texts: list[str]) -> None:
        self.frame = frame
        self.kind = kind
        self.rows = rows
        self.texts = texts

    def some(self, start: int, stop: int) -> str:
        """A body with some of the rows."""
        texts = []
        for text in self.texts:
            spans = row_spans(f"[{text}]", 0)
            # One less: the bracket stands before the text.
            texts.append(text[spans[start][0] - 1 : spans[stop - 1][1] - 1])
        part = TextRows(self.frame, self.kind, stop - start, texts)
        return self.frame.merged([part])


class Frame:
    """What stands before, between and after the rows of its members. `texts` has one item more
    than there are members.
    """

    def __init__(self, texts: Sequence[str], kinds: Kinds, *, several_lists: bool = False) -> None:
        self.texts = tuple(texts)
        self._several_lists = several_lists
        self._before: str = texts[0]
        self._after: str = texts[len(texts) - 1]
        self._around = len(self._before) + len(self._after)
        self._kinds = kinds
        self._looks: dict[bytes, tuple[Kind, int]] = {}

    def rows_of(self, text: str) -> TextRows | None:
        """The rows of a body; None: it is not of this frame. Raises NotMerged."""
        before, after = self._before, self._after
        size = len(text)
        if size < self._around or not text.startswith(before) or not text.endswith(after):
            return None
        inner = text[len(before) : size - len(after)]
        if len(self.texts) > 2:
            return self._rows_of_members(inner)
        look = inner.encode().translate(None, _IN_FLOATS)
        known = self._looks.get(look)
        if known is not None:
            return TextRows(self, known[0], known[1], [inner])
        members = _parsed([inner])
        if members is None:
            return None
        found = self._rows(members, [inner])
        if len(look) <= _LONGEST_LOOK and _tells_all(look, members[0]):
            if len(self._looks) >= _MOST_LOOKS:
                self._looks.clear()
            self._looks[look] = found.kind, found.rows
        return found

    def merged(self, many: Sequence[TextRows]) -> str:
        """One body with all these rows."""
        text = self._before
        for place in range(len(self.texts) - 1):
            text += ", ".join([each.texts[place] for each in many]) + self.texts[place + 1]
        return text

    def _rows_of_members(self, inner: str) -> TextRows | None:
        """Those of several members, with the frame's texts between them."""
        parts = []
        for between in self.texts[1:-1]:
            part, found, inner = inner.partition(between)
            if not found:
                return None
            parts.append(part)
        parts.append(inner)
        members = _parsed(parts)
        return None if members is None else self._rows(members, parts)

    def _rows(self, members: list[Any], texts: list[str]) -> TextRows:
        rows, shapes = merging.rows_and_shapes(members)
        kind = self._kinds.kind((self.texts, shapes), several_lists=self._several_lists)
        return TextRows(self, kind, rows, texts)


def _parsed(parts: Sequence[str]) -> list[Any] | None:
    """The lists whose items have these texts; None: one is not a text of such. Raises NotMerged."""
    try:
        return [merging.parse_text(f"[{part}]") for part in parts]
    except NotMerged as error:
        if error.reason == merging.NOT_JSON:
            return None
        raise


def _tells_all(look: bytes, rows: Any) -> bool:
    """Whether all rows that look like this are of floats: as many, and each with its point."""
    points = look.count(b".")
    if not points or look.translate(None, b"." + _AROUND_FLOATS):
        return False
    return bool(merging.count_of_floats(rows) == points)


def frame_of(text: str, kinds: Kinds) -> Frame:
    """The frame of a body. Raises NotMerged when it has none."""
    payload: Any = merging.parse_text(text)
    path, names = merging.place_of_rows(payload)
    try:
        holder = value_span(text)
        spans = [holder]
        if names:
            for name in path:
                holder = member_spans(text, holder[0])[name]
            members = member_spans(text, holder[0])
            spans = sorted([members[name] for name in names])
    except NoSpans:
        raise NotMerged("ambiguous") from None
    several = merging.has_several_lists(names)
    return Frame(_around(text, spans), kinds, several_lists=several)


def _around(text: str, lists: Sequence[Span]) -> list[str]:
    """The text but for what stands in these lists."""
    texts = []
    start = 0
    for begin, end in lists:
        texts.append(text[start : begin + 1])
        start = end - 1
    return [*texts, text[start:]]
