"""What a client sent, as it may stand in a line of the log."""

from __future__ import annotations

from typing import Final

# DEL and the control characters of Latin-1: some terminals obey them (0x9b begins a command), and
# some that split logs take 0x85 for the end of a line.
_ESCAPES: Final = {code: f"\\x{code:02x}" for code in range(0x7F, 0xA0)}


def log_text(sent: bytes) -> str:
    """The text of bytes that stand for characters of Latin-1, control characters escaped."""
    text = sent.decode("latin-1")
    return text if sent.isascii() and b"\x7f" not in sent else text.translate(_ESCAPES)
