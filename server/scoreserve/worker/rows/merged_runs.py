"""Calls of run() for several requests at once, whichever way run() takes its input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from scoreserve import heads
from scoreserve.heads import RequestHead
from scoreserve.worker.rows import merging
from scoreserve.worker.rows.frames import Frame, TextRows, frame_of
from scoreserve.worker.rows.kinds import Kind, Kinds
from scoreserve.worker.rows.merging import Parts
from scoreserve.worker.rows.reasons import NotMerged, NotSplit
from scoreserve.worker.script import fast_json
from scoreserve.worker.script.calling import Call
from scoreserve.worker.script.script_runner import ScriptRunner

# Reading a body twice pays only while that is cheap beside calling run() once more.
_LONGEST_BYTES: Final = 1 << 16
_MOST_FRAMES = 8  # that a text is compared with

_NO_REQUEST = heads.encode_head(RequestHead(b"POST", b"/score", b"", b"1.1", b"http", b"", ()))
NO_CALL = Call(0, _NO_REQUEST, {}, None, 0)  # for runs that are for no request


@dataclass(init=False)
class Member:
    """A call with its rows found: in its text, or else in its arguments."""

    call: Call
    kind: Kind
    rows: int
    text_rows: TextRows | None
    parts: Parts | None

    def __init__(
        self, call: Call, kind: Kind, rows: int, text_rows: TextRows | None, parts: Parts | None
    ) -> None:
        self.call = call
        self.kind = kind
        self.rows = rows
        self.text_rows = text_rows
        self.parts = parts


class MergedRuns:
    """Calls run() for members of one kind.

    `text_parameter` is the parameter of run() that gets the JSON text; None: run() gets the members
    of the payload as its arguments.
    """

    def __init__(self, runner: ScriptRunner, max_rows: int, text_parameter: str | None) -> None:
        self.max_rows = max_rows
        self.timeout_seconds = runner.timeout_seconds
        self._runner = runner
        self._text_parameter = text_parameter
        self._frames: list[Frame] = []
        self._kinds = Kinds()

    def member(self, call: Call) -> Member:
        """The call with its rows found. Raises NotMerged when it must run alone."""
        if call.body_bytes > _LONGEST_BYTES:
            raise NotMerged("too_long")
        if self._text_parameter is not None:
            text = call.arguments[self._text_parameter]
            if type(text) is not str:
                raise NotMerged("not_text")  # arrays, of another protocol
            found = self._rows_in(text)
            member = Member(call, found.kind, found.rows, found, None)
        else:
            try:
                # The script may change its arguments: what is merged later must be as it came.
                parts: Parts = merging.take_apart(merging.copied(call.arguments))
            except RecursionError:
                raise NotMerged("too_deep") from None
            several = merging.has_several_lists(parts.names)
            kind = self._kinds.kind(parts.key, several_lists=several)
            member = Member(call, kind, parts.rows, None, parts)
        if member.rows > self.max_rows:
            raise NotMerged("too_many_rows")
        if member.kind.one_length:
            member.kind.seen(member.rows)
            if member.kind.one_length:
                raise NotMerged("one_length")
        return member

    def sample(self, arguments: Mapping[str, Any]) -> Member:
        """A member that no request has brought. Raises NotMerged."""
        return self.member(replace(NO_CALL, arguments=dict(arguments)))

    def some_rows(self, member: Member, start: int, stop: int) -> Member:
        """Some of the rows of a member as one of their own. Raises NotMerged."""
        if member.text_rows is not None and self._text_parameter is not None:
            text = member.text_rows.some(start, stop)
            return self.sample({self._text_parameter: text})
        return self.sample(merging.part_of(member.call.arguments, start, stop))

    def again(self, member: Member, spent: float = 0.0) -> Any:
        """What run() returns for the call once more, for no request. Raises as `together`."""
        return self.together([member], NO_CALL, spent)

    def together(self, members: Sequence[Member], call: Call, spent: float = 0.0) -> Any:
        """What run() returns for all members at once, in the place of `call`, whose requests have
        had `spent` seconds of run() already. Raises ScoringTimeout, ScriptFailed or NotSplit.
        """
        texts = [member.text_rows for member in members if member.text_rows is not None]
        if not texts or self._text_parameter is None:
            parts = [member.parts for member in members if member.parts is not None]
            try:
                arguments = merging.copied(merging.merge(parts))
            except RecursionError:
                raise NotSplit("too_deep") from None
            return self._runner.call(replace(call, arguments=arguments), spent)
        text = texts[0].frame.merged(texts)
        # No part of it has a long integer: they were looked through, or are floats.
        with fast_json.read_as_it_stands(text):
            return self._runner.call(replace(call, arguments={self._text_parameter: text}), spent)

    def _rows_in(self, text: str) -> TextRows:
        try:
            for frame in self._frames:
                found = frame.rows_of(text)
                if found is not None:
                    return found
        except UnicodeEncodeError:  # a lone surrogate
            raise NotMerged(merging.NOT_JSON) from None
        frame = frame_of(text, self._kinds)
        found = frame.rows_of(text)
        if found is None:  # what stands between two members stands in a row too
            raise NotMerged("ambiguous")
        self._frames = [frame, *self._frames[: _MOST_FRAMES - 1]]
        return found
