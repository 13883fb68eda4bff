"""An engine in memory: containers, the switch's routes, and what each container answers."""

from __future__ import annotations

import io
import itertools
import posixpath
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from scoreserve.deploy.running.engine import Container, Engine
from scoreserve.deploy.running.recipe import NETWORKS
from scoreserve.deploy.running.states import Machine
from scoreserve.deploy.running.switch import CANDIDATE_PORT, LIVE_PORT, Routes, address

GIB = 1024**3


@dataclass(frozen=True)
class Behaviour:
    """What becomes of a server that is started: the statuses it answers, one after the other and
    the last for good; or why it does not start, or that it ends. A KeyboardInterrupt among the
    statuses is Ctrl-C while the container is waited for.
    """

    statuses: Sequence[int | KeyboardInterrupt | None] = (200,)
    start_error: str = ""
    exit_code: int | None = None
    log: str = ""


class FakeEngine(Engine):
    """`behaviours` are those of the next servers, in order."""

    def __init__(self, *behaviours: Behaviour) -> None:
        super().__init__("fake")
        self._behaviours = iter(behaviours)
        self._numbers = itertools.count(1)
        self.made: dict[str, Container] = {}
        self.arguments: dict[str, list[str]] = {}
        self.files: dict[str, dict[str, bytes]] = {}  # of each container, by their paths
        self.networks: set[str] = set()
        self.routes = Routes()
        self.stopped: list[str] = []
        self.signals: list[tuple[str, str]] = []
        self._answers: dict[str, list[int | KeyboardInterrupt | None]] = {}
        self._logs: dict[str, str] = {}

    def status_of(self, port: int, path: str) -> int | None:
        """As `requests.status_of`: what the container answers that the port leads to."""
        live = port == LIVE_PORT
        host, _ = address(self.routes.live if live else self.routes.candidate)
        found = next((each for each in self.made.values() if host in each.addresses.values()), None)
        if found is None or found.status != "running":
            return None
        answers = self._answers[found.id]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, KeyboardInterrupt):
            raise answer
        return answer

    def machine(self) -> Machine:
        return Machine(cpus=4, memory_bytes=8 * GIB)

    def containers(self, labels: Mapping[str, str]) -> list[Container]:
        return [
            each
            for each in self.made.values()
            if all(
                name in each.labels and value in ("", each.labels[name])
                for name, value in labels.items()
            )
        ]

    def inspect(self, container: str) -> Container:
        return self.made[container]

    def create(self, arguments: Sequence[str]) -> str:
        number = next(self._numbers)
        words = list(arguments)
        pairs = [words[at + 1] for at, word in enumerate(words) if word == "--label"]
        container = Container(
            id=f"id{number}",
            name=words[words.index("--name") + 1],
            image="image",
            labels=dict(pair.split("=", 1) for pair in pairs),
            status="created",
            created=f"{number:04}",
            addresses={words[words.index("--network") + 1]: f"10.0.0.{number}"},
            ports={LIVE_PORT: LIVE_PORT, CANDIDATE_PORT: CANDIDATE_PORT}
            if "--publish" in words
            else {},
        )
        self.made[container.id] = container
        self.arguments[container.id] = words
        return container.id

    def copy_into(self, container: str, archive: bytes, folder: str = "/") -> None:
        its = self.files.setdefault(container, {})
        assert archive, "podman takes no archive with nothing in it"
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            for member in tar:
                if (file := tar.extractfile(member)) is not None:
                    its[posixpath.join(folder, member.name)] = file.read()

    def read_file(self, container: str, path: str) -> bytes:
        """As `cp` does: an archive with the file, or the folder, alone."""
        alone = io.BytesIO()
        with tarfile.open(fileobj=alone, mode="w") as only:
            for name, data in self.files[container].items():
                if name == path or name.startswith(f"{path}/"):
                    member = tarfile.TarInfo(posixpath.relpath(name, posixpath.dirname(path)))
                    member.size = len(data)
                    only.addfile(member, io.BytesIO(data))
        return alone.getvalue()

    def remove_files(self, container: str, paths: Sequence[str]) -> None:
        for path in paths:
            del self.files[container][path]

    def start(self, container: str) -> str:
        if "--publish" in self.arguments[container]:
            self._change(container, status="running")
            self._logs[container] = "listening"
            return ""
        behaviour = next(self._behaviours)
        if behaviour.start_error:
            return behaviour.start_error
        self._logs[container] = behaviour.log
        self._answers[container] = list(behaviour.statuses)
        if behaviour.exit_code is None:
            self._change(container, status="running")
        else:
            self._change(container, status="exited", exit_code=behaviour.exit_code)
        return ""

    def stop(self, container: str) -> None:
        self.stopped.append(container)

    def remove(self, containers: Sequence[str]) -> None:
        for each in containers:
            del self.made[each]

    def signal(self, container: str, name: str) -> None:
        self.signals.append((container, name))

    def execute(self, container: str, command: Sequence[str]) -> str:
        if command[-1] == "show":
            return self.routes.text
        self.routes = Routes.from_text(command[-1])
        return ""

    def ensure_network(self, name: str, options: Sequence[str]) -> None:
        assert NETWORKS[name] == options
        self.networks.add(name)

    def remove_network(self, name: str) -> None:
        if not any(name in each.addresses for each in self.made.values()):
            self.networks.discard(name)

    def connect(self, network: str, container: str) -> None:
        before = self.made[container].addresses
        self._change(container, addresses={**before, network: "10.9.9.9"})

    def last_lines(self, container: str, lines: int | None) -> str:
        return self._logs[container]

    def follow(self, container: str, on_line: Callable[[str], None]) -> Callable[[], None]:
        on_line(self._logs[container])
        return lambda: None

    def _change(self, container: str, **changes: object) -> None:
        self.made[container] = replace(self.made[container], **changes)  # type: ignore[arg-type]
