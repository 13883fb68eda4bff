"""Texts that a call puts together, as far as it can be seen beforehand: for statements of SQL."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

UNSEEN = "__unseen__"  # a part that is known only when it runs; it may be part of a name
MOST = 16  # ways in which one text may be put together that are told apart

_PLACE = re.compile(r"%(?:\(\w+\))?[sdr]|\{\w*\}")


def joined(parts: Sequence[Sequence[str]]) -> list[str]:
    """Each part may be any of several texts; none: it is not known."""
    known = [part or [UNSEEN] for part in parts]
    return ["".join(way) for way in itertools.islice(itertools.product(*known), MOST)]


def filled(template: str, values: Sequence[Sequence[str]]) -> list[str]:
    """A template of `%` or format() with its values, in their order."""
    places = _PLACE.split(template)
    given = [*values, *[()] * len(places)]
    parts: list[Sequence[str]] = [places[:1]]
    for value, place in zip(given, places[1:], strict=False):
        parts += [value, [place]]
    return joined(parts)
