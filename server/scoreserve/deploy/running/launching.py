"""Starts services, puts other containers in their place, and removes them.

    deploy   server and switch are made; the port leads to the server, which is waited for
    update   a new server is made beside the old one, and waited for
                 healthy: the switch leads to it; the old one answers what it has, and is removed
                 not:     it is removed, and nothing has changed for clients
    reload   the files of the script are put into the container again, and its workers replaced

Whatever ends one of these in the middle, an error or Ctrl-C: what it has made is removed.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from scoreserve.deploy.deployment import Code, Deployment
from scoreserve.deploy.running import code_files, labels, recipe
from scoreserve.deploy.running.engine import Container, Engine
from scoreserve.deploy.running.interrupts import deferred
from scoreserve.deploy.running.keys import keys_for
from scoreserve.deploy.running.making import Order, address_of, make_server, make_switch
from scoreserve.deploy.running.requests import get
from scoreserve.deploy.running.services import Service, keys, look, routes, services, set_routes
from scoreserve.deploy.running.states import State, Verdict, shortage
from scoreserve.deploy.running.switch import CANDIDATE_PORT, Routes
from scoreserve.errors import DeploymentError

_LOOK_SECONDS = 0.5
_RELOAD_SECONDS = 300.0  # as WORKER_TIMEOUT
_TOLD_LINES = 40  # of the log of a container that does not become healthy


@dataclass(frozen=True)
class Tell:
    """Who is told: of a step, which stays to be read; of progress, in the place of the last."""

    step: Callable[[str], None]
    progress: Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What came of it. `log` is the end of what a container printed that did not become healthy."""

    service: Service
    verdict: Verdict
    log: str = ""


def deploy(engine: Engine, order: Order, tell: Tell, *, overwrite: bool, wait: bool) -> Outcome:
    """Starts a service. One that fails stays, for its log to be read. Raises DeploymentError."""
    there = _containers(engine, order.project, order.name)
    if there and not overwrite:
        raise DeploymentError(
            f"{order.name} is deployed already: `scoreserve service update {order.name}` replaces"
            " it without a gap, --overwrite removes it first"
        )
    problem = shortage(order.deployment.resources, engine.machine())
    engine.remove(there)
    its_keys = keys_for(order.deployment.auth, ())
    with _undone(engine) as generation:
        tell.step(f"Starting {order.name}")
        server = make_server(engine, order, generation, its_keys, unschedulable=problem)
        problem = problem or engine.start(server)
        if problem:
            engine.remove([server])  # which has no label that says why
            server = make_server(engine, order, generation, its_keys, unschedulable=problem)
            return _outcome(engine, order, server, Verdict(State.UNSCHEDULABLE, problem))
        switch = make_switch(engine, order, generation, order.deployment.port)
        address = address_of(engine, order, server)
        set_routes(engine, switch, Routes(live=address, candidate=address))
        if not wait:
            verdict = Verdict(State.TRANSITIONING, "not waited for")
            return _outcome(engine, order, server, verdict)
        verdict = _wait(engine, server, switch, tell)
        if verdict.state is State.HEALTHY:
            set_routes(engine, switch, Routes(live=address, proven=True))
    return _outcome(engine, order, server, verdict)


def update(engine: Engine, order: Order, service: Service, tell: Tell) -> Outcome:
    """Puts a new container in the place of the one that serves, if it becomes healthy; else the
    service is as it was. Raises DeploymentError.
    """
    _require_port(order.deployment, service)
    problem = shortage(order.deployment.resources, engine.machine())
    if problem:
        return Outcome(service, Verdict(State.UNSCHEDULABLE, problem))
    before = routes(engine, service)
    its_keys = keys_for(order.deployment.auth, keys(engine, service))
    with _undone(engine) as generation:
        tell.step(f"Starting the new container of {order.name}; the old one serves meanwhile")
        server = make_server(engine, order, generation, its_keys)
        problem = engine.start(server)
        if problem:
            engine.remove([server])
            return Outcome(service, Verdict(State.UNSCHEDULABLE, problem))
        switch = _switch_of(engine, order, service, generation)
        address = address_of(engine, order, server)
        set_routes(engine, switch, replace(before, candidate=address))
        verdict = _wait(engine, server, switch, tell)
        if verdict.state is not State.HEALTHY:
            log = engine.last_lines(server, _TOLD_LINES)
            set_routes(engine, switch, before)
            engine.remove([server])
            return Outcome(service, verdict, log)
        set_routes(engine, switch, Routes(live=address, proven=True))
    tell.step("The new container serves; the old one answers what it has")
    engine.stop(service.server.id)
    # Those of updates that were killed too, which nothing leads to.
    now = (server, switch.id)
    engine.remove(
        [each for each in _containers(engine, order.project, order.name) if each not in now]
    )
    return _outcome(engine, order, server, verdict)


