"""`scoreserve deploy`: Azure's deployment files made into a service on this machine."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import NoReturn

from scoreserve.cli import service_flags
from scoreserve.cli.flags import Parser
from scoreserve.cli.script_flags import add_command
from scoreserve.cli.terminal import Progress


def add_to(commands: argparse._SubParsersAction[Parser]) -> None:
    """The command and its flags."""
    from scoreserve.cli import deployment_flags

    command = add_command(
        commands,
        "deploy FILES [FLAGS]",
        summary="run a deployment of Azure ML's files in a container here",
        description="Runs a deployment that Azure ML's files describe, in a container on this"
        " machine: its environment is an image, its code and models are put where Azure has them,"
        " and its keys, limits and probes hold. Waits until the service is healthy. `scoreserve"
        " service` shows, asks, updates and deletes it.",
        example="scoreserve deploy --inference-config inferenceconfig.json --deploy-config"
        " deploymentconfig.json --model mnist:1=model.pkl --name mnist"
        "\nscoreserve deploy --deployment deployment.yml --endpoint endpoint.yml",
    )
    deployment_flags.add_flags(command)
    service_flags.add_run_flags(command)
    how = command.add_argument_group("what happens")
    how.add_argument(
        "--overwrite",
        action="store_true",
        help="Remove a service of this name first. `scoreserve service update` leaves no gap.",
    )
    how.add_argument(
        "--no-wait", action="store_true", help="Do not wait until the service is healthy."
    )
    service_flags.add_flags(command)
    command.set_defaults(run=partial(_run, command))


def _run(command: Parser, arguments: argparse.Namespace) -> NoReturn:
    progress = Progress()
    with service_flags.failures_told(command, progress):
        from scoreserve.deploy.running import launching  # late: `scoreserve serve` needs none of it
        from scoreserve.deploy.running.engine import find

        engine = find(arguments.engine)
        order = service_flags.ordered(command, arguments, engine, progress)
        outcome = launching.deploy(
            engine,
            order,
            service_flags.teller(progress),
            overwrite=arguments.overwrite,
            wait=not arguments.no_wait,
        )
        progress.end()
        service_flags.show_outcome(command, arguments, outcome, done=f"{order.name} is")
    sys.exit(0)
