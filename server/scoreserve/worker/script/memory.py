"""Whether there is memory for what is large.

orjson does not look whether it got the memory that it asked for: where that is refused, as under
`ulimit -v` or `vm.overcommit_memory=2`, it takes the process along. So the kernel is asked before
orjson is, and what there is no room for is left to the stdlib, which raises MemoryError.
"""

from __future__ import annotations

import mmap

_FLAGS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


def has_room_for(size: int) -> bool:
    """Whether so many bytes can be had now. They are given back untouched, which takes some
    microseconds, whatever the size; a bytearray would be filled with zeros.
    """
    try:
        mmap.mmap(-1, size, flags=_FLAGS).close()
    except (OSError, OverflowError, MemoryError):
        return False
    return True
