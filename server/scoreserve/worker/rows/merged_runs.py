"""Calls of run() for several payloads at once, whichever way run() takes its input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from scoreserve import heads
from scoreserve.heads import RequestHead
from scoreserve.worker.rows import merging
from scoreserve.worker.rows.merging import TakenApart
from scoreserve.worker.rows.reasons import NotMerged, NotSplit
from scoreserve.worker.rows.row_texts import RowText, Template, merged_text, row_text_of
from scoreserve.worker.script import fast_json
from scoreserve.worker.script.calling import Call
from scoreserve.worker.script.script_runner import ScriptRunner

# Reading a body twice pays only while that is cheap beside calling run() once more. It also bounds
# what is kept of requests to compare others with.
_LONGEST_BYTES: Final = 1 << 16
_MOST_TEMPLATES = 4  # that a text is compared with

_NO_REQUEST = heads.encode_head(RequestHead(b"POST", b"/score", b"", b"1.1", b"http", b"", ()))
NO_CALL = Call(0, _NO_REQUEST, {}, None, 0)  # for runs that are for no request


@dataclass(init=False)
class Member:
    """A call with its payload taken apart. `input` is what tells it from others of its kind."""

    call: Call
    parts: TakenApart
    input: Any

    def __init__(self, call: Call, parts: TakenApart, input: Any) -> None:
        self.call = call
        self.parts = parts
        self.input = input


def repeated(members: Sequence[Member]) -> Any | None:
    """The input of all members if it is the same, else None."""
    first = members[0].input
    for member in members:  # compiled, this beats `all()`
        if member.input is not first and member.input != first:
            return None
    return first


class MergedRuns:
    """Calls run() for members of one group key.

    `text_parameter` is the parameter of run() that gets the JSON text; None: run() gets the members
    of the payload as its arguments.
    """

    def __init__(self, runner: ScriptRunner, max_rows: int, text_parameter: str | None) -> None:
        self.max_rows = max_rows
        self.timeout_seconds = runner.timeout_seconds
        self._runner = runner
        self._text_parameter = text_parameter
        self._templates: list[Template] = []

    def member(self, call: Call) -> Member:
        """The call with its payload taken apart. Raises NotMerged when it must run alone."""
        if call.body_bytes > _LONGEST_BYTES:
            raise NotMerged("too_long")
        if self._text_parameter is None:
            try:
                # The script may change its arguments: what is merged later must be as it came.
                given = merging.copied(call.arguments)
            except RecursionError:
                raise NotMerged("too_deep") from None
            parts: TakenApart = merging.take_apart(given)
        else:
            given = call.arguments[self._text_parameter]
            parts = self._take_text_apart(given)
        if parts.rows > self.max_rows:
            raise NotMerged("too_many_rows")
        return Member(call, parts, given)

    def _take_text_apart(self, text: str) -> TakenApart:
        for template in self._templates:
            row = template.row_of(text)
            if row is not None:
                return RowText(template, row)
        parts = merging.take_apart(merging.parse_text(text))
        found = row_text_of(text, parts)
        if found is None:
            return parts
        self._templates = [found.template, *self._templates[: _MOST_TEMPLATES - 1]]
        return found

    def sample(self, arguments: Mapping[str, Any]) -> Member:
        """A member that no request has brought. Raises NotMerged."""
        return self.member(replace(NO_CALL, arguments=dict(arguments)))

    def alone(self, member: Member) -> Any:
        """What run() returns for the call itself. Raises ScoringTimeout or ScriptFailed."""
        return self._runner.call(member.call)

    def together(self, parts: Sequence[TakenApart], call: Call, spent: float = 0.0) -> Any:
        """What run() returns for all parts at once, in the place of `call`, whose requests have had
        `spent` seconds of run() already. Raises ScoringTimeout, ScriptFailed or NotSplit.
        """
        if self._text_parameter is None:
            try:
                arguments = merging.copied(merging.merge(parts))
            except RecursionError:
                raise NotSplit("too_deep") from None
            return self._runner.call(replace(call, arguments=arguments), spent)
        text = merged_text(parts) or _written(parts)
        arguments = {self._text_parameter: text}
        # No part of it has a long integer: they were looked through, or are floats.
        with fast_json.read_as_it_stands(text):
            return self._runner.call(replace(call, arguments=arguments), spent)


def _written(parts: Sequence[TakenApart]) -> str:
    """The text of payloads merged. Raises NotSplit."""
    try:
        return merging.text_of(merging.merge(parts))
    except TypeError:  # nested deeper than orjson writes
        raise NotSplit("not_json") from None
    except NotMerged as error:  # what was taken for a text of its template is none
        raise NotSplit(error.reason) from None
