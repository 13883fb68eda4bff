"""`scoreserve package`: Azure's deployment files made into an image, or into what builds one."""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from scoreserve.cli import deployment_flags
from scoreserve.cli.flags import Parser
from scoreserve.cli.script_flags import add_command
from scoreserve.cli.service_flags import failures_told
from scoreserve.cli.terminal import Progress
from scoreserve.errors import DeploymentError

if TYPE_CHECKING:
    from scoreserve.deploy.deployment import Deployment
    from scoreserve.deploy.plan import Plan

_OTHER_PYTHON = "takes its place"  # in what the image's conda says where it lacks the one asked for
_DOCKERFILE = "Dockerfile"
# Variables with secrets, which the running container is given and no image has.
_KEYS, _APP_INSIGHTS = "SCORESERVE_API_KEYS", "AML_APP_INSIGHTS_KEY"


def add_to(commands: argparse._SubParsersAction[Parser]) -> None:
    """The command and its flags."""
    command = add_command(
        commands,
        "package FILES [FLAGS]",
        summary="make an image of Azure ML's deployment files",
        description="Makes an image of a deployment that Azure ML's files describe:"
        " inferenceconfig.json and deploymentconfig.json, deployment.yml and endpoint.yml, or the"
        " folder of an environment. The environment's packages are an image of their own, which is"
        " built once and used by all deployments with the same ones; code and models are put on it."
        " What the files ask for and a container cannot do is told, one line each.",
        example="scoreserve package --inference-config inferenceconfig.json --model model.pkl\n"
        "scoreserve package --deployment deployment.yml --output context --context-only",
    )
    deployment_flags.add_flags(command)
    made = command.add_argument_group("what is made")
    made.add_argument(
        "--tag",
        metavar="IMAGE",
        default="",
        help="The image's name. Default: NAME:latest, or of v2 ENDPOINT:DEPLOYMENT.",
    )
    made.add_argument(
        "--output",
        metavar="DIR",
        type=Path,
        help="Write Dockerfile and build context into this folder, which is new or empty.",
    )
    made.add_argument(
        "--context-only", action="store_true", help="Build nothing; with --output DIR."
    )
    made.add_argument(
        "--builder",
        choices=("docker", "podman", "buildah"),
        default="",
        help="What to build with. Default: the first of these that works.",
    )
    made.add_argument("--verbose", action="store_true", help="Show all that the builder prints.")
    command.set_defaults(run=partial(_run, command))


def _run(command: Parser, arguments: argparse.Namespace) -> NoReturn:
    progress = Progress()
    with failures_told(command, progress, interrupted=""):
        if arguments.context_only and arguments.output is None:
            command.error("--context-only goes with --output DIR")
        _make(command, arguments, progress)
    sys.exit(0)


def _make(command: Parser, arguments: argparse.Namespace, progress: Progress) -> None:
    from scoreserve.deploy import builders, building  # late: `serve` has no use for them
    from scoreserve.deploy.plan import KnowsNothing, plan

    deployment = deployment_flags.read(command, arguments)
    builder = (
        None if arguments.context_only else builders.find(arguments.builder, arguments.build_option)
    )
    images = KnowsNothing() if builder is None else building.Images(builder)
    planned = plan(deployment, deployment_flags.choices(arguments), images)
    for note in (*planned.notes, *_at_run_time(deployment)):
        progress.tell(f"note: {note}")
    if arguments.output is not None:
        _write(planned, arguments.output, ", ".join(deployment_flags.files(arguments)))
    if builder is None:
        return
    started = time.monotonic()
    image = arguments.tag or deployment.image_name

    def show(line: str) -> None:
        if arguments.verbose or _OTHER_PYTHON in line:
            progress.tell(line)
        elif line.strip():
            progress.say(line)

    built = building.ImageBuild(planned, builder, progress.tell, show).service(image)
    progress.tell(f"Built {built.image} in {time.monotonic() - started:.0f} s.")
    runs = "podman" if builder.program == "buildah" else builder.program  # they share their images
    print(shlex.join([runs, "run", "--rm", *_run_options(deployment), built.image]))


def _at_run_time(deployment: Deployment) -> Iterator[str]:
    """What is no part of an image, and is for whoever runs it."""
    if deployment.auth.enabled:
        yield f"keys are in no image: give them to the container, in {_KEYS}"
    if deployment.app_insights:
        yield f"Application Insights needs a key: give it to the container, in {_APP_INSIGHTS}"
    if deployment.isolated:
        yield "egress_public_network_access: run the container in a network that reaches nothing"


def _run_options(deployment: Deployment) -> Iterator[str]:
    """What `docker run` is told that is in no image. Keys come from the caller's environment."""
    port = deployment.routes.scoring.port
    yield from ("-p", f"{deployment.port or port}:{port}")
    its = deployment.resources
    for option, value in (
        ("--gpus", "all" if its.gpus else None),
        ("--cpus", its.cpus),
        ("--memory", its.memory_bytes),
        ("--shm-size", its.shm_bytes),
    ):
        if value is not None:
            yield from (option, f"{value:g}" if isinstance(value, float) else str(value))
    if deployment.auth.enabled:
        yield from ("-e", _KEYS)
    if deployment.app_insights:
        yield from ("-e", _APP_INSIGHTS)
    yield from its.run_arguments


def _write(planned: Plan, folder: Path, made_from: str) -> None:
    """Writes Dockerfile and build context. Raises DeploymentError."""
    from scoreserve.deploy.context import is_empty

    if not is_empty(folder):
        raise DeploymentError(f"--output {folder}: is there already; name a new or empty folder")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
            made = Path(scratch) / folder.name  # all of it or nothing
            made.mkdir()
            planned.lay_out_environment(made, without=Path(scratch))
            planned.lay_out_service(made, without=Path(scratch))
            (made / _DOCKERFILE).write_text(planned.dockerfile(made_from), encoding="utf-8")
            made.replace(folder)
    except OSError as error:
        raise DeploymentError(f"--output {folder}: {error.strerror}") from None
    print(f"{folder}: a build context with its {_DOCKERFILE}", file=sys.stderr)
