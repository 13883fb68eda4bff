"""Runs one case against the reference and ours, and says what differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from .case_files import Case, ServerSpec
from .comparison import Mismatch, compare
from .differences import Table
from .executables import our_executable, reference_executable
from .fields import Seen
from .http_client import exchange
from .messages import Outcome, Reply, Request
from .output import LOG_SECONDS, check_logs, compare_blocks, missing
from .processes import Server, start, wait_until

SHOWN_CHARACTERS = 1500  # of a body, in messages
SHOWN_BEFORE = 60  # characters of a field before the first that differs
SHOWN_LINES = 40  # of a server's output


# Ours answers on two paths, and which must make no difference. Names as long as the reference's: a
# path in a body does not change the body's length.
PATHS = {"fast-path": "true", "asgi-path": "false"}


@dataclass(frozen=True)
class Servers:
    """The servers of a case, started."""

    reference: Server
    ours: Sequence[Server]
    same_server: bool  # ours is a second reference: the harness is being checked

    @property
    def all(self) -> tuple[Server, ...]:
        return (self.reference, *self.ours)


@contextmanager
def running_servers(spec: ServerSpec, directory: Path) -> Iterator[Servers]:
    """Starts all servers at once and stops them; raises AssertionError for a bad stop."""
    reference, ours = reference_executable(), our_executable()
    started: list[Server] = []
    stops: list[str] = []
    try:
        started.append(start(reference, spec, directory / "reference"))
        for name, fast_path in PATHS.items():
            path_to_score = {"SCORESERVE_FAST_PATH": fast_path}
            started.append(start(ours, spec, directory / name, path_to_score))
        yield Servers(started[0], started[1:], same_server=reference == ours)
    finally:
        with ThreadPoolExecutor(max_workers=3) as pool:
            outcomes = pool.map(Server.stop, started)
            stops = [
                f"{_name(server)} {what}\n{_tail(server)}"
                for server, what in zip(started, outcomes, strict=True)
                if what
            ]
    assert not stops, "\n".join(stops)


def run_case(case: Case, servers: Servers, table: Table) -> list[str]:
    """What is wrong, one text for each problem; empty if the servers agree."""
    bad_starts = [(server, what) for server in servers.all if (what := _bad_start(case, server))]
    if bad_starts:
        return [f"{_name(server)} {what}\n{_tail(server)}" for server, what in bad_starts]
    problems = _compare_replies(case, servers, table)
    for server in servers.all:
        is_ours = server is not servers.reference and not servers.same_server
        wrong = check_logs(case.logs, server, in_order=case.logs_in_order, is_ours=is_ours)
        if wrong:
            problems.append("\n  ".join([f"{_name(server)}:", *wrong, _tail(server)]))
    for ours in servers.ours:
        problems += compare_blocks(
            case.blocks, servers.reference, ours, table, same_server=servers.same_server
        )
    return problems


def _bad_start(case: Case, server: Server) -> str | None:
    """How the server did not start, or did not fail to start, as the case says."""
    if case.exits is None:
        return server.wait_healthy()
    code = server.wait_exit()
    return None if code == case.exits else f"exited {code}, the case says {case.exits}"


def _compare_replies(case: Case, servers: Servers, table: Table) -> list[str]:
    """Asks one server after the other; compares the replies of ours with the reference's."""
    there = _send_all(case.requests, servers.reference)
    problems: list[str] = []
    for number, (request, reply) in enumerate(zip(case.requests, there, strict=True), start=1):
        title = f"request {number}: {request.label}"
        print(f"{title}\n{_show(reply)}")
        if wrong := _unexpected(request, reply):
            problems.append(f"{title}\n  the reference: {wrong}\n{_show(reply)}")
    for server in servers.ours:
        here = _send_all(case.requests, server)
        for number, (request, reference, ours) in enumerate(
            zip(case.requests, there, here, strict=True), start=1
        ):
            found = compare(
                request,
                Seen(reference, servers.reference.placeholders),
                Seen(ours, server.placeholders),
                table,
                same_server=servers.same_server,
            )
            if found:
                title = f"request {number} ({_name(server)}): {request.label}"
                replies = f"  -- reference\n{_show(reference)}\n  -- ours\n{_show(ours)}"
                problems.append("\n".join([title, *map(_side_by_side, found), replies]))
    return problems


def _side_by_side(mismatch: Mismatch) -> str:
    """Both sides of a field, long ones from shortly before they part."""
    texts = mismatch.reference, mismatch.ours
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*texts, strict=False)))
    start = max(0, same - SHOWN_BEFORE)
    there, here = (f"{'...' if start else ''}{text[start:][:SHOWN_CHARACTERS]}" for text in texts)
    return f"  {mismatch.field}\n    reference  {there}\n    ours       {here}"


def _unexpected(request: Request, reply: Reply) -> str | None:
    """How the reference's reply is not what the case says it is."""
    actual = reply.status if reply.outcome is Outcome.REPLY else reply.outcome
    if actual != request.status:
        return f"answered {actual}, the case says {request.status}"
    text = reply.body.decode("utf-8", "backslashreplace")
    lacking = [part for part in request.contains if part not in text]
    return f"the body lacks {lacking}" if lacking else None


def _send_all(requests: Sequence[Request], server: Server) -> list[Reply]:
    """The requests in order; one marked as background is still running when the next is sent."""
    with ThreadPoolExecutor(max_workers=max(1, len(requests))) as pool:
        replies: list[Future[Reply]] = []
        for request in requests:
            if request.after_log is not None:
                _wait_for_line(request.after_log, server)
            port = server.health_port if request.to_health_port else server.port
            reply = pool.submit(exchange, port, request)
            if not request.background:
                reply.result()
            replies.append(reply)
        return [reply.result() for reply in replies]


def _wait_for_line(line: str, server: Server) -> None:
    found = wait_until(lambda: not missing([line], server.output()), LOG_SECONDS)
    assert found, f"no line {line!r} in\n{server.output()}"


def _name(server: Server) -> str:
    """Which server of a case this is: `reference`, or a path of ours."""
    return server.root.parent.name


def _show(reply: Reply) -> str:
    head = [f"    {reply.outcome.value} {reply.status} {list(reply.interim) or ''}"]
    headers = [f"    {name}: {value}" for name, value in reply.headers]
    body = repr(reply.body)
    if len(body) > SHOWN_CHARACTERS:
        body = f"{body[:SHOWN_CHARACTERS]}... ({len(reply.body)} bytes)"
    return "\n".join([*head, *headers, f"    {body}"])


def _tail(server: Server) -> str:
    """The last lines of the server's output."""
    lines = server.output().splitlines()[-SHOWN_LINES:]
    return "\n".join(["  -- its output", *(f"    {line}" for line in lines)])
