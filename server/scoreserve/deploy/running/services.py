"""Services: found by their containers' labels, and what state they are in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from scoreserve.deploy.running import labels
from scoreserve.deploy.running.engine import Container, Engine, seconds_since
from scoreserve.deploy.running.labels import About
from scoreserve.deploy.running.payload import KEYS_FILE, keys_in
from scoreserve.deploy.running.recipe import switch_command
from scoreserve.deploy.running.requests import status_of
from scoreserve.deploy.running.states import Seen, State, Verdict, judge
from scoreserve.deploy.running.switch import CANDIDATE_PORT, LIVE_PORT, Routes
from scoreserve.errors import DeploymentError

_WORDS_LINES = 40  # of a log, in which an error is looked for
_WHAT = re.compile(r"^What  (?P<what>.*(?:\n +\S.*)*)", re.MULTILINE)  # of a StartFailure
_ERROR_WORDS = ("Error", "error", "ERROR", "Exception")


@dataclass(frozen=True)
class Service:
    """The containers of one service: that which serves, and the switch that holds its port."""

    name: str
    project: str
    server: Container
    switch: Container | None

    @property
    def about(self) -> About:
        """What its labels say. Raises DeploymentError."""
        try:
            return About.from_text(self.server.labels[labels.ABOUT])
        except (KeyError, ValueError) as error:
            raise DeploymentError(
                f"{self.name}: its labels were written by another version of scoreserve ({error});"
                f" remove it with `scoreserve service delete {self.name}`"
            ) from None

    @property
    def port(self) -> int | None:
        """That of this machine, for clients."""
        return None if self.switch is None else self.switch.ports.get(LIVE_PORT)

    @property
    def candidate_port(self) -> int | None:
        """That of this machine, for whoever asks after a container before it serves."""
        return None if self.switch is None else self.switch.ports.get(CANDIDATE_PORT)

    @property
    def containers(self) -> list[str]:
        """Their ids."""
        return [each.id for each in (self.server, self.switch) if each is not None]

    def uri(self, path: str) -> str:
        """Where a path of it is; empty where it has no port."""
        return "" if self.port is None else f"http://127.0.0.1:{self.port}{path}"


def services(engine: Engine, project: str | None) -> list[Service]:
    """Those that a checkout has deployed, by name; None: those of all."""
    wanted = {labels.SERVICE: "", **({} if project is None else {labels.PROJECT: project})}
    by_name: dict[tuple[str, str], list[Container]] = {}
    for container in engine.containers(wanted):
        its = container.labels
        by_name.setdefault((its.get(labels.PROJECT, ""), its[labels.SERVICE]), []).append(container)
    found = [_service(*key, containers) for key, containers in sorted(by_name.items())]
    return [each for each in found if each is not None]


def _service(project: str, name: str, containers: Sequence[Container]) -> Service | None:
    """Of two servers, as an update that was killed may leave, the older one serves."""
    ordered = sorted(containers, key=lambda each: each.created)
    servers = [each for each in ordered if each.labels.get(labels.ROLE) == labels.SERVER]
    switches = [each for each in ordered if each.labels.get(labels.ROLE) == labels.SWITCH]
    if not servers:
        return None
    return Service(name, project, servers[0], switches[-1] if switches else None)


def find(engine: Engine, name: str, project: str) -> Service:
    """The service of this name; the last part will do, where only one has it. Raises
    DeploymentError.
    """
    here = services(engine, project)
    exact = [each for each in here if each.name == name]
    found = exact or [each for each in here if each.name.rpartition(".")[2] == name]
    if len(found) == 1:
        return found[0]
    names = ", ".join(each.name for each in here) or "none"
    elsewhere = [each.project for each in services(engine, None) if each.name == name]
    hint = f"; there is one of {elsewhere[0]}: --project {elsewhere[0]}" if elsewhere else ""
    raise DeploymentError(f"no service {name} of {project}; there is: {names}{hint}")


def routes(engine: Engine, service: Service) -> Routes:
    """Where the switch leads to; nowhere, where it does not run."""
    if service.switch is None or service.switch.status != "running":
        return Routes()
    with suppress(DeploymentError, ValueError):
        return Routes.from_text(engine.execute(service.switch.id, switch_command("show")))
    return Routes()


def set_routes(engine: Engine, switch: Container, its: Routes) -> None:
    """Has the switch lead there, from the next connection on. Raises DeploymentError."""
    engine.execute(switch.id, switch_command("set", its.text))


def verdict(engine: Engine, service: Service) -> Verdict:
    """The state of a service. What has become healthy is noted with its switch."""
    known = routes(engine, service)
    if service.server.status == "running" and not known.live:
        return Verdict(
            State.UNHEALTHY, "nothing holds its port: `scoreserve service update` makes it anew"
        )
    found = look(engine, service.server, service.port, been_healthy=known.proven)
    if found.state is State.HEALTHY and not known.proven and service.switch is not None:
        set_routes(engine, service.switch, Routes(known.live, known.candidate, proven=True))
    return found


def look(
    engine: Engine, container: Container, port: int | None, *, been_healthy: bool = False
) -> Verdict:
    """The state of one container of ours, which is asked through a port of this machine."""
    its = About.from_text(container.labels[labels.ABOUT])
    status = answer_of(container, port, its.readiness.path)
    return judge(see(engine, container, status, been_healthy=been_healthy), its.patience_seconds)


def answer_of(container: Container, port: int | None, path: str) -> int | None:
    """The status that a container answers there; None where it does not."""
    return status_of(port, path) if container.status == "running" and port else None


def see(
    engine: Engine, container: Container, http_status: int | None, *, been_healthy: bool = False
) -> Seen:
    """What there is to judge a container by, which answered that."""
    return Seen(
        status=container.status,
        ended=container.has_ended,
        seconds=seconds_since(container.started),
        exit_code=container.exit_code,
        out_of_memory=container.out_of_memory,
        error=container.labels.get(labels.UNSCHEDULABLE, "") or _start_error(container),
        http_status=http_status,
        been_healthy=been_healthy,
        last_words=last_error(engine.last_lines(container.id, _WORDS_LINES))
        if container.has_ended
        else "",
    )


def _start_error(container: Container) -> str:
    """Why the engine could not start it: a limit that it cannot have, a GPU that is not there."""
    return container.error if container.status == "created" else ""


def last_error(log: str) -> str:
    """What tells best why it ended: our server's own last words, or the last line with an error in
    it, or the last.
    """
    whats = list(_WHAT.finditer(log))
    if whats:
        return " ".join(whats[-1]["what"].split())
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if any(word in line for word in _ERROR_WORDS)]
    return (errors or lines or [""])[-1]


def keys(engine: Engine, service: Service) -> tuple[str, ...]:
    """Primary and secondary key; none where no key is needed. Raises DeploymentError."""
    if not service.about.authenticated:
        return ()
    return keys_in(engine.read_file(service.server.id, KEYS_FILE))
