"""Compares what the two servers print: log lines, in any order or in sequence, and whole blocks.

A line is found if it contains the text, or matches the regular expression between slashes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from .case_files import LogCheck
from .differences import Table
from .processes import Server, wait_until

LOG_SECONDS = 5.0  # how long a line may take to appear after the reply it belongs to


def check_logs(
    checks: Iterable[LogCheck], server: Server, *, in_order: bool, is_ours: bool
) -> list[str]:
    """What is wrong with one server's lines; waits for lines that are still to come."""
    sides = [_expectation(check, is_ours=is_ours) for check in checks]
    present = [line for line, _ in sides if line is not None]
    absent = [line for _, line in sides if line is not None]
    find = missing_in_order if in_order else missing
    wait_until(lambda: not find(present, server.output()), LOG_SECONDS)
    lines = server.output()
    return [
        *(f"missing line: {line}" for line in find(present, lines)),
        *(f"unexpected line: {line}" for line in absent if not missing([line], lines)),
    ]


def _expectation(check: LogCheck, *, is_ours: bool) -> tuple[str | None, str | None]:
    """The line one side must have, and the one it must not have."""
    if check.difference is None:
        return check.present, check.absent
    return (check.ours, check.reference) if is_ours else (check.reference, check.ours)


def missing(wanted: Iterable[str], output: str) -> list[str]:
    """Those of the wanted lines that the output lacks."""
    return [line for line in wanted if not any(map(_matcher(line), output.splitlines()))]


def missing_in_order(wanted: Iterable[str], output: str) -> list[str]:
    """The first wanted line that does not come after the one before it, if any."""
    lines: Iterator[str] = iter(output.splitlines())
    for line in wanted:
        if not any(map(_matcher(line), lines)):
            return [f"{line} (in this order)"]
    return []


def _matcher(line: str) -> Callable[[str], bool]:
    if len(line) > 2 and line.startswith("/") and line.endswith("/"):
        pattern = re.compile(line[1:-1])
        return lambda text: pattern.search(text) is not None
    return lambda text: line in text


def compare_blocks(
    headings: Iterable[str], reference: Server, ours: Server, table: Table, *, same_server: bool
) -> list[str]:
    """Differences between printed blocks, line by line."""
    problems: list[str] = []
    for heading in headings:
        there = block(reference.output(), heading)
        here = block(ours.output(), heading)
        if not there:
            problems.append(f"the reference prints no block {heading!r}")
        if not same_server:
            there, here = _without_allowed(there, here, table)
        if there != here:
            problems.append("\n".join([f"block {heading!r}:", *_side_by_side(there, here)]))
    return problems


def block(output: str, heading: str) -> list[str]:
    """The lines from a heading to the next empty line."""
    lines = output.splitlines()
    if heading not in lines:
        return []
    rest = lines[lines.index(heading) :]
    return rest[: rest.index("")] if "" in rest else rest


def _without_allowed(
    there: list[str], here: list[str], table: Table
) -> tuple[list[str], list[str]]:
    """The lines with the texts replaced that differ in every reply too, such as our version."""
    for row in table.values():
        if row.everywhere and row.everywhere.reference:
            name = f"<{row.everywhere.header}>"
            there = [row.everywhere.reference.sub(name, line) for line in there]
            here = [row.everywhere.ours.sub(name, line) for line in here]
    return there, here


def _side_by_side(there: list[str], here: list[str]) -> Iterator[str]:
    for number in range(max(len(there), len(here))):
        left = there[number] if number < len(there) else "(absent)"
        right = here[number] if number < len(here) else "(absent)"
        if left != right:
            yield f"  reference  {left}"
            yield f"  ours       {right}"
