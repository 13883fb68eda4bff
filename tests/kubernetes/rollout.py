"""A Deployment and its Service on one machine: servers as pods, haproxy as what leads to them.

The pods have the variables, probes and times that the chart gives them. haproxy hands connections
on, as kube-proxy does, and learns that a pod ends from the readiness probe alone: in a cluster the
endpoint goes as soon as the pod is told to end, so this is later than the latest there.
"""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import final

from tests.kubernetes.chart import Manifest, environment, named, pod_of, server_of
from tests.kubernetes.kubelet import Probe, wait_ready
from tests.ports import free_port
from tests.servers import Server, launch, wait_until

SLOTS = 8  # pods at once, ending ones included

HAPROXY = """
global
    stats socket {socket} level admin
defaults
    mode tcp
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    timeout check {timeout}s
    retries 0
listen pods
    bind 127.0.0.1:{port}
    option httpchk GET {path}
    server-template pod 1-{slots} 127.0.0.1:1 check inter {period}s fall {failures} disabled
"""


class Service:
    """What leads to those pods that are ready. See `service`."""

    def __init__(self, port: int, control: Path) -> None:
        self.port = port
        self._control = control
        self._free = list(range(1, SLOTS + 1))

    def add(self, port: int) -> int:
        """Lets requests go to a pod that is ready; its slot."""
        slot = self._free.pop(0)
        self._tell(f"set server pods/pod{slot} addr 127.0.0.1 port {port}")
        self._tell(f"set server pods/pod{slot} state ready")
        return slot

    def remove(self, slot: int) -> None:
        """Forgets a pod that has ended."""
        self._tell(f"set server pods/pod{slot} state maint")
        self._free.append(slot)

    def _tell(self, command: str) -> None:
        with closing(socket.socket(socket.AF_UNIX)) as control:
            control.connect(str(self._control))
            control.sendall(f"{command}\n".encode())
            said = control.recv(4096).decode().strip()
        assert not said or "changed" in said, said


@contextmanager
def service(directory: Path, readiness: Probe) -> Iterator[Service]:
    """haproxy, with no pod yet."""
    port, control, config = free_port(), directory / "control", directory / "haproxy.cfg"
    config.write_text(
        HAPROXY.format(
            socket=control,
            port=port,
            path=readiness.path,
            period=readiness.period_seconds,
            timeout=readiness.timeout_seconds,
            failures=readiness.failures,
            slots=SLOTS,
        )
    )
    process = subprocess.Popen(["haproxy", "-q", "-db", "-f", config])
    try:
        wait_until(control.exists, "haproxy runs")
        yield Service(port, control)
    finally:
        process.kill()
        process.wait()


@final
class Load:
    """Clients that ask one request after the other, each on a connection that it keeps."""

    def __init__(self, port: int, clients: int) -> None:
        self.answered = 0
        self.failures: list[str] = []
        self._port = port
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        with closing(connection):
            while not self._stopping.is_set():
                try:
                    connection.request("POST", "/score", b"data")
                    response = connection.getresponse()
                    body = response.read()
                    if (response.status, body) != (200, b'"data"'):
                        self.failures.append(f"{response.status} {body!r}")
                except (OSError, http.client.HTTPException) as error:
                    self.failures.append(repr(error))
                    connection.close()
                self.answered += 1


@final
class Rollout:
    """The controller of a Deployment, and the kubelet of its pods."""

    def __init__(
        self, manifests: list[Manifest], script: str, directory: Path, to: Service
    ) -> None:
        self._deployment = named(manifests, "Deployment")["spec"]
        self._pod = pod_of(manifests)
        self._script = script
        self._directory = directory
        self._service = to
        self._pods: list[tuple[Server, int]] = []
        self._started = ExitStack()
        self._endings: list[Future[int]] = []
        self._executor = self._started.enter_context(ThreadPoolExecutor(SLOTS))

    def __enter__(self) -> Rollout:
        for _ in range(self._deployment["replicas"]):
            self._pods.append(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._started.close()

    def update(self) -> None:
        """Replaces each pod: one more, until it has been ready for a while, then one less."""
        assert self._deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
        for _ in range(self._deployment["replicas"]):
            self._pods.append(self._start())
            time.sleep(self._deployment["minReadySeconds"])
            self._endings.append(self._executor.submit(self._end, *self._pods.pop(0)))

    def exit_codes(self) -> list[int]:
        """Those of the pods that were replaced, once they have ended."""
        return [ending.result() for ending in self._endings]

    def _start(self) -> tuple[Server, int]:
        container = server_of(self._pod)
        server = self._started.enter_context(
            launch(
                self._script,
                self._directory,
                program="scoreserve",
                args=("serve",),
                env=environment(container),
            )
        )
        wait_ready(container, server.port, lambda: None if server.process.poll() is None else "!")
        return server, self._service.add(server.port)

    def _end(self, server: Server, slot: int) -> int:
        """Raises TimeoutExpired where a kubelet would kill the pod."""
        server.signal(signal.SIGTERM)
        code = server.process.wait(self._pod["terminationGracePeriodSeconds"])
        self._service.remove(slot)
        return code
