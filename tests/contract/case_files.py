"""Reads cases/*.yaml into frozen dataclasses.

Unknown keys are refused, so a typo in a case is an error and not a check that never runs.
The format is described in README.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .messages import Request
from .request_parser import parse_request
from .strict import mapping, only, strings

CASES = Path(__file__).with_name("cases")

SERVER_KEYS = {"script", "files", "env", "args", "entry_script", "cwd"}
CASE_KEYS = {
    *("name", "about", "server", "requests", "exits"),
    *("logs", "logs_in_order", "blocks"),
}


@dataclass(frozen=True)
class ServerSpec:
    """One server start: a directory of files, an environment and a command line.

    Cases with equal specs share a start (it is a fixture's parameter, so it must be hashable).
    `<root>`, `<port>` and `<health_port>` in files, env and args stand for what the harness chose.
    """

    files: tuple[tuple[str, str], ...]
    env: tuple[tuple[str, str], ...]
    args: tuple[str, ...]
    entry_script: str | None
    cwd: str


@dataclass(frozen=True)
class LogCheck:
    """A line of a server's output, stdout and stderr together.

    `present` must be found on both sides and `absent` on neither. With a difference, `reference`
    is found there only and `ours` on our side only; one of them may be missing.
    """

    present: str | None = None
    absent: str | None = None
    difference: str | None = None
    reference: str | None = None
    ours: str | None = None


@dataclass(frozen=True)
class Case:
    file: str
    name: str
    server: ServerSpec
    requests: tuple[Request, ...]
    exits: int | None  # the exit code of a server that must fail to start
    logs: tuple[LogCheck, ...]
    logs_in_order: bool
    blocks: tuple[str, ...]  # headings of printed blocks, which are compared line by line

    @property
    def id(self) -> str:
        return f"{self.file}::{self.name}"

    def differences(self) -> list[str]:
        """The keys of the table of differences that this case names."""
        named = [request.difference for request in self.requests]
        named += [check.difference for check in self.logs]
        return [key for key in named if key is not None]


def load_cases(directory: Path = CASES) -> list[Case]:
    """All cases, in the order of the files' names and of the cases in each file."""
    cases = [case for path in sorted(directory.glob("*.yaml")) for case in _read_file(path)]
    ids = [case.id for case in cases]
    if repeated := sorted({name for name in ids if ids.count(name) > 1}):
        raise ValueError(f"case names repeat: {repeated}")
    return cases


def _read_file(path: Path) -> Iterable[Case]:
    with path.open(encoding="utf-8") as file:
        document = mapping(yaml.safe_load(file), path.name)
    only(document, {"about", "servers", "cases"}, path.name)
    servers = {
        name: _parse_server(mapping(server, f"{path.name}: {name}"), f"{path.name}: server {name}")
        for name, server in mapping(document.get("servers", {}), path.name).items()
    }
    for entry in document["cases"]:
        yield _parse_case(path.name, mapping(entry, path.name), servers)


def _parse_case(file: str, entry: Mapping[str, Any], servers: Mapping[str, ServerSpec]) -> Case:
    where = f"{file}::{entry.get('name')}"
    only(entry, CASE_KEYS | SERVER_KEYS, where)
    inline = {key: entry[key] for key in SERVER_KEYS if key in entry}
    if ("server" in entry) == bool(inline):
        raise ValueError(f"{where}: name a server of the file, or write one in the case")
    case = Case(
        file=file,
        name=entry["name"],
        server=_parse_server(inline, where) if inline else servers[entry["server"]],
        requests=tuple(
            parse_request(mapping(request, where), f"{where}, request {number}")
            for number, request in enumerate(entry.get("requests", ()), start=1)
        ),
        exits=entry.get("exits"),
        logs=tuple(_parse_log(check, where) for check in entry.get("logs", ())),
        logs_in_order=entry.get("logs_in_order", False),
        blocks=tuple(entry.get("blocks", ())),
    )
    if not (case.requests or case.logs or case.blocks) and case.exits is None:
        raise ValueError(f"{where}: this case compares nothing")
    if case.requests and case.exits is not None:
        raise ValueError(f"{where}: a server that exits at start answers no request")
    return case


def _parse_server(entry: Mapping[str, Any], where: str) -> ServerSpec:
    only(entry, SERVER_KEYS, where)
    files = dict(strings(entry.get("files", {}), where))
    if "script" in entry:
        files["score.py"] = entry["script"]
    return ServerSpec(
        files=tuple(files.items()),
        env=tuple(strings(entry.get("env", {}), where).items()),
        args=tuple(entry.get("args", ())),
        entry_script=entry.get("entry_script", "score.py"),
        cwd=entry.get("cwd", "."),
    )


def _parse_log(entry: object, where: str) -> LogCheck:
    if isinstance(entry, str):
        return LogCheck(present=entry)
    check = mapping(entry, where)
    if "absent" in check:
        only(check, {"absent"}, where)
        return LogCheck(absent=check["absent"])
    only(check, {"difference", "reference", "ours"}, where)
    if not (check.get("reference") or check.get("ours")):
        raise ValueError(f"{where}: a difference in the log needs a line of one side")
    return LogCheck(
        difference=check["difference"], reference=check.get("reference"), ours=check.get("ours")
    )
