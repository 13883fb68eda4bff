"""What the commands about deployments have in common: which files they are of, and which image."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scoreserve.cli.flags import Parser

if TYPE_CHECKING:
    from scoreserve.deploy.deployment import Deployment
    from scoreserve.deploy.plan import Choices

_SOLVERS = ("auto", "conda", "pip")


def add_flags(command: Parser) -> None:
    """Files, models, and how the image is made."""
    files = command.add_argument_group("what is deployed")
    files.add_argument(
        *("--inference-config", "--ic"),
        metavar="FILE",
        type=Path,
        help="Of v1: inferenceconfig.json, or the same as YAML.",
    )
    files.add_argument(
        *("--deploy-config", "--dc"),
        metavar="FILE",
        type=Path,
        help="Of v1: deploymentconfig.json.",
    )
    files.add_argument(
        "--deployment", metavar="FILE", type=Path, help="Of v2: the deployment's YAML file."
    )
    files.add_argument(
        "--endpoint", metavar="FILE", type=Path, help="Of v2: the endpoint's YAML file."
    )
    files.add_argument(
        *("--environment", "-e"),
        metavar="DIR",
        action="append",
        default=[],
        help="A folder with azureml_environment.json, a conda file, requirements.txt or a"
        " Dockerfile. With --deployment, NAME=IMAGE_OR_DIR says what a name of the workspace"
        " stands for.",
    )
    files.add_argument(
        *("--entry-script", "--es"),
        metavar="FILE",
        default="",
        help="The entry script, with --environment DIR.",
    )
    files.add_argument(
        *("--model", "-m"),
        metavar="MODEL",
        action="append",
        default=[],
        help="A model: a path, or NAME:VERSION=PATH. A .tar.gz is unpacked. Can be repeated.",
    )
    files.add_argument(
        *("--name", "-n"),
        metavar="NAME",
        default="",
        help="The service's name, of v1. Default: that of the file's folder.",
    )
    files.add_argument(
        "--ignore-files",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="Leave out of the folder of code what its .amlignore names, or else its .gitignore."
        " Default: in v2 only, as Azure does.",
    )
    image = command.add_argument_group("how its image is made")
    image.add_argument(
        "--solver",
        choices=_SOLVERS,
        default="auto",
        help="What installs the packages of a conda file. Default: pip where PyPI has them all,"
        " else conda.",
    )
    image.add_argument(
        "--gpu", action="store_true", help="Build on our image for GPUs, whatever the files say."
    )
    image.add_argument(
        "--base-image",
        metavar="IMAGE",
        default="",
        help="What to build on, instead of what the files say.",
    )
    image.add_argument(
        "--server-image",
        metavar="IMAGE",
        default="",
        help="Our own image. Default: scoreserve:cpu or scoreserve:gpu.",
    )
    image.add_argument(
        "--strict",
        action="store_true",
        help="Refuse what would be another Python version than the files name.",
    )
    image.add_argument(
        "--build-option",
        metavar="OPTION",
        action="append",
        default=[],
        help="An option for the builder's `build`, such as --build-option=--no-cache. Can be"
        " repeated.",
    )


def read(command: Parser, arguments: argparse.Namespace) -> Deployment:
    """The deployment that the flags are about. Ends the process with 2 for flags that do not go
    together. Raises DeploymentError.
    """
    from scoreserve.deploy.files.reading import Named, read_deployment  # late: `serve` needs none

    folders = [each for each in arguments.environment if "=" not in each]
    named = dict(each.split("=", 1) for each in arguments.environment if "=" in each)
    _check(command, arguments, folders, named)
    return read_deployment(
        Named(
            inference_config=arguments.inference_config,
            deploy_config=arguments.deploy_config,
            deployment=arguments.deployment,
            endpoint=arguments.endpoint,
            environment=Path(folders[0]) if folders else None,
            environments=named,
            entry_script=arguments.entry_script,
            models=arguments.model,
            name=arguments.name,
            ignore_files=arguments.ignore_files,
        ),
        Path.cwd(),
    )


def choices(arguments: argparse.Namespace) -> Choices:
    """What the flags say about the image."""
    from scoreserve.deploy.plan import Choices

    return Choices(
        base_image=arguments.base_image,
        server_image=arguments.server_image,
        gpu=arguments.gpu,
        solver=arguments.solver,
        strict=arguments.strict,
    )


def files(arguments: argparse.Namespace) -> list[str]:
    """The names of the files that the flags name."""
    folders = [Path(each) for each in arguments.environment if "=" not in each]
    paths: Sequence[Path | None] = (
        *(arguments.inference_config, arguments.deploy_config),
        *(arguments.deployment, arguments.endpoint, *folders),
    )
    return [path.name or str(path) for path in paths if path is not None]


def _check(
    command: Parser, arguments: argparse.Namespace, folders: list[str], named: dict[str, str]
) -> None:
    """Ends the process with 2 for flags that do not go together."""
    what = [arguments.inference_config, arguments.deployment, *folders]
    if sum(each is not None for each in what) != 1:
        command.error("name one of --inference-config, --deployment and --environment DIR")
    of_v1 = ("--deploy-config", arguments.deploy_config), ("--name", arguments.name)
    of_v2 = ("--endpoint", arguments.endpoint), ("--environment NAME=...", named)
    for flag, value in of_v1 if arguments.deployment else of_v2:
        if value:
            other = "--inference-config" if arguments.deployment else "--deployment"
            command.error(f"{flag} goes with {other}")
    if arguments.entry_script and not folders:
        command.error("--entry-script goes with --environment DIR; the file names it")
