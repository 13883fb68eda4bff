"""Calls of run() for several payloads at once, whichever way run() takes its input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from scoreserve import wire
from scoreserve.wire import RequestHead
from scoreserve.worker import merging
from scoreserve.worker.calling import Call
from scoreserve.worker.merging import NotMerged, NotSplit, Parts
from scoreserve.worker.scorer import Scorer

# Reading a body twice pays only while that is cheap beside calling run() once more. It also bounds
# what is kept of requests to compare others with.
_LONGEST_BYTES = 1 << 18

_NO_REQUEST = wire.encode_head(RequestHead(b"POST", b"/score", b"", b"1.1", b"http", b"", ()))
NO_CALL = Call(0, _NO_REQUEST, {}, None, 0)  # for runs that are for no request


class Member(NamedTuple):
    """A call with its payload taken apart. `input` is what tells it from others of its kind."""

    call: Call
    parts: Parts
    input: Any


class MergedRuns:
    """Calls run() for members of one group key.

    `text_parameter` is the parameter of run() that gets the JSON text; None: run() gets the members
    of the payload as its arguments.
    """

    def __init__(self, scorer: Scorer, max_rows: int, text_parameter: str | None) -> None:
        self.max_rows = max_rows
        self.timeout_seconds = scorer.timeout_seconds
        self._scorer = scorer
        self._text_parameter = text_parameter

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
            parts = merging.take_apart(given)
        else:
            given = call.arguments[self._text_parameter]
            parts = merging.take_apart(merging.parse_text(given))
        if parts.rows > self.max_rows:
            raise NotMerged("too_many_rows")
        return Member(call, parts, given)

    def sample(self, arguments: Mapping[str, Any]) -> Member:
        """A member that no request has brought. Raises NotMerged."""
        return self.member(NO_CALL._replace(arguments=dict(arguments)))

    def alone(self, member: Member, spent: float = 0.0) -> Any:
        """What run() returns for the call itself. Raises ScoringTimeout or ScriptFailed."""
        return self._scorer.call(member.call, spent)

    def together(self, parts: Sequence[Parts], call: Call, spent: float = 0.0) -> Any:
        """What run() returns for all parts at once, in the place of `call`, whose requests have had
        `spent` seconds of run() already. Raises ScoringTimeout, ScriptFailed or NotSplit.
        """
        payload = merging.merge(parts)
        if self._text_parameter is None:
            arguments = merging.copied(payload)
        else:
            try:
                arguments = {self._text_parameter: merging.text_of(payload)}
            except TypeError:  # nested deeper than orjson writes
                raise NotSplit("not_json") from None
        return self._scorer.call(call._replace(arguments=arguments), spent)