def reload(engine: Engine, code: Code | None, service: Service) -> None:
    """Has the workers load the script as it is now; where they cannot, its files in the container
    are those of before again. Raises DeploymentError; KeyboardInterrupt, with what becomes of it.
    """
    port = service.port
    if service.server.status != "running" or port is None:
        raise DeploymentError(
            f"{service.name} does not run: `scoreserve service update {service.name}` starts it"
        )
    if _last_reload(port) is None:
        raise DeploymentError(
            f"{service.name}: /health/ready does not answer, so this may not be our server;"
            f" `scoreserve service update {service.name}` replaces the container"
        )
    if ("" if code is None else str(code.path)) != service.about.code:
        raise DeploymentError(
            f"{service.name}: the files name another script than it has;"
            f" `scoreserve service update {service.name}` takes that"
        )
    with deferred():  # until the signal: no files of now and of before beside each other
        put_back = None if code is None else code_files.put(engine, service.server.id, code)
        asked = time.monotonic()
        engine.signal(service.server.id, "HUP")
    try:
        result = _wait_for_reload(port, asked)
    except KeyboardInterrupt:
        told = (
            f"; the reload goes on, and `scoreserve service logs {service.name}` says how it ends"
        )
        raise KeyboardInterrupt(told) from None
    if not result:
        raise DeploymentError(f"{service.name}: not reloaded within {_RELOAD_SECONDS:.0f} s")
    if not result.startswith("ok"):
        if put_back is not None:
            put_back()
        raise DeploymentError(
            f"{service.name} is as before: {result.rstrip('.')};"
            f" `scoreserve service logs {service.name}` says why"
        )


def delete(engine: Engine, service: Service) -> None:
    """Removes all containers of a service, and networks that are empty then. Raises
    DeploymentError.
    """
    engine.remove(_containers(engine, service.project, service.name))
    for network in recipe.NETWORKS:
        engine.remove_network(network)


def _containers(engine: Engine, project: str, name: str) -> list[str]:
    wanted = {labels.PROJECT: project, labels.SERVICE: name}
    return [each.id for each in engine.containers(wanted)]


@contextmanager
def _undone(engine: Engine) -> Iterator[str]:
    """Removes what has been made in the block if it does not come to its end; it is known by the
    label that the block is given.
    """
    generation = uuid.uuid4().hex
    try:
        yield generation
    except BaseException:
        made = engine.containers({labels.GENERATION: generation})
        engine.remove([each.id for each in made])
        raise


def _require_port(deployment: Deployment, service: Service) -> None:
    if deployment.port is not None and service.port not in (None, deployment.port):
        raise DeploymentError(
            f"{service.name} is at port {service.port}, which an update keeps; `scoreserve deploy"
            f" --overwrite` moves it to {deployment.port}"
        )


def _switch_of(engine: Engine, order: Order, service: Service, generation: str) -> Container:
    """The service's switch; a new one where it does not run, as after the machine did not."""
    switch = service.switch
    if switch is not None and switch.status == "running":
        if order.network not in switch.addresses:
            engine.connect(order.network, switch.id)
        return switch
    engine.remove([] if switch is None else [switch.id])
    return make_switch(engine, order, generation, service.port or order.deployment.port)


def _wait(engine: Engine, server: str, switch: Container, tell: Tell) -> Verdict:
    """Until the server is healthy, or will not be."""
    line = ""

    def show(text: str) -> None:
        nonlocal line
        line = text

    port = switch.ports.get(CANDIDATE_PORT)
    end = engine.follow(server, show)
    try:
        while True:
            found = look(engine, engine.inspect(server), port)
            if found.state is not State.TRANSITIONING:
                return found
            tell.progress(f"{found.state.value}: {line or found.reason}")
            time.sleep(_LOOK_SECONDS)
    finally:
        end()


def _outcome(engine: Engine, order: Order, server: str, verdict: Verdict) -> Outcome:
    found = next(each for each in services(engine, order.project) if each.name == order.name)
    failed = verdict.state in (State.FAILED, State.UNHEALTHY)
    return Outcome(found, verdict, engine.last_lines(server, _TOLD_LINES) if failed else "")


@dataclass(frozen=True)
class _Reload:
    result: str  # begins with "ok" or "failed"; "" before the first
    seconds_ago: float


def _wait_for_reload(port: int, asked: float) -> str:
    """The result of the reload that was asked for then, in seconds of the monotonic clock; empty
    where there is none in time.
    """
    while time.monotonic() < asked + _RELOAD_SECONDS:
        time.sleep(_LOOK_SECONDS)
        found = _last_reload(port)
        if found is not None and found.seconds_ago <= time.monotonic() - asked:
            return found.result
    return ""


def _last_reload(port: int) -> _Reload | None:
    """What /health/ready says; None where it does not answer as our server does."""
    try:
        found = json.loads(get(port, "/health/ready", seconds=10).body)
        ago = found["last_reload_seconds_ago"]
        return _Reload(found["last_reload"] or "", float("inf") if ago is None else float(ago))
    except (OSError, ValueError, KeyError, TypeError):
        return None
