"""What a statement of SQL changes, reads and locks. Pure, and by its words alone."""

from __future__ import annotations

import re

_NAME = r"\s+[\"'`\[]?([\w.]+)"
_CHANGES = re.compile(
    r"\b(?:insert\s+(?:or\s+\w+\s+)?into|replace\s+into|merge\s+into|update|delete\s+from"
    r"|drop\s+table(?:\s+if\s+exists)?|truncate(?:\s+table)?)" + _NAME,
    re.IGNORECASE,
)
_LOCKS = re.compile(r"\s*(?:insert|update|delete|replace|merge)\b", re.IGNORECASE)
_READS = re.compile(r"\b(?:from|join)" + _NAME, re.IGNORECASE)


def tables_changed(statement: str) -> set[str]:
    """Tables whose rows it changes."""
    return {name.lower() for name in _CHANGES.findall(statement)}


def tables_read(statement: str) -> set[str]:
    """Tables whose rows it gives."""
    return {name.lower() for name in _READS.findall(_CHANGES.sub("", statement))}


def opens_transaction(beginning: str) -> bool:
    """Whether a statement that begins so holds a lock until its transaction ends: of rows or, in
    SQLite, of the whole file.
    """
    return _LOCKS.match(beginning) is not None
