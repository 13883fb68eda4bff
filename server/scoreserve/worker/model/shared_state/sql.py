"""What a statement of SQL changes, reads and locks. Pure, and by its words alone."""

from __future__ import annotations

import re

_NAME = r"\s+[\"'`\[]?([\w.]+)"
_CHANGES = re.compile(
    r"\b(?:insert\s+(?:or\s+\w+\s+)?into|replace\s+into|merge\s+into|update|delete\s+from"
    r"|drop\s+table(?:\s+if\s+exists)?|truncate(?:\s+table)?)" + _NAME,
    re.IGNORECASE,
)
_LOCKS = re.compile(
    r"(?:^|;)\s*(?:insert|update|delete|replace|merge|lock\s+table|begin\s+(?:immediate|exclusive))\b",
    re.IGNORECASE,
)
_ENDS = re.compile(r"(?:^|;)\s*(?:commit|rollback|end)\b(?!\s+to\b)[^;]*;?\s*$", re.IGNORECASE)
# What SQLite keeps in the file or the connection: `PRAGMA user_version = 3`, and asked for.
_SETS = re.compile(r"\bpragma\s+(?:\w+\.)?(\w+)\s*[=(]", re.IGNORECASE)
_ASKS = re.compile(r"\bpragma\s+(?:\w+\.)?(\w+)\s*(?:;|$)", re.IGNORECASE)
_READS = re.compile(r"\b(?:from|join)" + _NAME, re.IGNORECASE)
_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_VERB = re.compile(
    r"\b(?:select|insert|update|delete|replace|merge|drop|truncate|begin|lock|pragma)\b",
    re.IGNORECASE,
)


def is_statement(text: str) -> bool:
    """Whether a text may be one, or the beginning of one."""
    return _VERB.search(text) is not None


def tables_changed(statement: str) -> set[str]:
    """Tables whose rows it changes, and `pragma NAME` for what it sets of the database."""
    text = _COMMENTS.sub(" ", statement)
    return {name.lower() for name in _CHANGES.findall(text)} | _pragmas(_SETS, text)


def tables_read(statement: str) -> set[str]:
    """Tables whose rows it gives, and `pragma NAME` for what it asks of the database."""
    text = _COMMENTS.sub(" ", statement)
    rest = _CHANGES.sub("", text)
    return {name.lower() for name in _READS.findall(rest)} | _pragmas(_ASKS, text)


def opens_transaction(statement: str) -> bool:
    """Whether it holds a lock until its transaction ends: of rows, in SQLite of the whole file."""
    return _LOCKS.search(_COMMENTS.sub(" ", statement)) is not None


def ends_transaction(statement: str) -> bool:
    """Whether its last words end the transaction."""
    return _ENDS.search(_COMMENTS.sub(" ", statement)) is not None


def _pragmas(way: re.Pattern[str], text: str) -> set[str]:
    return {f"pragma {name.lower()}" for name in way.findall(text)}
