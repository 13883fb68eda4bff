"""The table of known differences, read from differences.yaml. README.md explains its columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .messages import OursInstead
from .request_parser import parse_ours
from .strict import mapping, only

TABLE = Path(__file__).with_name("differences.yaml")


@dataclass(frozen=True)
class Everywhere:
    """A difference in one header of every reply, and in the printed blocks.

    A value that matches its side's pattern counts as equal to the other side's. Without a
    reference pattern the header is one that only we send.
    """

    header: str
    reference: re.Pattern[str] | None
    ours: re.Pattern[str]


@dataclass(frozen=True)
class Difference:
    key: str
    reference: str  # what the reference does
    ours: str
    reason: str
    reply: OursInstead | None  # what our reply has instead, unless the request says otherwise
    ignored: frozenset[str]  # parts of the reply that are not compared: "headers", "body"
    everywhere: Everywhere | None


Table = Mapping[str, Difference]


def load_table(path: Path = TABLE) -> Table:
    """The rows by key."""
    rows = mapping(yaml.safe_load(path.read_text(encoding="utf-8")), path.name)
    return {key: _parse_row(key, mapping(row, key)) for key, row in rows.items()}


def _parse_row(key: str, row: Mapping[str, Any]) -> Difference:
    only(row, {"reference", "ours", "reason", "reply", "ignore", "everywhere"}, key)
    ignored = frozenset(row.get("ignore", ()))
    if not ignored <= {"headers", "body"}:
        raise ValueError(f"{key}: only headers and body can be ignored")
    everywhere = row.get("everywhere")
    return Difference(
        key=key,
        reference=row["reference"],
        ours=row["ours"],
        reason=row["reason"],
        reply=parse_ours(mapping(row["reply"], key), key) if "reply" in row else None,
        ignored=ignored,
        everywhere=_parse_everywhere(mapping(everywhere, key), key) if everywhere else None,
    )


def _parse_everywhere(entry: Mapping[str, Any], where: str) -> Everywhere:
    only(entry, {"header", "reference", "ours"}, where)
    pattern = entry["reference"]
    return Everywhere(
        header=entry["header"].lower(),
        reference=None if pattern is None else re.compile(pattern),
        ours=re.compile(entry["ours"]),
    )
