"""Makes the containers of a service."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

from scoreserve.deploy.deployment import Deployment
from scoreserve.deploy.running import labels, payload, recipe
from scoreserve.deploy.running.engine import Container, Engine
from scoreserve.deploy.running.recipe import Place
from scoreserve.deploy.running.switch import LISTENING
from scoreserve.errors import DeploymentError

_LOOK_SECONDS = 0.2
_TOLD_LINES = 5
_SWITCH_SECONDS = 60.0  # until the switch listens, on a busy machine


@dataclass(frozen=True)
class Order:
    """What is to run: a deployment, in an image of its environment; the switch in our own image.
    `arguments` are those of the command, for an update to read the same files.
    """

    deployment: Deployment
    image: str
    switch_image: str
    project: str
    arguments: Mapping[str, object]

    @property
    def name(self) -> str:
        """The service's."""
        return self.deployment.container_name

    @property
    def network(self) -> str:
        """The server's."""
        return recipe.network_of(self.deployment)


def make_server(
    engine: Engine,
    order: Order,
    generation: str,
    keys: tuple[str, ...],
    *,
    unschedulable: str = "",
) -> str:
    """The container that serves, with everything in it, not started; its id. One that is
    `unschedulable` is only there to say why. Raises DeploymentError.
    """
    its_labels = _labels(order, labels.SERVER, generation)
    if unschedulable:
        its_labels[labels.UNSCHEDULABLE] = unschedulable
    engine.ensure_network(order.network, recipe.NETWORKS[order.network])
    container = engine.create(
        recipe.server_arguments(
            order.deployment,
            Place(f"{order.name}-{generation[:8]}", order.image, its_labels, engine.program),
            os.environ,
            limited=not unschedulable,
        )
    )
    files = payload.archive(order.deployment, keys)
    if files:  # a model that is mounted and needs no script has none
        engine.copy_into(container, files)
    return container


def make_switch(engine: Engine, order: Order, generation: str, port: int | None) -> Container:
    """The switch, listening on a port of this machine, a free one for None. Raises DeploymentError,
    as where the port is taken.
    """
    _require_free(port)
    engine.ensure_network(recipe.NETWORK, recipe.NETWORKS[recipe.NETWORK])
    its_labels = _labels(order, labels.SWITCH, generation)
    place = Place(f"{order.name}-{generation[:8]}-switch", order.switch_image, its_labels)
    switch = engine.create(recipe.switch_arguments(place, port))
    if order.network != recipe.NETWORK:
        engine.connect(order.network, switch)
    error = engine.start(switch)
    if error:
        raise DeploymentError(f"the port {port or ''} of {order.name} cannot be opened: {error}")
    _wait_for_switch(engine, order, switch)
    return engine.inspect(switch)


def _require_free(port: int | None) -> None:
    """Raises DeploymentError for a port that is taken. Left to podman's netavark, a failed start
    takes rules for the port away that whoever has it needs.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((recipe.LOOPBACK, port or 0))
        except OSError as error:
            raise DeploymentError(f"port {port}: {error.strerror}; --port names another") from None


def _wait_for_switch(engine: Engine, order: Order, switch: str) -> None:
    deadline = time.monotonic() + _SWITCH_SECONDS
    while True:
        found = engine.inspect(switch)
        if LISTENING in (said := engine.last_lines(switch, _TOLD_LINES)):
            return
        if found.has_ended or time.monotonic() > deadline:
            break
        time.sleep(_LOOK_SECONDS)
    ended = f"ended with {found.exit_code}" if found.has_ended else "does not listen"
    raise DeploymentError(
        f"the switch in front of {order.name}, of {order.switch_image}, {ended}:"
        f" {said or 'it says nothing'}"
    )


def address_of(engine: Engine, order: Order, container: str) -> str:
    """Where the switch finds a container that runs. Raises DeploymentError."""
    host = engine.inspect(container).addresses.get(order.network, "")
    return f"{host}:{order.deployment.routes.scoring.port}"


def _labels(order: Order, role: str, generation: str) -> dict[str, str]:
    said = recipe.about(order.deployment, order.arguments, order.image)
    return recipe.labels_of(order.deployment, order.project, role, generation, said)
