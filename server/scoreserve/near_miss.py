"""Which of the known words was meant by one that is none of them."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(written: str, known: Iterable[str]) -> str | None:
    """The known word that is most like what is written, in any case; None where none is."""
    from difflib import get_close_matches  # late: hardly any start needs it

    by_lower = {word.lower(): word for word in known}
    found = get_close_matches(written.lower(), by_lower, n=1)
    return by_lower[found[0]] if found else None
