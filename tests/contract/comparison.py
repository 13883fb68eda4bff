"""Compares two replies field by field.

A difference that the request names replaces the reference's fields by those that ours must have.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from .differences import Difference, Everywhere, Table
from .fields import SEPARATOR, Fields, Seen, canonical_json, fields, hide_bytes, is_json
from .messages import OursInstead, Request

Value = str | re.Pattern[str] | None  # None: must be absent
Expected = dict[str, Value]


@dataclass(frozen=True)
class Mismatch:
    field: str
    reference: str
    ours: str


def compare(
    request: Request, reference: Seen, ours: Seen, table: Table, *, same_server: bool = False
) -> list[Mismatch]:
    """The fields in which our reply is not what it has to be; empty if all is well.

    `same_server` says that ours is a second reference, for which no difference is expected.
    """
    named = table[request.difference] if request.difference else None
    general = [
        row.everywhere
        for row in table.values()
        if row.everywhere and row is not named and not same_server
    ]
    as_json = is_json(reference.reply) and is_json(ours.reply)
    there = fields(reference, request, as_json=as_json)
    here = fields(ours, request, as_json=as_json)
    for everywhere in general:
        mask_everywhere(everywhere, there, here)
    plain = mismatches(there, here)
    if named is None or same_server:
        return plain
    if not plain:
        return [Mismatch("difference", f"{named.key} is named", "but the replies are equal")]
    expected, here = with_difference(named, request.ours, there, here, ours)
    return mismatches(expected, here)


def mask_everywhere(row: Everywhere, there: Fields, here: Fields) -> None:
    """Makes one header equal on both sides if each side's value is as its pattern says."""
    name = f"header {row.header}"
    if row.reference is None:
        if row.ours.fullmatch(here.get(name, "")):
            del here[name]
        return
    for side, pattern in ((there, row.reference), (here, row.ours)):
        if name in side:
            values = side[name].split(SEPARATOR)
            masked = [f"<{row.header}>" if pattern.fullmatch(value) else value for value in values]
            side[name] = SEPARATOR.join(masked)


def with_difference(
    row: Difference, asked: OursInstead | None, there: Fields, here: Fields, ours: Seen
) -> tuple[Expected, Fields]:
    """What our fields must be, and those of them that are compared."""
    expected: Expected = {} if there["status"].startswith("no reply") else dict(there)
    here = dict(here)
    if "headers" in row.ignored:
        expected = {key: text for key, text in expected.items() if not key.startswith("header ")}
    if "body" in row.ignored:
        expected.pop("body", None)
    wholly = bool(expected) and not row.ignored
    for instead in (row.reply, asked):
        if instead is not None:
            _replace(expected, here, instead, ours)
    if not wholly:  # a partial expectation: what it does not mention is free
        here = {key: text for key, text in here.items() if key in expected}
    return expected, here


def _replace(expected: Expected, here: Fields, instead: OursInstead, ours: Seen) -> None:
    if instead.status is not None:
        expected["status"] = str(instead.status)
    if instead.interim is not None:
        expected["interim"] = str(instead.interim)
    for name, value in (instead.headers or {}).items():
        wanted = None if value is None else _text_or_pattern(value)
        expected[f"header {name.lower()}"] = wanted
    if instead.body is not None:
        expected["body"] = _text_or_pattern(instead.body)
    if instead.json is not ... and is_json(ours.reply):
        expected["body"] = canonical_json(json.dumps(instead.json))
        here["body"] = canonical_json(hide_bytes(ours.reply.body, ours.placeholders))
    elif instead.json is not ...:
        expected["body"] = f"JSON: {json.dumps(instead.json)}"
    if instead.body is not None or instead.json is not ...:
        # The length of a body that the case states needs no statement of its own.
        expected.pop("header content-length", None)
        here.pop("header content-length", None)


def _text_or_pattern(text: str) -> str | re.Pattern[str]:
    if len(text) > 2 and text.startswith("/") and text.endswith("/"):
        return re.compile(text[1:-1], re.DOTALL)
    return text


def mismatches(expected: Mapping[str, Value], here: Fields) -> list[Mismatch]:
    """The fields that are not as expected."""
    return [
        Mismatch(key, _show(expected.get(key)), _show(here.get(key)))
        for key in [*expected, *(key for key in here if key not in expected)]
        if not _fits(expected.get(key), here.get(key))
    ]


def _fits(expected: Value, text: str | None) -> bool:
    if isinstance(expected, re.Pattern):
        return text is not None and expected.search(text) is not None
    return expected == text


def _show(value: Value) -> str:
    if value is None:
        return "(absent)"
    return f"/{value.pattern}/" if isinstance(value, re.Pattern) else value
