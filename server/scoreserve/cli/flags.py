"""What the flags of the commands have in common."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any


def checked(parse: Callable[[Any], Any]) -> Callable[[str], Any]:
    """The type of a flag whose value a setting parses: what it refuses is shown with its value."""

    def check(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{error}, not {text!r}") from None

    return check
