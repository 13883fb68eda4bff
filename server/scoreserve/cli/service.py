"""`scoreserve service`: shows, asks, updates and deletes what `scoreserve deploy` runs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from scoreserve.cli import service_changes, service_flags
from scoreserve.cli.flags import Parser, checked
from scoreserve.cli.service_flags import Call
from scoreserve.cli.terminal import Progress
from scoreserve.errors import EXIT_FAILED, EXIT_FLAGS, EXIT_INTERRUPTED, DeploymentError
from scoreserve.setting_values import at_least

if TYPE_CHECKING:
    from scoreserve.deploy.running.engine import Engine
    from scoreserve.deploy.running.requests import Answer
    from scoreserve.deploy.running.services import Service

    Run = Callable[[Call], None]

_SAMPLES = ("sample_request.json", "sample-request.json", "_samples.json")
_ASKED_SECONDS = 300  # for an answer of the service


def add_to(commands: argparse._SubParsersAction[Parser]) -> None:
    """The command, and those below it."""
    command = commands.add_parser(
        "service",
        help="show, ask, update or delete what `scoreserve deploy` runs",
        description="Shows, asks, updates and deletes the services that `scoreserve deploy` runs in"
        " containers here. A service belongs to the checkout that it was deployed from.",
    )
    below = command.add_subparsers(title="commands", dest="service_command", metavar="COMMAND")
    listing = below.add_parser("list", help="the services of this checkout, with their states")
    listing.add_argument(
        "--all",
        action="store_true",
        help="Those of all checkouts, and what Azure's SDKs have deployed on this machine.",
    )
    service_flags.add_flags(listing)
    listing.set_defaults(run=partial(_list, listing))
    _add(below, "show", "state, addresses, image and containers of a service", _show)
    _add(below, "state", "the state alone, in Azure's words; exits with 1 unless Healthy", _state)
    logs = _add(below, "logs", "what its container has printed", _logs)
    how_much = logs.add_mutually_exclusive_group()
    how_much.add_argument(
        "--lines", type=checked(at_least(1)), metavar="NUMBER", help="Only the last ones."
    )
    how_much.add_argument("--follow", "-f", action="store_true", help="Go on until Ctrl-C.")
    invoke = _add(below, "invoke", "send a request and print the answer", _invoke)
    invoke.add_argument(
        *("--data", "-d"),
        metavar="JSON",
        help="The body; @FILE reads it from a file. Default: sample_request.json or _samples.json,"
        " from beside the script or the model.",
    )
    _add_update(below)
    reload = _add(below, "reload", "load the script again as it is now", service_changes.reload)
    reload.epilog = "The workers are replaced one by one; packages and models stay as they are."
    _add(below, "get-keys", "its two keys", service_changes.get_keys)
    _add(below, "delete", "stop and remove it", service_changes.delete)
    command.set_defaults(run=partial(_none, command))


def _add(below: argparse._SubParsersAction[Parser], name: str, told: str, run: Run) -> Parser:
    command = _named(below, name, told, run)
    command.add_argument("--name", "-n", metavar="NAME", default="", help="The same.")
    service_flags.add_flags(command)
    return command


def _add_update(below: argparse._SubParsersAction[Parser]) -> None:
    from scoreserve.cli import deployment_flags

    command = _named(
        below,
        "update",
        "replace it without a failed request; if the new one is not healthy, the old one stays",
        service_changes.update,
    )
    command.epilog = (
        "Without files, those of the last deploy or update are read again. Its other flags hold"
        " too, where they are not given anew: `-m mnist:2=new.pkl` is another model, and the rest"
        " stays."
    )
    deployment_flags.add_flags(command)
    service_flags.add_run_flags(command)
    service_flags.add_flags(command)


def _named(below: argparse._SubParsersAction[Parser], name: str, told: str, run: Run) -> Parser:
    command = below.add_parser(name, help=told, description=f"{told[0].upper()}{told[1:]}.")
    command.add_argument(
        "service",
        metavar="NAME",
        nargs="?",
        default="",
        help="The service. Default: the only one that there is.",
    )
    command.set_defaults(run=partial(_with_service, command, run))
    return command


def _none(command: Parser, arguments: argparse.Namespace) -> NoReturn:
    command.print_help(sys.stderr)
    sys.exit(EXIT_FLAGS)


def _with_service(command: Parser, run: Run, arguments: argparse.Namespace) -> NoReturn:
    progress = Progress()
    with service_flags.failures_told(command, progress):
        from scoreserve.deploy.running import sdk_services
        from scoreserve.deploy.running.engine import find as find_engine
        from scoreserve.deploy.running.services import find

        engine = find_engine(arguments.engine)
        name = arguments.service or arguments.name or _only(engine, arguments, command)
        try:
            service = find(engine, name, service_flags.project_of(arguments))
        except DeploymentError as error:
            raise DeploymentError(f"{error}{sdk_services.hint(engine, name)}") from None
        run(Call(command, arguments, engine, service, progress))
    sys.exit(0)


def _only(engine: Engine, arguments: argparse.Namespace, command: Parser) -> str:
    """The name of the only service that there is. Ends the process with 2 where there are more."""
    from scoreserve.deploy.running.services import services

    names = [each.name for each in services(engine, service_flags.project_of(arguments))]
    if len(names) != 1:
        command.error(f"name a service; there is: {', '.join(names) or 'none'}")
    return names[0]


def _list(command: Parser, arguments: argparse.Namespace) -> NoReturn:
    with service_flags.failures_told(command, Progress()):
        from scoreserve.deploy.running import sdk_services
        from scoreserve.deploy.running.engine import find
        from scoreserve.deploy.running.services import services, verdict

        engine = find(arguments.engine)
        project = None if arguments.all else service_flags.project_of(arguments)
        found = [
            service_flags.describe(each, verdict(engine, each))
            for each in services(engine, project)
        ]
        if arguments.all:
            found += [
                service_flags.describe_sdk_service(each, sdk_services.verdict(engine, each))
                for each in sdk_services.sdk_services(engine)
            ]
        if arguments.output == "json":
            print(json.dumps(found, indent=2))
        elif not found:
            print(f"No services{'' if project is None else f' of {project}'}.", file=sys.stderr)
        else:
            columns = ["name", "state", "scoringUri"]
            columns += ["startedBy", "project"] if arguments.all else []
            _table(columns, found)
    sys.exit(0)


def _table(columns: list[str], rows: list[dict[str, Any]]) -> None:
    texts = [columns, *([str(row[column] or "-") for column in columns] for row in rows)]
    widths = [max(len(text[number]) for text in texts) for number in range(len(columns))]
    for text in texts:
        cells = [cell.ljust(width) for cell, width in zip(text, widths, strict=True)]
        print("  ".join(cells).rstrip())


def _show(call: Call) -> None:
    from scoreserve.deploy.running.services import verdict

    found = service_flags.describe(call.service, verdict(call.engine, call.service))
    if call.arguments.output == "json":
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        text = ", ".join(value) if isinstance(value, list) else value
        print(f"{name:<12} {'-' if text is None else text}")


def _state(call: Call) -> None:
    from scoreserve.deploy.running.services import verdict
    from scoreserve.deploy.running.states import State

    found = verdict(call.engine, call.service)
    if call.arguments.output == "json":
        print(json.dumps({"state": found.state.value, "error": found.reason or None}))
    else:
        print(found.state.value)
        if found.reason:
            print(found.reason, file=sys.stderr)
    if found.state is not State.HEALTHY:
        sys.exit(EXIT_FAILED)


def _logs(call: Call) -> None:
    container, lines = call.service.server.id, call.arguments.lines
    if call.arguments.output == "json":
        if call.arguments.follow:
            call.command.error("--output json is for a log as it is now: leave out --follow")
        log = call.engine.last_lines(container, lines)
        print(json.dumps({"name": call.service.name, "log": log}, indent=2))
        return
    if lines is not None:
        print(call.engine.last_lines(container, lines))
        return
    try:
        code = call.engine.show_log(container, follow=call.arguments.follow)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    if code != 0:
        sys.exit(EXIT_FAILED)


def _invoke(call: Call) -> None:
    from scoreserve.deploy.running.requests import post
    from scoreserve.deploy.running.services import keys

    service = call.service
    body = _body(call.arguments.data, service)
    if service.port is None:
        raise DeploymentError(f"{service.name} does not run: `scoreserve service state` says why")
    headers = {"Content-Type": "application/json"}
    if service.about.authenticated:
        headers["Authorization"] = f"Bearer {keys(call.engine, service)[0]}"
    path = service.about.scoring.path
    try:
        answer = post(service.port, path, body, headers, _ASKED_SECONDS)
    except OSError as error:
        raise DeploymentError(
            f"{service.uri(path)}: no answer: {error}; `scoreserve service state` and"
            " `scoreserve service logs` say more"
        ) from None
    if call.arguments.output == "json":
        about = {"status": answer.status, "contentType": answer.content_type}
        print(json.dumps({**about, "body": _plain(answer)}, indent=2))
    else:
        sys.stdout.buffer.write(answer.body)
        if sys.stdout.isatty() and not answer.body.endswith(b"\n"):
            print()
    if answer.status >= 400:
        print(f"{call.command.prog}: status {answer.status}", file=sys.stderr)
        sys.exit(EXIT_FAILED)


def _plain(answer: Answer) -> Any:
    """Its body: what it stands for where it is JSON, else as text."""
    text = answer.body.decode(errors="replace")
    if answer.content_type == "application/json":
        with suppress(ValueError):
            return json.loads(text)
    return text


def _body(given: str | None, service: Service) -> bytes:
    """What to send. Raises DeploymentError."""
    if given is not None and not given.startswith("@"):
        return given.encode()
    if given is not None:
        paths = [Path(given[1:])]
    else:
        folders = [Path(each) for each in service.about.samples]
        folders = [each for folder in folders for each in (folder, folder.parent)]
        every = [folder / name for folder in folders for name in _SAMPLES]
        paths = [path for path in every if path.is_file()]
    if not paths:
        raise DeploymentError(
            "no sample_request.json or _samples.json beside the script or the model: give a body"
            " with --data"
        )
    try:
        return paths[0].read_bytes()
    except OSError as error:
        raise DeploymentError(f"--data {paths[0]}: {error.strerror}") from None
