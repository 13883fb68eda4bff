"""What the commands about running services have in common."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoreserve.cli.flags import Parser, checked
from scoreserve.cli.terminal import Progress, coloured
from scoreserve.errors import EXIT_FAILED, EXIT_INTERRUPTED, DeploymentError
from scoreserve.setting_values import between

if TYPE_CHECKING:
    from scoreserve.deploy.running.engine import Engine
    from scoreserve.deploy.running.launching import Outcome, Tell
    from scoreserve.deploy.running.making import Order
    from scoreserve.deploy.running.sdk_services import SdkService
    from scoreserve.deploy.running.services import Service
    from scoreserve.deploy.running.states import Verdict

_COLOURS = {"Healthy": "green", "Transitioning": "yellow", "Unhealthy": "yellow"}


@dataclass(frozen=True)
class Call:
    """One call of a command about one service."""

    command: Parser
    arguments: argparse.Namespace
    engine: Engine
    service: Service
    progress: Progress


def add_flags(command: Parser) -> None:
    """Where services are, and how they are shown."""
    where = command.add_argument_group("where, and how it is shown")
    where.add_argument(
        "--engine",
        choices=("docker", "podman"),
        default="",
        help="What runs the containers. Default: the first of these that works.",
    )
    where.add_argument(
        "--project",
        metavar="DIR",
        type=Path,
        default=Path(),
        help="The checkout that a service belongs to. Default: the one that this folder is in, by"
        " its .git, or else this folder.",
    )
    where.add_argument(
        "--output",
        choices=("text", "json"),
        default="text",
        help="`text` for people, `json` for programs. Default: text.",
    )


def project_of(arguments: argparse.Namespace) -> str:
    """The checkout that the flags name."""
    from scoreserve.deploy.running.labels import project_of  # late, as all that only these need

    return str(project_of(arguments.project))


@contextmanager
def failures_told(
    command: Parser, progress: Progress, interrupted: str = "; what had been made is removed"
) -> Iterator[None]:
    """Ends the process with 1 for what cannot be done, with 130 for Ctrl-C, and says so; what
    becomes of what was begun is told by the KeyboardInterrupt itself, or else by `interrupted`.
    """
    from scoreserve.deploy.running.interrupts import undone_when_ended

    try:
        with undone_when_ended():
            yield
    except DeploymentError as error:
        progress.end()
        print(f"{command.prog}: {error}", file=sys.stderr)
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt as interrupt:
        progress.tell(f"Interrupted{str(interrupt) or interrupted}.")
        sys.exit(EXIT_INTERRUPTED)


def teller(progress: Progress) -> Tell:
    """Tells the terminal."""
    from scoreserve.deploy.running.launching import Tell

    return Tell(step=progress.tell, progress=progress.say)


def ordered(
    command: Parser,
    arguments: argparse.Namespace,
    engine: Engine,
    progress: Progress,
    name: str = "",
) -> Order:
    """What the flags ask for, in an image that is built where there is none yet; for the service of
    this `name`, where one is given. Raises DeploymentError.
    """
    from dataclasses import replace

    from scoreserve.cli import deployment_flags
    from scoreserve.deploy import building
    from scoreserve.deploy.builders import Builder
    from scoreserve.deploy.plan import plan
    from scoreserve.deploy.running.making import Order

    deployment = deployment_flags.read(command, arguments)
    if name and not deployment.endpoint:
        deployment = replace(deployment, name=name)
    if name and deployment.container_name != name:
        raise DeploymentError(f"the files are of {deployment.container_name}, not of {name}")
    if arguments.port is not None:
        deployment = replace(deployment, port=arguments.port)
    if arguments.auth:
        deployment = replace(deployment, auth=replace(deployment.auth, enabled=True))
    its = deployment.resources
    its = replace(its, cpus=arguments.cpus or its.cpus)
    if arguments.memory_gb is not None:
        its = replace(its, memory_bytes=int(arguments.memory_gb * 1024**3))
    deployment = replace(deployment, resources=its)
    builder = Builder(engine.program, tuple(arguments.build_option))
    choices = deployment_flags.choices(arguments)
    planned = plan(deployment, choices, building.Images(builder))
    for note in planned.notes:
        progress.tell(f"note: {note}")

    def show(line: str) -> None:
        if arguments.verbose:
            progress.tell(line)
        elif line.strip():
            progress.say(line)

    image = building.ImageBuild(planned, builder, progress.tell, show).environment().image
    return Order(
        planned.deployment,
        image,
        planned.base.server_image,
        project_of(arguments),
        saved(arguments),
    )


def _positive(text: str) -> float:
    """A number above zero. Raises ValueError."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise ValueError("Input should be a number above 0")
    return found


