"""What `scoreserve service` changes: update, reload, delete; and the keys."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from scoreserve.cli import service_flags
from scoreserve.cli.service_flags import Call
from scoreserve.errors import DeploymentError

if TYPE_CHECKING:
    from scoreserve.deploy.running.services import Service


def update(call: Call) -> None:
    """Puts a new container in the place of the old one. Without files, those of before are read,
    and the other flags of before hold where none are given.
    """
    from scoreserve.deploy.running import launching
    from scoreserve.deploy.running.states import State

    if not _names_files(call.arguments):
        call = replace(call, arguments=_as_before(call.arguments, call.service))
    order = service_flags.ordered(
        call.command, call.arguments, call.engine, call.progress, call.service.name
    )
    tell = service_flags.teller(call.progress)
    outcome = launching.update(call.engine, order, call.service, tell)
    call.progress.end()
    is_updated = outcome.verdict.state is State.HEALTHY
    if not is_updated:
        print(f"{call.service.name} is not updated, and is as it was.", file=sys.stderr)
    service_flags.show_outcome(
        call.command,
        call.arguments,
        outcome,
        done=f"{call.service.name} is updated:",
        for_programs={"updated": is_updated},  # the state is that of the new container
    )


def _names_files(arguments: argparse.Namespace) -> bool:
    return any((arguments.inference_config, arguments.deployment, arguments.environment))


def _as_before(arguments: argparse.Namespace, service: Service) -> argparse.Namespace:
    """These flags and, where none are given, those of the last deploy or update, in the folder that
    those were given in. Raises DeploymentError.
    """
    before = service.about.arguments
    arguments = service_flags.restored(before, arguments)
    try:
        os.chdir(before["folder"])
    except OSError as error:
        raise DeploymentError(f"{before['folder']}: {error.strerror}") from None
    return arguments


def reload(call: Call) -> None:
    """Has the workers load the script again."""
    from scoreserve.cli import deployment_flags
    from scoreserve.deploy.running import launching

    arguments = _as_before(call.arguments, call.service)
    deployment = deployment_flags.read(call.command, arguments)
    call.progress.say(f"Reloading {call.service.name} ...")
    launching.reload(call.engine, deployment.code, call.service)
    call.progress.end()
    _show_done(call, "reloaded")


def get_keys(call: Call) -> None:
    """Prints both keys."""
    from scoreserve.deploy.running.services import keys

    found = keys(call.engine, call.service)
    if not found:
        raise DeploymentError(
            f"{call.service.name} needs no key; authEnabled or --auth would have it need one"
        )
    primary, secondary = found
    if call.arguments.output == "json":
        print(json.dumps({"primaryKey": primary, "secondaryKey": secondary}, indent=2))
    else:
        print(f"primaryKey    {primary}\nsecondaryKey  {secondary}")


def delete(call: Call) -> None:
    """Removes a service."""
    from scoreserve.deploy.running import launching

    launching.delete(call.engine, call.service)
    _show_done(call, "deleted")


def _show_done(call: Call, what: str) -> None:
    """Prints what the service is now, in a word."""
    name = call.service.name
    if call.arguments.output == "json":
        print(json.dumps({"name": name, what: True}))
    else:
        print(f"{name} is {what}.")
