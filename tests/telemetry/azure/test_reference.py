"""The reference and ours send the same, but for what is better: envelope by envelope."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.case_files import ServerSpec
from tests.contract.executables import our_executable, reference_executable
from tests.contract.http_client import exchange
from tests.contract.messages import Request
from tests.contract.processes import Server, start
from tests.contract.request_parser import parse_request
from tests.contract.strict import mapping, only, strings
from tests.telemetry.azure.envelopes import FORMS, Fields, Seen, same, seen
from tests.telemetry.azure.track_sink import TrackSink, track_sink

HERE = Path(__file__).parent
ENVIRONMENT = {
    "SERVICE_NAME": "digits",
    "WORKSPACE_NAME": "team",
    "HOSTNAME": "container",
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",  # the reference's would go to Microsoft
}
REFERENCE, OURS = "reference", "ours"


@dataclass(frozen=True)
class Case:
    """See cases.yaml."""

    spec: ServerSpec
    requests: Sequence[Request]
    sends: Mapping[str, int]


@dataclass(frozen=True)
class Row:
    """A difference, see differences.yaml."""

    key: str
    of: str
    only: str | None
    fields: Sequence[str]
    when: Fields
    reference: str | None
    ours: str | None

    def is_about(self, envelope: Seen) -> bool:
        return envelope.kind == self.of and all(
            re.fullmatch(pattern, envelope.fields.get(field, ""), re.DOTALL)
            for field, pattern in self.when.items()
        )

    def allows(self, field: str, there: str | None, here: str | None) -> bool:
        return field in self.fields and fits(self.reference, there) and fits(self.ours, here)


def fits(pattern: str | None, value: str | None) -> bool:
    """Whether a value is as the pattern says; None: there is none."""
    if pattern is None or value is None:
        return pattern is value
    return re.fullmatch(pattern, value, re.DOTALL) is not None


def load_cases() -> dict[str, Case]:
    found = yaml.safe_load((HERE / "cases.yaml").read_text(encoding="utf-8"))
    return {name: parse_case(name, mapping(entry, name)) for name, entry in found.items()}


def parse_case(name: str, entry: Mapping[str, Any]) -> Case:
    only(entry, {"env", "files", "script", "requests", "sends"}, name)
    files = {"score.py": entry["script"], **entry.get("files", {})}
    env = {**ENVIRONMENT, **strings(entry.get("env", {}), name)}
    spec = ServerSpec(tuple(files.items()), tuple(env.items()), (), "score.py", ".")
    requests = [parse_request(mapping(request, name), name) for request in entry["requests"]]
    return Case(spec, requests, entry["sends"])


def load_rows() -> list[Row]:
    found = yaml.safe_load((HERE / "differences.yaml").read_text(encoding="utf-8"))
    return [parse_row(key, mapping(entry, key)) for key, entry in found.items()]


def parse_row(key: str, entry: Mapping[str, Any]) -> Row:
    only(entry, {"of", "only", "fields", "when", "reference", "ours", "reason"}, key)
    assert entry["reason"]
    return Row(
        key,
        entry["of"],
        entry.get("only"),
        entry.get("fields", ()),
        strings(entry.get("when", {}), key),
        entry.get("reference"),
        entry.get("ours"),
    )


CASES, ROWS = load_cases(), load_rows()


def ask(case: Case, server: Server, sink: TrackSink) -> list[Seen]:
    """All that a server has sent in the end."""
    ours = server.root.parent.name == OURS
    if case.requests:
        assert server.wait_healthy() is None, server.output()
        for request in case.requests:
            reply = exchange(server.port, request)
            assert reply.status == request.status, request.label
    if ours and not case.requests:
        assert server.wait_exit() == 3
    elif ours:
        assert server.stop() is None, server.output()
    else:
        for kind, count in case.sends.items():
            sink.wait_for(kind, count)
    return [seen(envelope) for envelope in list(sink.envelopes)]


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], list[Seen]]]:
    """What each side has sent for each case. All run at once: most of the time they wait."""
    executables = {REFERENCE: reference_executable(), OURS: our_executable()}
    with ExitStack() as stack, ThreadPoolExecutor(2 * len(CASES)) as pool:
        asked = {}
        for name, case in CASES.items():
            for side, executable in executables.items():
                sink = stack.enter_context(track_sink())
                home = tmp_path_factory.mktemp(name) / side
                home.mkdir()
                server = start(executable, case.spec, home, sink.environment)
                stack.callback(end, server)
                asked[name, side] = pool.submit(ask, case, server, sink)
        yield {key: future.result() for key, future in asked.items()}


def end(server: Server) -> None:
    """Whatever it does: the reference, where it waits before it ends, has sent all."""
    if server.process.poll() is None:
        server.process.kill()
    server.process.wait()


def compare(there: Sequence[Seen], here: Sequence[Seen], used: set[str]) -> list[str]:
    """What differs, and is in no row."""
    left = {REFERENCE: without_own(there, REFERENCE, used), OURS: without_own(here, OURS, used)}
    problems = []
    names = [[(each.kind, each.name) for each in left[side]] for side in (REFERENCE, OURS)]
    problems += [f"only the reference sends {name}" for name in lacking(*names)]
    problems += [f"only we send {name}" for name in lacking(*reversed(names))]
    for one in left[REFERENCE]:
        other = next(
            (each for each in left[OURS] if (each.kind, each.name) == (one.kind, one.name)), None
        )
        if other is not None:
            left[OURS].remove(other)
            problems += [f"{one}: {found}" for found in fields_that_differ(one, other, used)]
    return problems


def lacking(these: Sequence[Any], those: Sequence[Any]) -> list[Any]:
    """What is in `these` and not as often in `those`."""
    return list((Counter(these) - Counter(those)).elements())


def without_own(sent: Sequence[Seen], side: str, used: set[str]) -> list[Seen]:
    """Without what only this side sends; and once what it may send any number of times."""
    left: list[Seen] = []
    for envelope in sent:
        own = [row.key for row in ROWS if row.only == side and row.is_about(envelope)]
        used.update(own)
        again = envelope.kind == "MetricData" and any(each.kind == "MetricData" for each in left)
        if not (own or again):
            left.append(envelope)
    return left


def fields_that_differ(one: Seen, other: Seen, used: set[str]) -> Iterator[str]:
    for field in sorted(one.fields.keys() | other.fields.keys()):
        there, here = one.fields.get(field), other.fields.get(field)
        if there is not None and here is not None:
            form = FORMS.get(field)
            if same(field, there, here) or (form and fits(form, there) and fits(form, here)):
                continue
        rows = [
            row.key
            for row in ROWS
            if row.is_about(other) and row.only is None and row.allows(field, there, here)
        ]
        used.update(rows)
        if not rows:
            yield f"{field}\n    reference  {there!r}\n    ours       {here!r}"


@pytest.mark.parametrize("name", CASES)
def test_what_is_sent_is_the_same(sent: Mapping[tuple[str, str], list[Seen]], name: str) -> None:
    problems = compare(sent[name, REFERENCE], sent[name, OURS], set())
    assert not problems, "\n".join(problems)


def test_every_difference_is_there(sent: Mapping[tuple[str, str], list[Seen]]) -> None:
    used: set[str] = set()
    for name in CASES:
        compare(sent[name, REFERENCE], sent[name, OURS], used)
    assert used == {row.key for row in ROWS}


def test_the_trace_is_the_clients_or_that_of_the_id(
    sent: Mapping[tuple[str, str], list[Seen]],
) -> None:
    """And what the script prints and raises is within it."""
    ours = sent["text", OURS]
    requests = {each.name: each.fields for each in ours if each.kind == "RequestData"}
    goes_on = requests["11111111-1111-4111-8111-111111111111"]
    assert goes_on["tags.ai.operation.id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    raises = requests["raises"]
    inside = [each for each in ours if each.fields.get("data.properties.Request Id") == "raises"]
    assert {each.kind for each in inside} == {"RequestData", "MessageData", "ExceptionData"}
    for each in inside:
        assert each.fields["tags.ai.operation.id"] == raises["tags.ai.operation.id"]
        if each.kind != "RequestData":
            assert each.fields["tags.ai.operation.parentId"] == raises["data.id"]


def test_a_request_takes_the_time_that_it_took(
    sent: Mapping[tuple[str, str], list[Seen]],
) -> None:
    [slow] = [each for each in sent["text", OURS] if each.name == "slow" and each.kind[0] == "R"]
    assert "0.00:00:00.400" <= slow.fields["data.duration"] < "0.00:00:10"
    assert slow.fields["data.responseCode"] == "500"