def add_run_flags(command: Parser) -> None:
    """What the files say, said otherwise for this machine."""
    run = command.add_argument_group("how it runs")
    run.add_argument(
        "--port",
        type=checked(between(1, 65535)),
        metavar="PORT",
        help="The port of this machine. Default: what the files say, or a free one.",
    )
    run.add_argument(
        *("--auth", "--ae"), action="store_true", help="Clients need a key, whatever the files say."
    )
    run.add_argument(
        *("--cpus", "--cc"),
        type=checked(_positive),
        metavar="NUMBER",
        help="The most CPUs that it may use.",
    )
    run.add_argument(
        *("--memory-gb", "--gb"),
        type=checked(_positive),
        metavar="NUMBER",
        help="The most memory, in GiB.",
    )
    run.add_argument("--verbose", action="store_true", help="Show all that the builder prints.")


_PATHS = ("inference_config", "deploy_config", "deployment", "endpoint")
_NOT_SAVED = ("verbose",)  # is of one call


def saved(arguments: argparse.Namespace) -> dict[str, Any]:
    """The flags about the deployment, as JSON can hold them, and the folder that they were given
    in.
    """
    found = vars(arguments)
    values = {name: found[name] for name in _defaults() if name not in _NOT_SAVED}
    values |= {name: str(values[name]) for name in _PATHS if values[name] is not None}
    return {"folder": str(Path.cwd()), "flags": values}


def restored(found: Mapping[str, Any], arguments: argparse.Namespace) -> argparse.Namespace:
    """These arguments, with the flags that were saved where none are given now; paths that are
    given start from the folder of now.
    """
    before = dict(found["flags"])
    before |= {name: Path(before[name]) for name in _PATHS if before.get(name) is not None}
    defaults = _defaults()
    now = vars(arguments)
    given = {
        name: now[name] for name in defaults if now.get(name, defaults[name]) != defaults[name]
    }
    given.pop("name", None)  # that of the service, which is found already
    return argparse.Namespace(**{**now, **before, **_absolute(given)})


def _defaults() -> dict[str, Any]:
    """The flags about the deployment where none is given."""
    from scoreserve.cli import deployment_flags

    parser = Parser(add_help=False)
    deployment_flags.add_flags(parser)
    add_run_flags(parser)
    return vars(parser.parse_args([]))


def _absolute(given: Mapping[str, Any]) -> dict[str, Any]:
    """The flags with paths that are right in any folder."""
    from scoreserve.deploy.files.models import with_absolute_path

    values = dict(given)
    values |= {name: given[name].absolute() for name in _PATHS if name in given}
    if "entry_script" in given:
        values["entry_script"] = str(Path(given["entry_script"]).absolute())
    if "model" in given:
        values["model"] = [with_absolute_path(each, Path.cwd()) for each in given["model"]]
    return values


def describe(service: Service, verdict: Verdict) -> dict[str, Any]:
    """A service for `--output json`, in Azure's names where it has some."""
    from scoreserve.deploy.running import labels

    its = service.about
    return {
        "name": service.name,
        "state": verdict.state.value,
        "error": verdict.reason or None,
        "scoringUri": service.uri(its.scoring.path) or None,
        "swaggerUri": service.uri("/swagger.json") or None,
        "port": service.port,
        "authEnabled": its.authenticated,
        "computeType": "LOCAL",
        "image": service.server.image,
        "createdTime": service.server.created,
        "containers": service.containers,
        "project": service.server.labels.get(labels.PROJECT),
        "startedBy": "scoreserve",
    }


def describe_sdk_service(service: SdkService, verdict: Verdict) -> dict[str, Any]:
    """What one of Azure's SDKs has deployed, likewise."""
    return {
        "name": service.name,
        "state": verdict.state.value,
        "error": verdict.reason or None,
        "scoringUri": service.scoring_uri,
        "port": service.port,
        "computeType": "LOCAL",
        "image": service.container.image,
        "createdTime": service.container.created,
        "containers": [service.container.id],
        "project": None,
        "startedBy": service.sdk,
    }


def show_outcome(
    command: Parser,
    arguments: argparse.Namespace,
    outcome: Outcome,
    *,
    done: str,
    for_programs: Mapping[str, object] | None = None,
) -> None:
    """Prints what came of a deploy or update, with `for_programs` in JSON; ends the process with 1
    where that is no service that is healthy or may become so.
    """
    state = outcome.verdict.state.value
    good = state in ("Healthy", "Transitioning")
    if arguments.output == "json":
        about = {**describe(outcome.service, outcome.verdict), "log": outcome.log or None}
        print(json.dumps({**about, **(for_programs or {})}, indent=2))
    elif good:
        its = outcome.service
        print(f"{done} {coloured(state, _COLOURS[state], sys.stdout)}")
        print(f"  scoring  {its.uri(its.about.scoring.path)}")
        print(f"  try it   scoreserve service invoke {its.name}")
        if its.about.authenticated:
            print(f"  keys     scoreserve service get-keys {its.name}")
    else:
        if outcome.log:
            print(outcome.log, file=sys.stderr)
        print(f"{command.prog}: {state}: {outcome.verdict.reason}", file=sys.stderr)
    if not good:
        sys.exit(EXIT_FAILED)
