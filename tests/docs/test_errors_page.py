"""docs/guides/api-and-errors.md, which has every status and message that clients can get."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scoreserve import errors

PAGE = Path(__file__).parents[2] / "docs/guides/api-and-errors.md"

_ENOUGH = 40  # characters of a message: the page shortens the long ones


def replies(base: type[errors.ReplyError] = errors.ReplyError) -> Iterator[type[errors.ReplyError]]:
    for each in base.__subclasses__():
        yield each
        yield from replies(each)


@pytest.fixture(scope="module")
def statuses() -> set[int]:
    """Those that a heading or a row of the page names."""
    text = PAGE.read_text(encoding="utf-8")
    headings = re.findall(r"^### (.*)", text, re.MULTILINE)
    rows = re.findall(r"^\| (\d{3}) \|", text, re.MULTILINE)
    return {int(status) for line in [*headings, *rows] for status in re.findall(r"\b\d{3}\b", line)}


@pytest.mark.parametrize("error", list(replies()))
def test_the_page_has_its_status(error: type[errors.ReplyError], statuses: set[int]) -> None:
    assert error.status in statuses


def sample(error: type[errors.ReplyError]) -> errors.ReplyError | None:
    """One with a made-up value for each parameter; None where the words are another module's."""
    if "__init__" not in vars(error):
        return None
    made_up = {"int": 17, "str": "ids", "list[tuple[bytes, bytes]]": []}
    parameters = list(inspect.signature(error).parameters.values())
    return error(*[made_up[parameter.annotation] for parameter in parameters])


@pytest.mark.parametrize("error", [each for each in replies() if each is not errors.Overloaded])
def test_the_page_has_its_words(error: type[errors.ReplyError]) -> None:
    """But for what depends on the request."""
    made = sample(error)
    if made is not None:
        longest = max(re.split(r"\d+|ids", made.message), key=len)
        text = re.sub(r"\bN\b", "", PAGE.read_text(encoding="utf-8"))
        assert longest[:_ENOUGH].strip(" '") in text
