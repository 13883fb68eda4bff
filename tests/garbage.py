"""What is left to the garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collections() -> Iterator[None]:
    """Within, nothing is collected unless it is asked for; there is nothing to collect at first."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
